package pipeline

import (
	"strings"
	"sync"

	"github.com/sluice-dev/sluice/internal/finding"
	"github.com/sluice-dev/sluice/internal/manifest"
)

// locator finds the source lines of one side's objects. It parses each file once. It is safe for concurrent use.
type locator struct {
	tree    Tree
	mu      sync.Mutex
	sources map[string]*manifest.Source
}

func newLocator(tree Tree) *locator {
	return &locator{tree: tree, sources: make(map[string]*manifest.Source)}
}

// place gives a finding that knows its file and object, but no line, the line on which the file sets the field, or the
// nearest one around it.
func (l *locator) place(f finding.Finding) finding.Finding {
	if f.Line != 0 || f.File == "" || f.Object == "" {
		return f
	}
	id, ok := manifest.ParseID(f.Object)
	if !ok {
		return f
	}
	f.Line, f.Column, _ = l.source(f.File).Locate(id, f.Path)
	return f
}

func (l *locator) source(file string) *manifest.Source {
	l.mu.Lock()
	defer l.mu.Unlock()
	source, ok := l.sources[file]
	if !ok {
		source = &manifest.Source{}
		if data, err := l.tree.ReadFile(file); err == nil && isYAML(file) {
			source = manifest.ParseSource(data)
		}
		l.sources[file] = source
	}
	return source
}

func isYAML(file string) bool {
	return strings.HasSuffix(file, ".yaml") || strings.HasSuffix(file, ".yml") || strings.HasSuffix(file, ".json")
}
