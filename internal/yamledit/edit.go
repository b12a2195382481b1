package yamledit

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// A Fragment is a value to put into a file: a node of another file, whose text, quoting and comments come along, or a value
// made by code.
type Fragment struct {
	file *File // nil for a value made by code
	node *yaml.Node
}

// From is a node of another file (or of the same).
func From(f *File, n *yaml.Node) Fragment {
	if n.Kind == yaml.DocumentNode {
		n = root(n)
	}
	return Fragment{f, n}
}

// Scalar is a string.
func Scalar(s string) Fragment {
	return Fragment{nil, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s}}
}

// Value is a tree made by code. Its positions and comments do not count.
func Value(n *yaml.Node) Fragment { return Fragment{nil, n} }

type insertion struct{ key, value Fragment } // key.node is nil for an item of a list

// edits are what was asked of a file.
type edits struct {
	set       map[*yaml.Node]Fragment
	deleted   map[*yaml.Node]bool                // items, and the keys of entries
	inserted  map[*yaml.Node]map[int][]insertion // by container and index
	docs      map[int][]Fragment
	docsGone  map[int]bool
	asked     int
	structure bool // documents come or go
}

// Set replaces a value by another. A scalar that becomes a scalar keeps its style of quoting where that can hold the value.
func (f *File) Set(n *yaml.Node, to Fragment) {
	if f.edits.set == nil {
		f.edits.set = map[*yaml.Node]Fragment{}
	}
	f.edits.set[n] = to
	f.edits.asked++
}

// Delete removes an entry of a map, named by its key node, or an item of a list. The lines of the entry go, with a comment
// at their end; comments above it stay. A container that loses its last entry is written as {} or [].
func (f *File) Delete(n *yaml.Node) {
	if f.edits.deleted == nil {
		f.edits.deleted = map[*yaml.Node]bool{}
	}
	f.edits.deleted[n] = true
	f.edits.asked++
}

// InsertEntry puts an entry into a map, before the entry that is the index'th now (len/2 of Content: at the end).
func (f *File) InsertEntry(m *yaml.Node, index int, key, value Fragment) {
	f.insert(m, index, insertion{key, value})
}

// InsertItem puts an item into a list, before the one that is the index'th now.
func (f *File) InsertItem(list *yaml.Node, index int, value Fragment) {
	f.insert(list, index, insertion{value: value})
}

func (f *File) insert(container *yaml.Node, index int, in insertion) {
	if f.edits.inserted == nil {
		f.edits.inserted = map[*yaml.Node]map[int][]insertion{}
	}
	if f.edits.inserted[container] == nil {
		f.edits.inserted[container] = map[int][]insertion{}
	}
	f.edits.inserted[container][index] = append(f.edits.inserted[container][index], in)
	f.edits.asked++
}

// InsertDoc puts a document before the one that is the index'th now (len(Docs()): at the end).
func (f *File) InsertDoc(index int, doc Fragment) {
	if f.edits.docs == nil {
		f.edits.docs = map[int][]Fragment{}
	}
	f.edits.docs[index] = append(f.edits.docs[index], doc)
	f.edits.asked, f.edits.structure = f.edits.asked+1, true
}

// DeleteDoc removes a document.
func (f *File) DeleteDoc(index int) {
	if f.edits.docsGone == nil {
		f.edits.docsGone = map[int]bool{}
	}
	f.edits.docsGone[index] = true
	f.edits.asked, f.edits.structure = f.edits.asked+1, true
}

// Edited reports whether anything was asked of f.
func (f *File) Edited() bool { return f.edits.asked > 0 }

// patch replaces the bytes from..to.
type patch struct {
	from, to int
	text     string
}

// Bytes gives the edited source. Without edits it is the source itself, byte for byte. It fails with an *UnsafeError.
func (f *File) Bytes() ([]byte, error) {
	if !f.Edited() {
		return slices.Clone(f.src[:len(f.src)-f.cut]), nil
	}
	p := patcher{File: f, aliased: f.aliased()}
	for _, doc := range f.docs {
		if err := p.walk(doc, false); err != nil {
			return nil, err
		}
	}
	if f.edits.structure {
		if err := p.documents(); err != nil {
			return nil, err
		}
	}
	out, err := p.apply()
	if err != nil {
		return nil, err
	}
	if f.cut > 0 {
		out = []byte(strings.TrimSuffix(string(out), f.eol))
	}
	return out, f.verify(out)
}

