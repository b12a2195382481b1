package pipeline

import (
	"path"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/sluice-dev/sluice/internal/yamledit"
)

// pointTo rewrites the paths in a kustomization that moves from one directory to another (or stays, where they are the same), so that
// each leads where it did, or into the copy of that place. What leads there unchanged is not touched; neither is any other byte.
func pointTo(data []byte, from, to string, copies []BaseCopy) ([]byte, error) {
	file, err := yamledit.Parse(data)
	if err != nil {
		return nil, err
	}
	var visit func(n *yaml.Node)
	visit = func(n *yaml.Node) {
		switch n.Kind {
		case yaml.DocumentNode, yaml.SequenceNode:
			for _, child := range n.Content {
				visit(child)
			}
		case yaml.MappingNode:
			for i := 1; i < len(n.Content); i += 2 {
				visit(n.Content[i])
			}
		case yaml.ScalarNode:
			if text := repointed(n.Value, from, to, copies); text != n.Value {
				file.Set(n, yamledit.Scalar(text))
			}
		}
	}
	for _, doc := range file.Docs() {
		visit(doc)
	}
	return file.Bytes()
}

// repointed gives a value of a kustomization as it is to be.
func repointed(text, from, to string, copies []BaseCopy) string {
	key, name, ok := wayOut(text)
	if !ok {
		return text
	}
	led := path.Join(from, name)
	for _, c := range copies {
		if led == c.From || isBelow(led, c.From) {
			led = c.To + led[len(c.From):]
			break
		}
	}
	if path.Join(to, name) == led {
		return text
	}
	return key + wayTo(to, led)
}

// wayOut parts a value of a kustomization that leads out of its directory, which has ../ in it. A file of a generator may have its key
// before it.
func wayOut(text string) (key, name string, ok bool) {
	key, name, found := strings.Cut(text, "=")
	if !found {
		key, name = "", text
	} else {
		key += "="
	}
	return key, name, (strings.Contains(name, "../") || path.Base(name) == "..") && !strings.ContainsAny(name, "\n:")
}

// wayTo gives the relative path from a directory to a place. Both start at the repository's root.
func wayTo(dir, place string) string {
	up := ""
	for dir != "." && place != dir && !isBelow(place, dir) {
		dir, up = path.Dir(dir), up+"../"
	}
	if dir == "." {
		return up + place
	}
	return path.Clean(up + strings.TrimPrefix(strings.TrimPrefix(place, dir), "/"))
}
