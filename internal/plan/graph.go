package plan

import (
	"fmt"
	"io/fs"
	"maps"
	"path"
	"runtime"
	"slices"

	"github.com/sluice-dev/sluice/internal/crew"
)

// Graph says which kustomization of a tree needs which files and directories. It does not change after [Build], so it
// is safe for concurrent use.
type Graph struct {
	tree   Tree
	memo   *Memo
	nodes  map[string]*node // by directory
	users  map[string][]string
	listed []string // directories that hold a kustomization
}

// node is one kustomization directory, or one that is referred to as such and holds none.
type node struct {
	file   string // its kustomization file; "" when it has none
	kust   *kustomization
	own    []Input  // its kustomization file, and the names it could have
	inputs []Input  // what its kustomization names, without what its bases need
	bases  []string // directories built for it, each a node

	resources []string // files of objects that it lists
	remotes   []string // what it would fetch
	plugins   []string // directories whose objects configure plugins of this one
}

// InputKind says how a rendering depends on a path.
type InputKind int

// The kinds of inputs.
const (
	File    InputKind = iota // is read
	Absent                   // is looked for, and is not there (as a file); would be read, or built, if it were
	Symlink                  // is followed
	Subtree                  // a directory: everything below may be read
)

// Input is one path that a rendering depends on.
type Input struct {
	Path string
	Kind InputKind
}

