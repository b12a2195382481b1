package promote

import (
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// rank sorts by depth, kustomizations before what stands beside them.
func rank(name string) int {
	depth := 2 * strings.Count(name, "/")
	if isKustomization(name) {
		depth--
	}
	return depth
}

func isKustomization(name string) bool {
	switch path.Base(name) {
	case "kustomization.yaml", "kustomization.yml", "Kustomization":
		return true
	}
	return false
}

// referenced reports whether a kustomization at or above a file, within the side's directory, names it: the file, or its
// directory for the kustomization in it.
func (p *promotion) referenced(files Files, top, name string) bool {
	if isKustomization(name) {
		name = path.Dir(name)
	}
	for dir := path.Dir(name); ; dir = path.Dir(dir) {
		if _, ok := relative(dir, top); !ok && path.Clean(dir) != path.Clean(top) {
			return false
		}
		rel, _ := relative(name, dir)
		for _, base := range []string{"kustomization.yaml", "kustomization.yml", "Kustomization"} {
			f, ok := files[path.Join(dir, base)]
			if !ok {
				continue
			}
			docs, err := decode(f.Data)
			return err == nil && slices.ContainsFunc(docs, func(doc *yaml.Node) bool { return namesFile(root(doc), rel) })
		}
		if dir == "." || dir == "/" {
			return false
		}
	}
}

// namesFile reports whether a scalar anywhere below n is a path to a file, or KEY=path as in generators.
func namesFile(n *yaml.Node, rel string) bool {
	if n.Kind == yaml.ScalarNode {
		s := n.Value
		if i := strings.LastIndexByte(s, '='); i >= 0 {
			s = s[i+1:]
		}
		return s != "" && !strings.ContainsAny(s, "\n ") && path.Clean(s) == rel
	}
	return slices.ContainsFunc(n.Content, func(c *yaml.Node) bool { return namesFile(c, rel) })
}
