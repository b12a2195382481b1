package yamledit

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// at finds a node by keys and indices: "spec.containers.0.image".
func at(t *testing.T, f *File, doc int, path string) *yaml.Node {
	t.Helper()
	n := root(f.Docs()[doc])
	if path == "" {
		return n
	}
	for _, seg := range strings.Split(path, ".") {
		next := (*yaml.Node)(nil)
		for i, c := range n.Content {
			if n.Kind == yaml.MappingNode && i%2 == 0 && c.Value == seg {
				next = n.Content[i+1]
			}
			if n.Kind == yaml.SequenceNode && seg == string(rune('0'+i)) {
				next = c
			}
		}
		if next == nil {
			t.Fatalf("no %s in the file", path)
		}
		n = next
	}
	return n
}

func parse(t *testing.T, src string) *File {
	t.Helper()
	f, err := Parse([]byte(src))
	if err != nil {
		t.Fatalf("%v in\n%s", err, src)
	}
	return f
}

// frag is the value of a small file of its own.
func frag(t *testing.T, src string) Fragment {
	f := parse(t, src)
	return From(f, root(f.Docs()[0]))
}

func TestEdits(t *testing.T) {
	t.Parallel()
	set := func(path, value string) func(*testing.T, *File) {
		return func(t *testing.T, f *File) { f.Set(at(t, f, 0, path), frag(t, value)) }
	}
	del := func(paths ...string) func(*testing.T, *File) {
		return func(t *testing.T, f *File) {
			for _, path := range paths {
				n := at(t, f, 0, path)
				if f.parent[n].Kind == yaml.MappingNode {
					n = f.keyOf(n)
				}
				f.Delete(n)
			}
		}
	}
	add := func(path string, index int, key, value string) func(*testing.T, *File) {
		return func(t *testing.T, f *File) {
			if n := at(t, f, 0, path); n.Kind == yaml.MappingNode {
				f.InsertEntry(n, index, Scalar(key), frag(t, value))
			} else {
				f.InsertItem(n, index, frag(t, value))
			}
		}
	}
	tests := []struct {
		name, in string
		edit     func(*testing.T, *File)
		want     string // "" for refused
	}{
		{"a scalar keeps its comment and spacing", "a:   1   # one\nb: 2\n", set("a", "3"), "a:   3   # one\nb: 2\n"},
		{"a quoted scalar keeps its quotes", "a: \"x\"\nb: 'y'\n", set("b", "z"), "a: \"x\"\nb: 'z'\n"},
		{"quotes come where the value needs them", "a: x\n", set("a", `"true"`), "a: \"true\"\n"},
		{"quotes stay until the type changes", "a: \"1\"\n", set("a", "2"), "a: 2\n"},
		{"a value for a key without one", "a:\nb: 2\n", set("a", "1"), "a: 1\nb: 2\n"},
		{"CRLF", "a: 1\r\nb:\r\n  - x\r\n", add("b", 1, "", "y"), "a: 1\r\nb:\r\n  - x\r\n  - y\r\n"},
		{"byte order mark", "\uFEFFa: 1\nb: 2\n", set("a", "3"), "\uFEFFa: 3\nb: 2\n"},
		{"a byte order mark before what is deleted", "\uFEFFa: 1\nb: 2\n", del("a"), "\uFEFFb: 2\n"},
		{"no final newline: insert", "a: 1", add("", 1, "b", "2"), "a: 1\nb: 2"},
		{"no final newline: delete", "a: 1\nb: 2", del("b"), "a: 1"},
		{"columns are runes", "- {ü: 1, b: 2}\n", set("0.b", "3"), "- {ü: 1, b: 3}\n"},
		{"delete an entry, not the comment above it", "a: 1\n# about b\nb: 2 # two\n\nc: 3\n", del("b"), "a: 1\n# about b\n\nc: 3\n"},
		{"delete a block", "a:\n  x: 1\n  y:\n    - 1\nb: 2\n", del("a"), "b: 2\n"},
		{"delete all", "a:\n  x: 1\nb: 2\n", del("a.x"), "a: {}\nb: 2\n"},
		{"delete all items", "a: # list\n- x\n- y\nb: 2\n", func(t *testing.T, f *File) {
			f.Delete(at(t, f, 0, "a.0"))
			f.Delete(at(t, f, 0, "a.1"))
		}, "a: [] # list\nb: 2\n"},
		{"delete the first entry of an item", "- name: a\n  v: 1\n- name: b\n", del("0.name"), "- v: 1\n- name: b\n"},
		{"delete an item", "a:\n- x # one\n# two\n- y\n- z\n", del("a.1"), "a:\n- x # one\n# two\n- z\n"},
		{"items at the key's column", "a:\n- x\nb: 1\n", add("a", 1, "", "y"), "a:\n- x\n- y\nb: 1\n"},
		{"insert first, with the item's dash", "- name: a\n", add("0", 0, "kind", "X"), "- kind: X\n  name: a\n"},
		{"insert a map in the file's style", "a:\n    b: 1\nl:\n- x\n", add("", 2, "m", "k:\n    - 1\n    # two\n    - 2\n"), "a:\n    b: 1\nl:\n- x\nm:\n  k:\n      - 1\n      # two\n      - 2\n"},
		{"insert into an empty map", "a: {}\n", add("a", 0, "x", "1"), "a: {x: 1}\n"},
		{"a literal of several lines", "a: |\n  one\n  two\nb: 1\n", set("a", "|\n    one\n    2\n    three\n"), "a: |\n  one\n  2\n  three\nb: 1\n"},
		{"a literal for a scalar", "a:\n  b: x # gone\n", set("a.b", "|-\n one\n two\n"), "a:\n  b: |-\n    one\n    two\n"},
		{"flow: set, insert, delete", "a: {x: 1, y: 2, z: 3} # c\n", func(t *testing.T, f *File) {
			f.Set(at(t, f, 0, "a.x"), frag(t, "9"))
			f.Delete(f.keyOf(at(t, f, 0, "a.y")))
			f.InsertEntry(at(t, f, 0, "a"), 3, Scalar("n"), frag(t, "q: [1]\n"))
		}, "a: {x: 9, z: 3, n: {q: [1]}} # c\n"},
		{"flow: delete the last two", "[1, 2, 3]\n", del("1", "2"), "[1]\n"},
		{"JSON", "{\n  \"a\": 1,\n  \"b\": [\n    \"x\"\n  ]\n}\n", func(t *testing.T, f *File) {
			f.InsertItem(at(t, f, 0, "b"), 1, frag(t, "yes"))
			f.InsertEntry(at(t, f, 0, ""), 1, Scalar("n"), frag(t, `{"k": null}`))
		}, "{\n  \"a\": 1,\n  \"n\": {\"k\": null},\n  \"b\": [\n    \"x\",\n    \"yes\"\n  ]\n}\n"},
		{"JSON: all of it", "{\n  \"a\": 1\n}", del("a"), "{}"},
		{"JSON: into nothing", "{\n\t\"a\": {}\n}", add("a", 0, "b", "1"), "{\n\t\"a\": {\n\t  \"b\": 1\n\t}\n}"},
		{"an anchor that is repeated", "a: &x\n  b: 1\nc: *x\n", set("a.b", "2"), ""},
		{"an anchor that is not", "a: &x\n  b: 1\n", set("a.b", "2"), "a: &x\n  b: 2\n"},
		{"an alias itself", "a: &x 1\nc: *x\n", set("c", "2"), "a: &x 1\nc: 2\n"},
		{"beside a merge key", "a: &x {b: 1}\nc:\n  <<: *x\n  d: 1\n", set("c.d", "2"), "a: &x {b: 1}\nc:\n  <<: *x\n  d: 2\n"},
		{"a complex key", "? a\n: 1\n? b\n: 2\n", del("a"), ""},
		{"several documents", "# head\na: 1\n---\nb: 2\n", func(t *testing.T, f *File) {
			f.Set(at(t, f, 1, "b"), frag(t, "3"))
			f.InsertDoc(2, frag(t, "c: 4\n"))
		}, "# head\na: 1\n---\nb: 3\n---\nc: 4\n"},
		{"delete a document", "a: 1\n---\nb: 2\n---\nc: 3\n", func(t *testing.T, f *File) { f.DeleteDoc(1) }, "a: 1\n---\nc: 3\n"},
		{"two insertions at one place", "a: 1\nl:\n- x\n", func(t *testing.T, f *File) {
			f.InsertEntry(at(t, f, 0, ""), 2, Scalar("n"), frag(t, "1 # one"))
			f.InsertItem(at(t, f, 0, "l"), 1, frag(t, "y  # two"))
		}, "a: 1\nl:\n- x\n- y  # two\nn: 1 # one\n"},
		{"replace all items", "a:\n  # one\n  - x\n  - y\nb: 1\n", func(t *testing.T, f *File) {
			f.Delete(at(t, f, 0, "a.0"))
			f.Delete(at(t, f, 0, "a.1"))
			f.InsertItem(at(t, f, 0, "a"), 1, frag(t, "n"))
			f.InsertItem(at(t, f, 0, "a"), 2, frag(t, "m"))
		}, "a:\n  # one\n  - n\n  - m\nb: 1\n"},
		{"flow: replace all items", "a: [1, 2]\n", func(t *testing.T, f *File) {
			f.Delete(at(t, f, 0, "a.0"))
			f.Delete(at(t, f, 0, "a.1"))
			f.InsertItem(at(t, f, 0, "a"), 2, frag(t, "3"))
		}, "a: [3]\n"},
		{"delete the first document", "a: 1\n---\nb: 2\n", func(t *testing.T, f *File) { f.DeleteDoc(0) }, "b: 2\n"},
		{"a plain scalar of several lines", "a: one\n  two\nb: 1\n", set("a", "x"), "a: x\nb: 1\n"},
		{"insert behind a literal", "a: |\n  x\n\nb: 1\n", add("", 1, "n", "1"), "a: |\n  x\nn: 1\n\nb: 1\n"},
		{"insert behind a literal that keeps blank lines", "a: |+\n  x\n\nb: 1\n", add("", 1, "n", "1"), "a: |+\n  x\n\nn: 1\nb: 1\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f := parse(t, test.in)
			test.edit(t, f)
			got, err := f.Bytes()
			if err != nil {
				var unsafe *UnsafeError
				if test.want != "" || !errors.As(err, &unsafe) {
					t.Fatalf("%v", err)
				}
				return
			}
			if string(got) != test.want {
				t.Errorf("got\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct{ in, want string }{
		{"a: 1\nb: 2\na: 3\n", `line 3: the key "a" is already in line 1`},
		{"a: [1\n", "line 1: did not find expected"},
		{"\xFE\xFF\x00a", "UTF-16"},
		{"a: 1\n\tb: 2\n", "line 2"},
	}
	for _, test := range tests {
		if _, err := Parse([]byte(test.in)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q: %v, want %s", test.in, err, test.want)
		}
	}
}

// scalars calls visit for each scalar value of a file.
func scalars(f *File, visit func(*yaml.Node)) {
	var walk func(n *yaml.Node)
	walk = func(n *yaml.Node) {
		for i, c := range n.Content {
			if n.Kind != yaml.MappingNode || i%2 == 1 {
				walk(c)
			}
		}
		if n.Kind == yaml.ScalarNode {
			visit(n)
		}
	}
	for _, doc := range f.Docs() {
		walk(doc)
	}
}

// TestCorpora sets, one after the other, a sample of the values in files that people wrote: each must be set, and no other
// line be touched.
func TestCorpora(t *testing.T) {
	t.Parallel()
	dir := filepath.Join("..", "..", "..", "shared", "corpora")
	if _, err := os.Stat(dir); err != nil {
		t.Skip("the corpora are not here: ", err)
	}
	files, edits, refused := 0, 0, 0
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() || (path.Ext(name) != ".yaml" && path.Ext(name) != ".yml" && path.Ext(name) != ".json") {
			return err
		}
		src, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || len(src) > 50_000 {
			return err
		}
		f, err := Parse(src)
		if err != nil {
			return nil
		}
		if out, err := f.Bytes(); err != nil || !bytes.Equal(out, src) {
			t.Errorf("%s: without edits: %v", name, err)
		}
		files++
		var nodes []*yaml.Node
		scalars(f, func(n *yaml.Node) { nodes = append(nodes, n) })
		for i := files % 7; i < len(nodes); i += max(len(nodes)/3, 1) {
			f.edits = edits0
			f.Set(nodes[i], Scalar("new value"))
			out, err := f.Bytes()
			edits++
			if err != nil {
				refused++
				t.Logf("%s: %v", name, err)
				continue
			}
			checkLines(t, f, nodes[i], src, out)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d files, %d edits, %d refused", files, edits, refused)
	if refused*1000 > edits*2 {
		t.Errorf("%d of %d edits were refused", refused, edits)
	}
}

var edits0 edits

// checkLines fails where lines other than those of n differ.
func checkLines(t *testing.T, f *File, n *yaml.Node, src, out []byte) {
	t.Helper()
	end, err := f.end(n)
	if err != nil {
		t.Fatal(err)
	}
	first := n.Line - 1
	switch parent := f.parent[n]; parent.Kind { // a value may begin below its key or dash, and then move up
	case yaml.MappingNode:
		first = f.keyOf(n).Line - 1
	case yaml.SequenceNode:
		p := patcher{File: f}
		if at, err := p.headStart(p.entries(parent), indexOf(parent.Content, n)); err == nil {
			first = f.lineOf(at)
		}
	}
	after := f.lineOf(max(end-1, f.lines[first])) + 1
	if !bytes.HasPrefix(out, f.src[:f.lines[first]]) {
		t.Errorf("a line before line %d changed:\n%s\n--\n%s", n.Line, src, out)
	}
	if after < len(f.lines) && !bytes.HasSuffix(out, src[min(f.lines[after], len(src)):]) {
		t.Errorf("a line behind line %d changed:\n%s\n--\n%s", n.Line, src, out)
	}
}
