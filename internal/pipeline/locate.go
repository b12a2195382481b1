package pipeline

import (
	"cmp"
	"path"
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

	kustomizations map[string]*manifest.Kustomization
	ranks          map[string]map[string]int // of the directories of a target
	graph          func() *plan.Graph
	comments       map[string]suppressions // of files that were looked at
}

func newLocator(tree Tree, graph func() *plan.Graph) *locator {
	return &locator{
		tree: tree, graph: graph, sources: make(map[string]*manifest.Source), kustomizations: make(map[string]*manifest.Kustomization),
		ranks: make(map[string]map[string]int), comments: make(map[string]suppressions),
	}
}

// place gives a finding that knows its object, but no line, the line that the author wrote: where a patch or a kustomization sets the
// field, that is the place, not the base that it changes. A field that nobody sets is placed at the nearest one around it.
func (l *locator) place(f finding.Finding, target plan.Target, r Rendering) finding.Finding {
	if f.Line != 0 || f.Object == "" {
		return f
	}
	id, ok := manifest.ParseID(f.Object)
	if !ok {
		return f
	}
	about := sought{id: id, field: f.Path}
	for _, o := range r.Objects {
		switch {
		case o.ID == id:
			about.object = o
		case o.ID.Kind == id.Kind:
			about.others = append(about.others, o.ID)
		}
	}
	best := l.definedAt(f.File, about)
	if f.Path != "" {
		for _, file := range l.outermostFirst(target, append(slices.Clone(r.Sources), f.File)) {
			place := l.setIn(file, about)
			if place.Exact || place.Depth > best.Depth {
				best = place
			}
			if place.Exact {
				break
			}
		}
	}
	f.File, f.Line, f.Column = best.File, best.Line, best.Column
	return f
}

// sought is a field of a rendered object; "" is the object itself.
type sought struct {
	id     manifest.ID
	field  string
	object *manifest.Object // nil where it is not rendered
	others []manifest.ID    // that are rendered, of the same kind
}

// definedAt gives the place where something is first defined: in the object's file, else where a kustomization has it generated or
// fetched.
func (l *locator) definedAt(file string, s sought) manifest.FilePlace {
	switch {
	case file != "":
		return manifest.FilePlace{File: file, Place: l.source(file).Locate(s.id, s.field)}
	case s.object == nil || s.object.Origin.Kustomization == "":
		return manifest.FilePlace{}
	}
	if l.generated(s.object) {
		place := l.kustomization(s.object.Origin.Kustomization).Generator(s.id, s.field)
		place.Exact = false // another kustomization may merge into it
		return place
	}
	from := s.object.Origin
	return manifest.FilePlace{File: from.Kustomization, Place: manifest.Place{Line: from.Line, Column: from.Column}}
}

// generated reports whether a generator of ConfigMaps or Secrets makes an object, and no chart or remote base.
func (l *locator) generated(o *manifest.Object) bool {
	if o == nil || o.Origin.Kustomization == "" {
		return false
	}
	entry := l.kustomization(o.Origin.Kustomization).Generator(o.ID, "")
	return entry.Line > 0 && (entry.Line == o.Origin.Line || o.Origin.Line == 0)
}

// setIn gives the place in a file that sets something, or is nearest around it.
func (l *locator) setIn(file string, s sought) manifest.FilePlace {
	switch {
	case file == "":
		return manifest.FilePlace{}
	case !isKustomization(file):
		return manifest.FilePlace{File: file, Place: l.source(file).Locate(s.id, s.field, s.others...)}
	}
	k := l.kustomization(file)
	place := k.Locate(s.object, s.field, s.others...)
	if !place.Exact && l.generated(s.object) {
		if literal := k.Generator(s.id, s.field); literal.Exact {
			return literal
		}
	}
	return place
}

// outermostFirst orders the files of a target as they have the last word: what its own kustomization says, then its components, then the bases
// that they change. In a directory the kustomization comes before its files, since images and replicas are set after patches.
func (l *locator) outermostFirst(target plan.Target, files []string) []string {
	rank := l.layers(target)
	layer := func(file string) int {
		for dir := path.Dir(file); ; dir = path.Dir(dir) {
			if at, ok := rank[dir]; ok {
				return at
			}
			if dir == "." {
				return len(rank)
			}
		}
	}
	slices.SortFunc(files, func(a, b string) int {
		return cmp.Or(cmp.Compare(layer(a), layer(b)), cmp.Compare(shared(b, target.Dir), shared(a, target.Dir)),
			strings.Compare(kustomizationFirst(a), kustomizationFirst(b)), strings.Compare(a, b))
	})
	return slices.Compact(files)
}

// kustomizationFirst is what files are ordered by: a kustomization as its directory.
func kustomizationFirst(file string) string {
	if isKustomization(file) {
		return path.Dir(file) + "/"
	}
	return file
}

// layers ranks the directories that a target is built from, the outermost first.
func (l *locator) layers(target plan.Target) map[string]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if known, ok := l.ranks[target.ID]; ok {
		return known
	}
	rank := make(map[string]int)
	var visit func(dir string)
	visit = func(dir string) {
		if _, seen := rank[dir]; seen {
			return
		}
		rank[dir] = len(rank)
		if graph := l.graph(); graph != nil {
			for _, base := range slices.Backward(graph.Bases(dir)) { // components are named last
				visit(base)
			}
		}
	}
	visit(target.Dir)
	l.ranks[target.ID] = rank
	return rank
}

func (l *locator) kustomization(file string) *manifest.Kustomization {
	l.mu.Lock()
	defer l.mu.Unlock()
	k, ok := l.kustomizations[file]
	if !ok {
		read := func(name string) []byte { data, _ := l.tree.ReadFile(name); return data }
		k = manifest.ParseKustomization(file, read(file), read)
		l.kustomizations[file] = k
	}
	return k
}

func isKustomization(file string) bool {
	return slices.Contains([]string{"kustomization.yaml", "kustomization.yml", "Kustomization"}, path.Base(file))
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
