package diff

import (
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/sluice-dev/sluice/internal/manifest"
)

// SameField reports whether two objects mean the same by a field, compared as [Sets] compares: quantities by value, lists
// without order where order has no meaning. A field that is null or missing on both sides is the same.
func SameField(base, head *manifest.Object, steps ...string) bool {
	b, h := descend(root(base), steps), descend(root(head), steps)
	if b == nil || h == nil {
		return b == nil && h == nil
	}
	if b.Kind != h.Kind {
		return false
	}
	var at *path
	for _, step := range steps[:len(steps)-1] {
		at = at.field(step)
	}
	w := writer{mask: newMasker(nil)}
	w.field(steps[len(steps)-1], b, h, 0, at)
	return !slices.ContainsFunc(w.lines, func(l line) bool { return l.op != same })
}

// descend follows fields down from a mapping; nil where one is missing, or the last is null.
func descend(node *yaml.Node, steps []string) *yaml.Node {
	for _, step := range steps {
		node = get(node, step)
	}
	if node != nil && node.ShortTag() == "!!null" {
		return nil
	}
	return node
}
