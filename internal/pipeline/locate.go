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
	var object *manifest.Object
	if i := slices.IndexFunc(r.Objects, func(o *manifest.Object) bool { return o.ID == id }); i >= 0 {
		object = r.Objects[i]
	}
	if f.File == "" {
		if object != nil && object.Origin.Kustomization != "" {
			place := l.kustomization(object.Origin.Kustomization).Generator(id, f.Path)
			f.File, f.Line, f.Column = place.File, place.Line, place.Column
		}
		return f
	}
	best := manifest.FilePlace{File: f.File, Place: l.source(f.File).Locate(id, f.Path)}
	if f.Path != "" {
		for _, file := range l.outermostFirst(target, append(slices.Clone(r.Sources), f.File)) {
			place := manifest.FilePlace{File: file}
			if isKustomization(file) {
				place = l.kustomization(file).Locate(object, f.Path)
			} else {
				place.Place = l.source(file).Locate(id, f.Path)
			}
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
