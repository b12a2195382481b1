package yamledit

import (
	"fmt"

	"go.yaml.in/yaml/v3"
)

// verify parses an edited source and compares it with the tree that the edits mean.
func (f *File) verify(out []byte) error {
	got, err := decode(out)
	if err != nil {
		return &UnsafeError{0, "the edit does not give valid YAML: " + err.Error()}
	}
	var want []*yaml.Node
	for i := 0; i <= len(f.docs); i++ {
		for _, in := range f.edits.docs[i] {
			want = append(want, in.node)
		}
		if i < len(f.docs) && !f.edits.docsGone[i] {
			want = append(want, f.meant(root(f.docs[i])))
		}
	}
	if len(want) == 0 && len(got) == 1 && root(got[0]).ShortTag() == "!!null" {
		return nil
	}
	if len(got) != len(want) {
		return &UnsafeError{0, fmt.Sprintf("the edit gives %d documents instead of %d", len(got), len(want))}
	}
	for i := range got {
		if at, ok := Equal(root(got[i]), want[i]); !ok {
			return &UnsafeError{0, fmt.Sprintf("the edit would change more than it says, at line %d of the result", at.Line)}
		}
	}
	return nil
}

// meant is the tree below n after the edits.
func (f *File) meant(n *yaml.Node) *yaml.Node {
	if to, ok := f.edits.set[n]; ok {
		return to.node
	}
	if len(n.Content) == 0 && f.edits.inserted[n] == nil {
		return n
	}
	out := *n
	out.Content = nil
	width := 1
	if n.Kind == yaml.MappingNode {
		width = 2
	}
	for i := 0; i <= len(n.Content); i += width {
		for _, in := range f.edits.inserted[n][i/width] {
			if in.key.node != nil {
				out.Content = append(out.Content, in.key.node)
			}
			out.Content = append(out.Content, in.value.node)
		}
		if i < len(n.Content) && !f.edits.deleted[n.Content[i]] {
			for _, c := range n.Content[i:min(i+width, len(n.Content))] {
				out.Content = append(out.Content, f.meant(c))
			}
		}
	}
	return &out
}

// Equal compares two trees as values: style, comments and positions do not count, the order of keys and items does; an
// alias equals what it stands for. Where they differ, at is the node of a. Trees that aliases blow up beyond a million
// nodes are not followed: they count as different.
func Equal(a, b *yaml.Node) (at *yaml.Node, ok bool) {
	budget := maxNodes
	return equal(a, b, &budget)
}

// maxNodes bounds what aliases, which may repeat each other, can blow a tree up to.
const maxNodes = 1_000_000

func equal(a, b *yaml.Node, budget *int) (*yaml.Node, bool) {
	if *budget--; *budget < 0 {
		return a, false
	}
	if a.Kind == yaml.AliasNode && b.Kind == yaml.AliasNode && a.Value == b.Value {
		return nil, true
	}
	if a.Kind == yaml.AliasNode {
		return equal(a.Alias, b, budget)
	}
	if b.Kind == yaml.AliasNode {
		return equal(a, b.Alias, budget)
	}
	if a.Kind != b.Kind || a.ShortTag() != b.ShortTag() || len(a.Content) != len(b.Content) {
		return a, false
	}
	if a.Kind == yaml.ScalarNode && a.Value != b.Value && a.ShortTag() != "!!null" {
		return a, false
	}
	for i := range a.Content {
		if at, ok := equal(a.Content[i], b.Content[i], budget); !ok {
			return at, false
		}
	}
	return nil, true
}
