package yamledit

import (
	"bytes"
	"errors"
	"testing"

	"go.yaml.in/yaml/v3"
)

// FuzzEdit makes one edit somewhere. Bytes checks itself that the value is the one meant; here: no edit gives the same
// bytes, a refusal is an *UnsafeError, and the lines of other entries stay.
func FuzzEdit(f *testing.F) {
	for i, src := range []string{
		"a: 1 # one\nb:\n  - x\n  - {y: 1, z: [1, 2]}\n", "\uFEFFa: |\n  x\n\n  y\nb: >-\n  z\n", "{\"a\": [1, 2],\n \"b\": {}}\n",
		"a: &x 'q'\nb: *x\n---\nc: \"\\n\"\n", "- - a\n  - b\n- k: v\n  l:\n", "a:\r\n- 1\r\n- 2", "? a\n: b\n", "a: !!str 1\nb: ~\n",
	} {
		f.Add([]byte(src), uint(i), uint(i), "new: value")
		f.Add([]byte(src), uint(i+3), uint(i+1), "x\ny\n")
	}
	f.Fuzz(func(t *testing.T, src []byte, pick, op uint, value string) {
		file, err := Parse(src)
		if err != nil {
			return
		}
		if out, err := file.Bytes(); err != nil || !bytes.Equal(out, src) {
			t.Fatalf("without edits: %q, %v", out, err)
		}
		var nodes []*yaml.Node
		var walk func(n *yaml.Node)
		walk = func(n *yaml.Node) {
			for _, c := range n.Content {
				nodes = append(nodes, c)
				walk(c)
			}
		}
		for _, doc := range file.Docs() {
			walk(doc)
		}
		if len(nodes) == 0 {
			return
		}
		n := nodes[pick%uint(len(nodes))]
		parent := file.parent[n]
		isKey := parent.Kind == yaml.MappingNode && file.keyOf(n) == n
		switch op % 4 {
		case 0:
			if isKey {
				return
			}
			file.Set(n, Scalar(value))
		case 1:
			if parent.Kind == yaml.DocumentNode || parent.Kind == yaml.MappingNode && !isKey {
				return
			}
			file.Delete(n)
		case 2:
			if n.Kind == yaml.SequenceNode {
				file.InsertItem(n, int(pick%uint(len(n.Content)+1)), Scalar(value))
			}
		case 3:
			if n.Kind == yaml.MappingNode {
				file.InsertEntry(n, int(pick%uint(len(n.Content)/2+1)), Scalar("inserted"), Scalar(value))
			}
		}
		out, err := file.Bytes()
		if err != nil {
			var unsafe *UnsafeError
			if !errors.As(err, &unsafe) {
				t.Fatalf("%v", err)
			}
			return
		}
		if op%4 == 0 {
			checkLines(t, file, n, src, out)
		}
	})
}