// apply cuts and pastes.
func (p *patcher) apply() ([]byte, error) {
	slices.SortStableFunc(p.patches, func(a, b patch) int {
		if a.from != b.from {
			return a.from - b.from
		}
		return a.to - b.to // an insertion goes before what is replaced at the same place
	})
	var out []byte
	at := 0
	for _, patch := range p.patches {
		if patch.from < at {
			return nil, &UnsafeError{p.lineOf(patch.from) + 1, "two edits touch the same text"}
		}
		out = append(append(out, p.src[at:patch.from]...), patch.text...)
		at = patch.to
	}
	return append(out, p.src[at:]...), nil
}

// Shared reports whether the text of a node stands behind an anchor, so that changing it would change other places too, or
// take the anchor away.
func (f *File) Shared(n *yaml.Node) bool {
	if f.repeated == nil {
		f.repeated = f.aliased()
	}
	if n.Anchor != "" {
		return true
	}
	for ; n != nil; n = f.parent[n] {
		if f.repeated[n] {
			return true
		}
	}
	return false
}

// aliased are the nodes that aliases repeat: an edit inside one would change other places too.
func (f *File) aliased() map[*yaml.Node]bool {
	out := map[*yaml.Node]bool{}
	var visit func(n *yaml.Node)
	visit = func(n *yaml.Node) {
		if n.Kind == yaml.AliasNode {
			out[n.Alias] = true
		}
		for _, c := range n.Content {
			visit(c)
		}
	}
	for _, doc := range f.docs {
		visit(doc)
	}
	return out
}

// patcher turns the edits of a file into patches of its text.
type patcher struct {
	*File
	aliased map[*yaml.Node]bool
	patches []patch
}

func (p *patcher) replace(from, to int, text string) {
	p.patches = append(p.patches, patch{from, to, text})
}

// walk patches n and what is below it. shared says that aliases repeat the text.
func (p *patcher) walk(n *yaml.Node, shared bool) error {
	if to, ok := p.edits.set[n]; ok {
		if shared || n.Anchor != "" {
			return p.unsafe(n, "the value stands behind an anchor")
		}
		return p.set(n, to)
	}
	shared = shared || p.aliased[n]
	for i, c := range n.Content {
		if p.edits.deleted[c] || (n.Kind == yaml.MappingNode && i%2 == 1 && p.edits.deleted[n.Content[i-1]]) {
			continue
		}
		if err := p.walk(c, shared); err != nil {
			return err
		}
	}
	if n.Kind != yaml.MappingNode && n.Kind != yaml.SequenceNode {
		return nil
	}
	return p.container(n, shared) // last: of two insertions at one place, the deeper one goes first
}

// container makes the deletions and insertions of one map or list.
func (p *patcher) container(n *yaml.Node, shared bool) error {
	c := p.entries(n)
	gone := 0
	for i := range c.heads {
		if p.edits.deleted[c.heads[i]] {
			gone++
		}
	}
	ins := p.edits.inserted[n]
	if gone == 0 && len(ins) == 0 {
		return nil
	}
	if shared {
		return p.unsafe(n, "the value stands behind an anchor that aliases repeat")
	}
	for index := range ins {
		if index < 0 || index > len(c.heads) {
			return fmt.Errorf("yamledit: index %d of %d entries", index, len(c.heads))
		}
	}
	if isFlow(n) {
		return p.flowContainer(c, gone, ins)
	}
	return p.blockContainer(c, gone, ins)
}

// entries are the parts of a container: for a map, heads are keys and tails values; for a list both are the items.
type entries struct {
	of           *yaml.Node
	heads, tails []*yaml.Node
}

func (p *patcher) entries(n *yaml.Node) entries {
	if n.Kind == yaml.SequenceNode {
		return entries{n, n.Content, n.Content}
	}
	c := entries{of: n}
	for i := 0; i+1 < len(n.Content); i += 2 {
		c.heads, c.tails = append(c.heads, n.Content[i]), append(c.tails, n.Content[i+1])
	}
	return c
}

// entryEnd is the end of the i'th entry's text.
func (p *patcher) entryEnd(c entries, i int) (int, error) {
	end, err := p.end(c.tails[i])
	if err == nil && c.of.Kind == yaml.MappingNode && !isFlow(c.of) {
		var colon int
		if colon, err = p.colon(c.heads[i]); err == nil {
			end = max(end, colon)
		}
	}
	return end, err
}
