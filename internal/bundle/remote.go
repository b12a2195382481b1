package bundle

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/sluice-dev/sluice/internal/finding"
)

// Remote is policies from elsewhere that count as the repository's own.
type Remote struct {
	Name string      // what they are pinned by: host/org/repository@COMMIT
	Dir  string      // that holds them; "" for all
	Pos  finding.Pos // of what names them: what is wrong with them is said there
	Open func(context.Context) (fs.FS, error)
}

// mount is the directory that the policies are loaded as, beside those of the repository. A colon would mean something to Rego's loader.
func (r Remote) mount() string { return strings.ReplaceAll(r.Name, ":", "_") }

// placed moves findings about files that are not in the repository to what names them.
func placed(problems finding.List, remote []Remote) finding.List {
	for i, f := range problems {
		for _, r := range remote {
			if name, ok := strings.CutPrefix(f.File, r.mount()+"/"); ok && (path.Clean(r.Dir) == "." || strings.HasPrefix(name, r.Dir+"/")) {
				problems[i].Pos = r.Pos
				problems[i].Message = fmt.Sprintf("%s: %s: %s", r.Name, finding.Pos{File: name, Line: f.Line, Column: f.Column}, f.Message)
				break
			}
		}
	}
	return problems
}