// Build reads every kustomization of a tree. The memo is shared by the graphs of one run. The error is one of the
// tree's, never one of a kustomization's content (see [Graph.Broken]).
func Build(tree Tree, memo *Memo) (*Graph, error) {
	g := &Graph{tree: tree, memo: memo, nodes: make(map[string]*node), users: make(map[string][]string)}
	var files []string
	err := fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
		if entry.IsDir() && path.Base(name) == ".git" {
			return fs.SkipDir
		}
		if !entry.IsDir() && slices.Contains(fileNames[:], path.Base(name)) {
			g.listed = append(g.listed, path.Dir(name))
			if entry.Type().IsRegular() {
				files = append(files, name)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	g.parseAhead(files)
	slices.Sort(g.listed)
	g.listed = slices.Compact(g.listed)
	for _, dir := range g.listed {
		if err := g.add(dir); err != nil {
			return nil, err
		}
	}
	for _, dir := range slices.Sorted(maps.Keys(g.nodes)) {
		if err := g.addPluginDirectories(dir, g.nodes[dir]); err != nil {
			return nil, err
		}
	}
	g.indexUsers()
	return g, nil
}

// add makes the node of a directory, and of those it builds upon. A cycle ends at the node that is there already.
func (g *Graph) add(dir string) error {
	if g.nodes[dir] != nil {
		return nil
	}
	n := &node{}
	g.nodes[dir] = n
	if err := g.load(dir, n); err != nil || n.kust == nil {
		return err
	}
	for _, ref := range n.kust.references {
		if err := g.addReference(dir, n, ref); err != nil {
			return err
		}
	}
	for i := range n.kust.inline {
		g.addPlugin(dir, n, &n.kust.inline[i])
	}
	for _, base := range n.bases {
		if err := g.add(base); err != nil {
			return err
		}
	}
	return nil
}

// load finds and parses the kustomization file of a directory. All three names are looked for: a second one is an
// error that rendering reports.
func (g *Graph) load(dir string, n *node) error {
	for _, name := range fileNames {
		at, ok := g.locate(dir, name)
		if !ok {
			n.own = appendLinks(n.own, at)
			continue
		}
		n.own = appendPlace(n.own, at, File)
		if !at.isFile() || n.file != "" {
			continue
		}
		n.file = path.Join(dir, name)
		var err error
		if n.kust, err = g.kustomization(at.path); err != nil {
			return fmt.Errorf("read %s: %w", at.path, err)
		}
	}
	return nil
}

func (g *Graph) kustomization(file string) (*kustomization, error) {
	oid, hasOID := g.tree.OID(file)
	return remember(&g.memo.mu, g.memo.kustomizations, oid, hasOID, func() (*kustomization, error) {
		data, err := g.tree.ReadFile(file)
		if err != nil {
			return nil, err
		}
		return readKustomization(data), nil
	})
}

// prefetcher is a tree that reads many files at less cost than one after another.
type prefetcher interface{ Prefetch(names []string) }

// parseAhead parses files that will be needed, on all processors: the walk along references that follows is sequential, and
// finds them in the memo. An error is left for it to meet.
func (g *Graph) parseAhead(files []string) {
	files = slices.DeleteFunc(files, func(name string) bool {
		oid, ok := g.tree.OID(name)
		return !ok || g.memo.has(oid)
	})
	if tree, ok := g.tree.(prefetcher); ok {
		tree.Prefetch(files)
	}
	var group crew.Crew
	processors := runtime.GOMAXPROCS(0)
	for part := range slices.Chunk(files, max(16, (len(files)+processors-1)/processors)) {
		group.Go(func() error {
			for _, name := range part {
				_, _ = g.kustomization(name)
			}
			return nil
		})
	}
	_ = group.Wait()
}

func (g *Graph) addReference(dir string, n *node, ref reference) error {
	at, ok := g.locate(dir, ref.text)
	if IsRemote(ref.text) {
		n.remotes = append(n.remotes, ref.text)
		if ok && !at.found {
			n.inputs = appendPlace(n.inputs, at, Absent) // kustomize looks for a file of that name first
		}
		return nil
	}
	if !ok { // it leaves the repository, which rendering refuses; a change of the links may mend it
		n.inputs = appendLinks(n.inputs, at)
		return nil
	}
	switch ref.form {
	case asTree:
		n.inputs = g.appendTree(n.inputs, at)
		return nil
	case asFile:
		n.inputs = appendPlace(n.inputs, at, File)
		return nil
	}
	switch {
	case at.isDir():
		n.inputs = appendLinks(n.inputs, at)
		n.bases = append(n.bases, at.path)
		if ref.form == asPlugin {
			n.plugins = append(n.plugins, at.path)
		}
	default:
		n.inputs = appendPlace(n.inputs, at, File)
		if ref.form == asFileOrBase && at.isFile() {
			n.resources = append(n.resources, at.path)
		}
		if ref.form == asPlugin && at.found {
			return g.addPluginFile(dir, n, at.path)
		}
	}
	return nil
}

// addPluginFile adds what a file of plugin configurations names, from the directory that lists it.
func (g *Graph) addPluginFile(dir string, n *node, file string) error {
	oid, hasOID := g.tree.OID(file)
	p, err := remember(&g.memo.mu, g.memo.plugins, oid, hasOID, func() (*plugin, error) {
		data, err := g.tree.ReadFile(file)
		if err != nil {
			return nil, err
		}
		return readPlugin(data), nil
	})
	if err != nil {
		return fmt.Errorf("read %s: %w", file, err)
	}
	g.addPlugin(dir, n, p)
	return nil
}

func (g *Graph) addPlugin(dir string, n *node, p *plugin) {
	for _, text := range p.files {
		if at, ok := g.locate(dir, text); ok && !IsRemote(text) && !at.isDir() {
			n.inputs = appendPlace(n.inputs, at, File)
		}
	}
	for _, text := range p.words {
		if at, ok := g.locate(dir, text); ok && at.isFile() {
			n.inputs = appendPlace(n.inputs, at, File)
		}
	}
	for _, text := range p.trees {
		if at, ok := g.locate(dir, text); ok {
			n.inputs = g.appendTree(n.inputs, at)
		}
	}
}

// addPluginDirectories adds what plugins read that are configured by another kustomization's objects.
func (g *Graph) addPluginDirectories(dir string, n *node) error {
	for _, plugins := range n.plugins {
		for _, input := range g.Closure(plugins) {
			if input.Kind == File {
				if err := g.addPluginFile(dir, n, input.Path); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func appendLinks(inputs []Input, at place) []Input {
	for _, link := range at.links {
		inputs = append(inputs, Input{link, Symlink})
	}
	return inputs
}

func appendPlace(inputs []Input, at place, kind InputKind) []Input {
	if !at.found || kind == File && at.isDir() {
		kind = Absent
	}
	return append(appendLinks(inputs, at), Input{at.path, kind})
}

func (g *Graph) indexUsers() {
	for dir, n := range g.nodes {
		for _, base := range n.bases {
			g.users[base] = append(g.users[base], dir)
		}
		for _, input := range n.inputs {
			g.users[input.Path] = append(g.users[input.Path], dir)
		}
	}
	for name, dirs := range g.users {
		slices.Sort(dirs)
		g.users[name] = slices.Compact(dirs)
	}
}

// Kustomizations gives every directory that holds a kustomization file, sorted.
func (g *Graph) Kustomizations() []string { return slices.Clone(g.listed) }

// Has reports whether a directory holds a kustomization file.
func (g *Graph) Has(dir string) bool { return g.nodes[dir] != nil && g.nodes[dir].file != "" }

// File gives the path of a directory's kustomization file, "" when it holds none. Of several, it is the first that
// kustomize looks for.
func (g *Graph) File(dir string) string {
	if n := g.nodes[dir]; n != nil {
		return n.file
	}
	return ""
}

// Component reports whether a directory's kustomization is a component, which never renders alone.
func (g *Graph) Component(dir string) bool {
	n := g.nodes[dir]
	return n != nil && n.kust != nil && n.kust.component
}

// Broken says why a directory's kustomization cannot be parsed; "" when it can, or when there is none.
func (g *Graph) Broken(dir string) string {
	if n := g.nodes[dir]; n != nil && n.kust != nil {
		return n.kust.broken
	}
	return ""
}

// Template reports whether a directory's kustomization is a template: it cannot be parsed, and holds placeholders.
func (g *Graph) Template(dir string) bool {
	n := g.nodes[dir]
	return n != nil && n.kust != nil && n.kust.template
}

// Remotes gives what a directory's kustomization would fetch from the network, in the order it names it.
func (g *Graph) Remotes(dir string) []string {
	if n := g.nodes[dir]; n != nil {
		return slices.Clone(n.remotes)
	}
	return nil
}

// UsedBy gives the directories of the kustomizations that name a path, file or directory, themselves; sorted.
func (g *Graph) UsedBy(name string) []string { return slices.Clone(g.users[name]) }

// Bases gives the directories that a directory's kustomization builds upon, in the order it names them.
func (g *Graph) Bases(dir string) []string {
	if n := g.nodes[dir]; n != nil {
		return slices.Clone(n.bases)
	}
	return nil
}
