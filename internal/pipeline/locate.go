package pipeline

import (
	"cmp"
	"slices"
	"strings"
	"sync"

	"github.com/sluice-dev/sluice/internal/finding"
	"github.com/sluice-dev/sluice/internal/manifest"
	"github.com/sluice-dev/sluice/internal/plan"
)

// locator finds the source lines of one side's objects. It parses each file once. It is safe for concurrent use.
type locator struct {
	tree    Tree
	mu      sync.Mutex
	sources map[string]*manifest.Source

	comments map[string]suppressions // of files that were looked at
}

func newLocator(tree Tree) *locator {
	return &locator{tree: tree, sources: make(map[string]*manifest.Source), comments: make(map[string]suppressions)}
}

// place gives a finding that knows its file and object, but no line, the line that the author wrote. sources are the files
// that the target was rendered from: where a patch sets the field, the patch is the place, not the base that it changes. A
// field that nobody sets is placed at the nearest one around it.
func (l *locator) place(f finding.Finding, target plan.Target, sources []string) finding.Finding {
	if f.Line != 0 || f.File == "" || f.Object == "" {
		return f
	}
	id, ok := manifest.ParseID(f.Object)
	if !ok {
		return f
	}
	best := l.source(f.File).Locate(id, f.Path)
	if f.Path == "" {
		f.Line, f.Column = best.Line, best.Column
		return f
	}
	for _, file := range nearestFirst(slices.Concat(sources, []string{f.File}), target.Dir) {
		place := l.source(file).Locate(id, f.Path)
		if place.Exact || place.Depth > best.Depth {
			best, f.File = place, file
		}
		if place.Exact {
			break
		}
	}
	f.Line, f.Column = best.Line, best.Column
	return f
}

// nearestFirst orders files by how much of their path they share with a directory: an overlay's own patches come before those
// of the bases it builds on.
func nearestFirst(files []string, dir string) []string {
	sorted := slices.Clone(files)
	slices.SortFunc(sorted, func(a, b string) int {
		return cmp.Or(cmp.Compare(shared(b, dir), shared(a, dir)), strings.Compare(a, b))
	})
	return slices.Compact(sorted)
}

// shared counts the leading path segments that a file and a directory have in common.
func shared(file, dir string) int {
	n := 0
	rest := strings.Split(file, "/")
	for i, segment := range strings.Split(dir, "/") {
		if i >= len(rest)-1 || rest[i] != segment {
			break
		}
		n++
	}
	return n
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

// suppressions gives the comments of a file that suppress findings.
func (l *locator) suppressions(file string) suppressions {
	if !isYAML(file) {
		return suppressions{}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	found, ok := l.comments[file]
	if !ok {
		if data, err := l.tree.ReadFile(file); err == nil {
			found = parseSuppressions(file, data)
		}
		l.comments[file] = found
	}
	return found
}

func isYAML(file string) bool {
	return strings.HasSuffix(file, ".yaml") || strings.HasSuffix(file, ".yml") || strings.HasSuffix(file, ".json")
}
