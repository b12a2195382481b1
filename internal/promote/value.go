package promote

import (
	"encoding/binary"
	"errors"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// value is a node of a file as a tree of named parts, so that what stands for the same thing in two files has the same
// path: a field by its key, a list item by what identifies it.
type value struct {
	kind     yaml.Kind // ScalarNode, SequenceNode or MappingNode; an alias has the kind of what it stands for
	node     *yaml.Node
	text     string // of a scalar
	line     int    // 1-based
	hash     uint64 // equal where the values are, the names of the environments and the order of items apart
	exact    uint64 // equal where the values are
	children []child
	index    map[string]int
}

type child struct {
	segment string
	key     *yaml.Node // of a map's entry
	*value
}

func (v *value) get(segment string) *value {
	if v == nil {
		return nil
	}
	if i, ok := v.index[segment]; ok {
		return v.children[i].value
	}
	return nil
}

// at follows a path; nil where it leads nowhere.
func (v *value) at(path fieldPath) *value {
	for _, segment := range path {
		v = v.get(segment)
	}
	return v
}

// add appends a part; the second of a name gets the name with "#2".
func (v *value) add(segment string, key *yaml.Node, part *value) {
	if v.index == nil {
		v.index = map[string]int{}
	}
	name := segment
	for i := 2; ; i++ {
		if _, taken := v.index[name]; !taken {
			break
		}
		name = strings.TrimSuffix(segment, "]") + "#" + strconv.Itoa(i)
		if isItem(segment) {
			name += "]"
		}
	}
	v.index[name] = len(v.children)
	v.children = append(v.children, child{name, key, part})
}

// errTooBig says that aliases blow a file up.
var errTooBig = errors.New("its aliases repeat too much")

// maxValues bounds the parts of one file, aliases followed.
const maxValues = 2_000_000

// reader builds values of the files of one side.
type reader struct {
	names   *names
	words   []string // what this side's environment is called
	schemes schemes  // how the items of each list are named, agreed between the sides
	ways    *ways    // where paths in the file lead; nil where it has none that count
	left    int
}

func newReader(n *names, words []string, s schemes) *reader {
	return &reader{names: n, words: words, schemes: s, left: maxValues}
}

// stream reads all documents of a file. One document is the file; several are named by what they describe.
func (r *reader) stream(docs []*yaml.Node) (*value, error) {
	if len(docs) == 1 && !r.schemes.documents {
		return r.read(root(docs[0]), nil)
	}
	whole := &value{kind: yaml.DocumentNode, line: 1}
	for _, doc := range docs {
		name := r.document(root(doc))
		v, err := r.read(root(doc), fieldPath{name})
		if err != nil {
			return nil, err
		}
		whole.add(name, nil, v)
	}
	whole.seal()
	return whole, nil
}

// document names a document of several by what it describes.
func (r *reader) document(n *yaml.Node) string {
	kind, name, space := scalarAt(n, "kind"), scalarAt(n, "metadata", "name"), scalarAt(n, "metadata", "namespace")
	if kind == "" && name == "" {
		return "[document]"
	}
	id := kind
	if space != "" {
		id += " " + r.neutral(space)
	}
	return "[" + id + "/" + r.neutral(name) + "]"
}

func (r *reader) neutral(s string) string {
	if way, ok := r.ways.same(s); ok {
		return way
	}
	return r.names.neutral(s, r.words)
}

func (r *reader) read(n *yaml.Node, at fieldPath) (*value, error) {
	if r.left--; r.left < 0 || len(at) > 1000 {
		return nil, errTooBig
	}
	if n.Kind == yaml.AliasNode {
		v, err := r.read(n.Alias, at)
		if v != nil {
			v.node, v.line = n, n.Line
		}
		return v, err
	}
	v := &value{kind: n.Kind, node: n, line: n.Line}
	switch n.Kind {
	case yaml.ScalarNode:
		v.text = n.Value
		if n.ShortTag() == "!!null" {
			v.text = ""
		}
		v.exact = hashOf(n.ShortTag(), v.text)
		v.hash = hashOf(n.ShortTag(), r.neutral(v.text))
		return v, nil
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			segment := segmentOf(n.Content[i].Value)
			part, err := r.read(n.Content[i+1], at.child(segment))
			if err != nil {
				return nil, err
			}
			v.add(segment, n.Content[i], part)
		}
	case yaml.SequenceNode:
		s, ok := r.schemes.lists[at.String()]
		if !ok {
			s = choose(n.Content)
		}
		for _, item := range n.Content {
			segment := s.name(r, item)
			part, err := r.read(item, at.child(segment))
			if err != nil {
				return nil, err
			}
			v.add(segment, nil, part)
		}
	}
	v.seal()
	return v, nil
}

// seal hashes a container by its parts.
func (v *value) seal() {
	sums, exact := make([]uint64, len(v.children)), make([]uint64, len(v.children))
	for i, c := range v.children {
		name := hashOf(c.segment)
		if v.kind == yaml.SequenceNode {
			name = 0
		}
		sums[i], exact[i] = mix(name, c.hash), mix(hashOf(c.segment), c.value.exact)
	}
	if v.kind == yaml.MappingNode {
		slices.Sort(exact)
	}
	slices.Sort(sums)
	v.hash, v.exact = mix(append(sums, uint64(v.kind))...), mix(append(exact, uint64(v.kind))...)
}

func hashOf(parts ...string) uint64 {
	h := fnv.New64a()
	for _, part := range parts {
		h.Write([]byte(part))
		h.Write([]byte{0xFF})
	}
	return h.Sum64()
}

func mix(sums ...uint64) uint64 {
	h := fnv.New64a()
	var b [8]byte
	for _, sum := range sums {
		binary.LittleEndian.PutUint64(b[:], sum)
		h.Write(b[:])
	}
	return h.Sum64()
}

// segmentOf is a key as a segment of a field path: in brackets and quotes where it holds what has a meaning there.
func segmentOf(key string) string {
	if key == "" || strings.ContainsAny(key, ".[]\"'@ \t\n") {
		return "[" + strconv.Quote(key) + "]"
	}
	return key
}

// root is the value of a document.
func root(doc *yaml.Node) *yaml.Node {
	if doc.Kind == yaml.DocumentNode && len(doc.Content) == 1 {
		return doc.Content[0]
	}
	return doc
}

// field is the value of a key of a map; nil where there is none.
func field(n *yaml.Node, key string) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

// scalarAt follows keys to a scalar; "" where there is none.
func scalarAt(n *yaml.Node, keys ...string) string {
	for _, key := range keys {
		if n = field(n, key); n == nil {
			return ""
		}
	}
	if n.Kind != yaml.ScalarNode {
		return ""
	}
	return n.Value
}
