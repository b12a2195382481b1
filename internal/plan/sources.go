package plan

import (
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/api/types"

	"github.com/sluice-dev/sluice/internal/config"
)

// Source is a file whose objects a target deploys, and what the kustomizations on the way do to their names. It is what can be said
// without rendering: patches, replacements and generators are not in it. See [Sources.Opaque].
type Source struct {
	Path           string
	Namespace      string            // that objects get; "" where they keep theirs
	Prefix, Suffix string            // around the names of objects
	Labels         map[string]string // that the pods of workloads get
}

// naming is what a kustomization does to the names, namespaces and labels of objects. A memo stores it as it is.
type naming struct {
	Namespace string            `json:",omitempty"`
	Prefix    string            `json:",omitempty"`
	Suffix    string            `json:",omitempty"`
	Labels    map[string]string // of pods
	Makes     bool              `json:",omitempty"` // it makes objects that no source has
	Opaque    bool              `json:",omitempty"` // it makes objects, or names, that no source has
	Amends    bool              `json:",omitempty"` // it may change what definitions say
	Outside   []outside         `json:",omitempty"` // what may do so from a file of its own
}

func readNaming(file *types.Kustomization) naming {
	n := naming{Namespace: file.Namespace, Prefix: file.NamePrefix, Suffix: file.NameSuffix, Labels: make(map[string]string)}
	for _, label := range file.Labels {
		if label.IncludeSelectors || label.IncludeTemplates {
			maps.Copy(n.Labels, label.Pairs)
		}
	}
	//lint:ignore SA1019 kustomize still applies them
	maps.Copy(n.Labels, file.CommonLabels)
	n.Makes = len(file.Generators)+len(file.HelmCharts)+len(file.HelmChartInflationGenerator) > 0
	n.Amends = len(file.Transformers) > 0
	n.Opaque = n.Makes || n.Amends
	n.readPatches(file)
	return n
}

// name gives a source as it is after the kustomization. An outer kustomization has the last word.
func (n naming) name(s Source) Source {
	if n.Namespace != "" {
		s.Namespace = n.Namespace
	}
	s.Prefix, s.Suffix = n.Prefix+s.Prefix, s.Suffix+n.Suffix
	if len(n.Labels) > 0 {
		labels := maps.Clone(n.Labels)
		for key, value := range s.Labels {
			if _, outer := labels[key]; !outer {
				labels[key] = value
			}
		}
		s.Labels = labels
	}
	return s
}

// Sources finds what targets of one graph deploy. It remembers what bases have in common; it is not safe for concurrent use.
type Sources struct {
	graph *Graph
	known map[string][]Source
	texts map[string]string // of files with patches
}

// Sources gives a finder over the graph.
func (g *Graph) Sources() *Sources {
	return &Sources{graph: g, known: make(map[string][]Source), texts: make(map[string]string)}
}

// Of gives the files whose objects a target deploys.
func (s *Sources) Of(target Target) []Source {
	if target.Kind == config.Manifests && !s.graph.Has(target.Dir) {
		return s.plain(target.Dir)
	}
	return s.built(target.Dir)
}

// Opaque reports whether a target deploys more than the files of [Sources.Of] say: what charts, generators or remote bases make, names that
// replacements or patches give.
func (s *Sources) Opaque(target Target) bool {
	return s.graph.anyOf(target.Dir, func(n *node) bool {
		return n.kust.naming.Opaque || len(n.remotes) > 0 || s.anyOutside(n, outside.renames)
	})
}

// Amends reports whether a target may change what the CustomResourceDefinitions in its files say of objects.
func (s *Sources) Amends(target Target) bool {
	return s.graph.anyOf(target.Dir, func(n *node) bool { return n.kust.naming.Amends || s.anyOutside(n, outside.amends) })
}

// Makes reports whether a target deploys objects that no file of the tree holds as they are: what charts and generators make, and what
// remote bases bring.
func (s *Sources) Makes(target Target) bool {
	return s.graph.anyOf(target.Dir, func(n *node) bool { return n.kust.naming.Makes || len(n.remotes) > 0 })
}

// anyOf reports whether a kustomization is so, or one that it builds upon.
func (g *Graph) anyOf(dir string, is func(*node) bool) bool {
	seen := make(map[string]bool)
	var search func(dir string) bool
	search = func(dir string) bool {
		n := g.nodes[dir]
		if seen[dir] || n == nil || n.kust == nil {
			return false
		}
		seen[dir] = true
		return is(n) || slices.ContainsFunc(n.bases, search)
	}
	return search(dir)
}

// built gives what a kustomization builds; nothing for one that is being built, in a cycle.
func (s *Sources) built(dir string) []Source {
	if known, ok := s.known[dir]; ok {
		return known
	}
	s.known[dir] = nil
	n := s.graph.nodes[dir]
	if n == nil || n.kust == nil {
		return nil
	}
	var out []Source
	for _, file := range n.resources {
		out = append(out, Source{Path: file})
	}
	var components []naming
	for _, base := range n.bases {
		out = append(out, s.built(base)...)
		if b := s.graph.nodes[base]; b != nil && b.kust != nil && b.kust.component {
			components = append(components, b.kust.naming)
		}
	}
	names := append(components, n.kust.naming)
	if n.kust.component {
		names = components // whoever includes it applies its own, to all
	}
	for _, applied := range names {
		for i, source := range out {
			out[i] = applied.name(source)
		}
	}
	s.known[dir] = out
	return out
}

// plain gives the files of a directory of manifests. A directory in it that has a kustomization is built.
func (s *Sources) plain(dir string) []Source {
	var out []Source
	_ = fs.WalkDir(s.graph.tree, dir, func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return nil
		case entry.IsDir() && name != dir && strings.HasPrefix(entry.Name(), "."):
			return fs.SkipDir
		case entry.IsDir() && name != dir && s.graph.Has(name):
			out = append(out, s.built(name)...)
			return fs.SkipDir
		case entry.Type().IsRegular() && isManifest(name):
			out = append(out, Source{Path: name})
		}
		return nil
	})
	return out
}

func isManifest(name string) bool {
	switch path.Ext(name) {
	case ".yaml", ".yml", ".json":
		return true
	default:
		return false
	}
}
