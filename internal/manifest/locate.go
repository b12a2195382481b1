package manifest

import (
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Source is a YAML file of the repository, parsed for positions. Its zero value locates nothing.
type Source struct {
	documents []*yaml.Node
}

// ParseSource reads a source file as far as it is YAML; what cannot be parsed locates nothing.
func ParseSource(data []byte) *Source {
	s := &Source{}
	for _, doc := range Split(data) {
		var node yaml.Node
		if err := yaml.Unmarshal(doc.Text, &node); err != nil || len(node.Content) == 0 {
			continue
		}
		shift(&node, doc.Line-1)
		s.documents = append(s.documents, node.Content[0])
	}
	return s
}

// shift moves a document's positions to where it stands in its file.
func shift(node *yaml.Node, lines int) {
	node.Line += lines
	for _, child := range node.Content {
		shift(child, lines)
	}
}

// Place is where a file sets a field of an object, or the nearest field around it. The zero value is no place: the file does
// not hold the object.
type Place struct {
	Line, Column int  // 1-based
	Depth        int  // how many steps of the path the file has; 0: only the object itself
	Exact        bool // it has all of them
}

// Locate finds a field of an object in the file, or the nearest field around it, at least the object.
//
// A rendered name may differ from the one in the source by a prefix or suffix that an overlay adds; the kind must agree,
// and where several objects of the kind stand in the file, the one with the longest common name is meant, and of these the one in the
// same namespace, or in none: a kustomization may have set it. others are the other objects that are rendered: what fits one of them better is
// not meant.
func (s *Source) Locate(id ID, path string, others ...ID) Place {
	object := s.find(id, others)
	if object == nil {
		return Place{}
	}
	return follow(object, splitPath(path), Place{Line: object.Line, Column: object.Column})
}

// follow goes down the steps as far as the node has them, from a place that is already known.
func follow(at *yaml.Node, steps []step, place Place) Place {
	place.Exact = true
	for _, step := range steps {
		key, value := child(at, step)
		if value == nil {
			place.Exact = false
			break
		}
		place.Line, place.Column = key.Line, key.Column
		place.Depth++
		at = value
	}
	return place
}

// mayMean reports whether a name in a source may be that of an object, around which prefixes and suffixes have come since. It is not where
// another object of the kind fits it better.
func mayMean(name string, id ID, others []ID) bool {
	return strings.Contains(id.Name, name) && !slices.ContainsFunc(others, func(other ID) bool {
		return other.Kind == id.Kind && other.Group == id.Group && len(other.Name) < len(id.Name) && strings.Contains(other.Name, name)
	})
}

func (s *Source) find(id ID, others []ID) *yaml.Node {
	var best *yaml.Node
	score := -1
	for _, doc := range s.documents {
		for _, object := range items(doc) {
			kind, name := text(object, "kind"), text(field(object, "metadata"), "name")
			if kind != id.Kind || name == "" || !mayMean(name, id, others) {
				continue
			}
			if group, _ := SplitAPIVersion(text(object, "apiVersion")); group != id.Group {
				continue
			}
			near := 3 * len(name)
			switch text(field(object, "metadata"), "namespace") {
			case id.Namespace:
				near += 2
			case "":
				near++
			}
			if near > score {
				best, score = object, near
			}
		}
	}
	return best
}

// items gives the objects of a document: those of a List, else the document itself.
func items(doc *yaml.Node) []*yaml.Node {
	if list := field(doc, "items"); list != nil && list.Kind == yaml.SequenceNode && strings.HasSuffix(text(doc, "kind"), "List") {
		return list.Content
	}
	return []*yaml.Node{doc}
}

func field(node *yaml.Node, name string) *yaml.Node {
	_, value := child(node, step{name: name})
	return value
}

func text(node *yaml.Node, name string) string {
	if value := field(node, name); value != nil {
		return value.Value
	}
	return ""
}

// step is one part of a field path: a field, or the item of a list by key or by index.
type step struct {
	name       string // field name; "" for an item
	key, value string // [key=value]
	index      int    // [index], where key is ""
}

// splitPath reads spec.template.spec.containers[name=web].ports[0]["with.dots"].
func splitPath(path string) []step {
	var steps []step
	for path != "" {
		switch {
		case strings.HasPrefix(path, `["`):
			name, rest, closed := strings.Cut(path[2:], `"]`)
			if !closed {
				return steps
			}
			steps, path = append(steps, step{name: name}), rest
		case path[0] == '[':
			end := strings.IndexByte(path, ']')
			if end < 0 {
				return steps
			}
			key, value, keyed := strings.Cut(path[1:end], "=")
			s := step{key: key, value: value}
			if !keyed {
				s.key = ""
				s.index, _ = strconv.Atoi(key)
			}
			steps, path = append(steps, s), path[end+1:]
		case path[0] == '.':
			path = path[1:]
		default:
			end := strings.IndexAny(path, ".[")
			if end < 0 {
				end = len(path)
			}
			steps, path = append(steps, step{name: path[:end]}), path[end:]
		}
	}
	return steps
}

// child follows one step; the first node is where a reader would look (the key of a field, the item of a list).
func child(node *yaml.Node, s step) (at, value *yaml.Node) {
	if node == nil {
		return nil, nil
	}
	if node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	switch {
	case node.Kind == yaml.MappingNode && s.name != "":
		for i := 0; i+1 < len(node.Content); i += 2 {
			if node.Content[i].Value == s.name {
				return node.Content[i], node.Content[i+1]
			}
		}
	case node.Kind == yaml.SequenceNode && s.name == "" && s.key == "":
		if s.index >= 0 && s.index < len(node.Content) {
			return node.Content[s.index], node.Content[s.index]
		}
	case node.Kind == yaml.SequenceNode && s.name == "":
		for _, item := range node.Content {
			if text(item, s.key) == s.value {
				return item, item
			}
		}
	}
	return nil, nil
}
