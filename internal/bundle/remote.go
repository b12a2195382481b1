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
	Name string      // what they are pinned by: host/org/repository@COMMIT or registry/repository@sha256:DIGEST
	Dir  string      // that holds them; "" for what was opened says
	Pos  finding.Pos // of what names them: what is wrong with them is said there
	Open func(context.Context) (Opened, error)
}

// Opened is the files of policies from elsewhere.
type Opened struct {
	Files fs.FS
	Dir   string   // that holds the policies where nobody says another; "" for all
	Data  []string // the files that are said to be data: those that are not read as such are told of
}

// mount is the directory that the policies are loaded as, beside those of the repository. A colon would mean something to Rego's loader.
func (r Remote) mount() string { return strings.ReplaceAll(r.Name, ":", "_") }

// holding finds what a file is of that is not in the repository, and its name there.
func holding(remote []Remote, file string) (r Remote, name string, ok bool) {
	for _, r := range remote {
		if name, ok := strings.CutPrefix(file, r.mount()+"/"); ok && (r.Dir == "" || strings.HasPrefix(name, path.Clean(r.Dir)+"/")) {
			return r, name, true
		}
	}
	return r, "", false
}

// placed moves findings about files that are not in the repository to what names them.
func placed(problems finding.List, remote []Remote) finding.List {
	for i, f := range problems {
		if r, name, ok := holding(remote, f.File); ok {
			problems[i].Pos = r.Pos
			problems[i].Message = fmt.Sprintf("%s: %s: %s", r.Name, finding.Pos{File: name, Line: f.Line, Column: f.Column}, f.Message)
		}
	}
	return problems
}
