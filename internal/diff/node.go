package diff

import (
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/sluice-dev/sluice/internal/manifest"
)

// root is the object's mapping; nil where there is no object, or none that could be read. Package manifest bounds what
// it reads (aliases, depth), so that what follows may walk it freely.
func root(o *manifest.Object) *yaml.Node {
	if o == nil {
		return nil
	}
	return o.Node()
}

// resolve follows aliases.
func resolve(node *yaml.Node) *yaml.Node {
	for node != nil && node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	return node
}

// field is one entry of a mapping, its value with aliases followed.
type field struct {
	key   string
	value *yaml.Node
}

// fieldsOf gives the fields of a mapping in order, those of merge keys ("<<") after its own; none for other nodes.
func fieldsOf(node *yaml.Node) []field {
	node = resolve(node)
	if node == nil || node.Kind != yaml.MappingNode {
		return nil
	}
	fields := make([]field, 0, len(node.Content)/2)
	var merged []*yaml.Node
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := resolve(node.Content[i]), resolve(node.Content[i+1])
		switch {
		case key.ShortTag() != "!!merge":
			fields = append(fields, field{key.Value, value})
		case value.Kind == yaml.SequenceNode:
			merged = append(merged, value.Content...)
		default:
			merged = append(merged, value)
		}
	}
	if len(merged) == 0 {
		return fields
	}
	set := make(map[string]bool)
	for _, f := range fields {
		set[f.key] = true
	}
	for _, from := range merged {
		for _, f := range fieldsOf(from) {
			if !set[f.key] {
				set[f.key] = true
				fields = append(fields, f)
			}
		}
	}
	return fields
}

// get returns the value of a field, or nil.
func get(node *yaml.Node, key string) *yaml.Node {
	for _, f := range fieldsOf(node) {
		if f.key == key {
			return f.value
		}
	}
	return nil
}

func metadataName(node *yaml.Node) *yaml.Node { return get(get(node, "metadata"), "name") }

// path is where a line belongs in the object, as a chain up to the root, which is nil.
type path struct {
	up   *path
	step string // ".name", "[name=web]", `["app.conf"]` or "[3]"
}

func (p *path) field(key string) *path {
	if key == "" || strings.ContainsAny(key, ".[]\"'@ \t\n") {
		return &path{p, "[" + quote(key) + "]"}
	}
	return &path{p, "." + key}
}

// String gives "spec.template.spec.containers[name=web].image".
func (p *path) String() string {
	var steps []string
	for ; p != nil; p = p.up {
		steps = append(steps, p.step)
	}
	var b strings.Builder
	for i := len(steps) - 1; i >= 0; i-- {
		b.WriteString(steps[i])
	}
	return strings.TrimPrefix(b.String(), ".")
}

// key is the field that the path ends in, without its list positions.
func (p *path) key() string {
	for ; p != nil; p = p.up {
		if key, ok := strings.CutPrefix(p.step, "."); ok {
			return key
		}
	}
	return ""
}

// within reports whether the path leads through a field.
func (p *path) within(key string) bool {
	for ; p != nil; p = p.up {
		if p.step == "."+key {
			return true
		}
	}
	return false
}

func (p *path) depth() (n int) {
	for ; p != nil; p = p.up {
		n++
	}
	return n
}

// common is the deepest path above or at both.
func common(p, q *path) *path {
	chain := func(p *path) []*path {
		all := make([]*path, p.depth())
		for i := len(all) - 1; i >= 0; i-- {
			all[i], p = p, p.up
		}
		return all
	}
	a, b := chain(p), chain(q)
	var last *path
	for i := 0; i < min(len(a), len(b)) && a[i].step == b[i].step; i++ {
		last = a[i]
	}
	return last
}
