// Package yamledit edits YAML source in place: set a value, delete or insert an entry, an item or a document. Bytes that an
// edit does not touch stay as they are: comments, order, quoting, indentation, blank lines, CRLF, a byte order mark, a
// missing final newline. JSON is edited by the same code, being YAML in flow style.
//
//	f, err := yamledit.Parse(src)
//	replicas := ...             // a *yaml.Node found in f.Docs()
//	f.Set(replicas, yamledit.Scalar("3"))
//	out, err := f.Bytes()
//
// An edit names nodes of the parsed tree; Bytes cuts and pastes text at their positions, parses what came out and compares
// it with the tree the edits mean. Where the two differ, or an edit would reach a place it does not name (text behind an
// anchor that aliases repeat, complex keys, tabs), Bytes fails with an [UnsafeError] and there is no result: a wrong edit
// cannot come out.
//
// Why no library does it. go.yaml.in/yaml/v3 re-encodes: it drops blank lines and re-indents, as its Node says of itself;
// kyaml does the same on top of it, and only puts sequence indentation back. goccy/go-yaml prints its tree from tokens and
// comes closest, yet moves comments whose indentation is uneven (goccy/go-yaml#747) and re-prints the whole file for one
// edit. A promotion must not reformat a person's file, so positions come from yaml/v3 and the bytes from the file.
package yamledit

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// File is a parsed source with the edits asked of it so far. It is not safe for concurrent use.
type File struct {
	src    []byte // with a final line break, which Bytes takes away again where there was none
	cut    int    // how many bytes of src the caller did not give: that line break
	eol    string
	lines  []int // offset of each line's first byte
	docs   []*yaml.Node
	parent map[*yaml.Node]*yaml.Node
	ends   map[*yaml.Node]int // where nodes end, as far as asked for
	flow   bool               // the first document is in flow style, as JSON is
	edits  edits

	repeated map[*yaml.Node]bool // what aliases repeat, once it was asked for
}

// UnsafeError says that an edit was refused because the text does not allow it to be made without risk.
type UnsafeError struct {
	Line int // 1-based; 0 where the result as a whole was not what the edits meant
	Why  string
}

func (e *UnsafeError) Error() string {
	if e.Line == 0 {
		return e.Why
	}
	return fmt.Sprintf("line %d: %s", e.Line, e.Why)
}

// DuplicateKeyError says that a mapping has a key twice: which one counts is a matter of the reader.
type DuplicateKeyError struct {
	Key         string
	Line, First int // 1-based lines of the second and of the first
}

func (e *DuplicateKeyError) Error() string {
	return fmt.Sprintf("line %d: the key %q is already in line %d: keep one of them", e.Line, e.Key, e.First)
}

// Parse reads a YAML stream of any number of documents, or JSON. It fails with the parser's error (which names the line),
// with a *DuplicateKeyError, or for UTF-16. A stream without documents is no error.
func Parse(src []byte) (*File, error) {
	if bytes.HasPrefix(src, []byte{0xFE, 0xFF}) || bytes.HasPrefix(src, []byte{0xFF, 0xFE}) {
		return nil, errors.New("the file is in UTF-16: save it as UTF-8")
	}
	docs, err := decode(src)
	if err != nil {
		return nil, err
	}
	f := &File{src: src, eol: lineBreak(src), docs: docs, parent: map[*yaml.Node]*yaml.Node{}, ends: map[*yaml.Node]int{}}
	if len(src) > 0 && src[len(src)-1] != '\n' && src[len(src)-1] != '\r' {
		f.src, f.cut = slices.Concat(src, []byte(f.eol)), len(f.eol)
	}
	f.lines = lineStarts(f.src)
	for _, doc := range docs {
		if err := f.adopt(doc); err != nil {
			return nil, err
		}
	}
	f.flow = len(docs) > 0 && isFlow(root(docs[0]))
	return f, nil
}

// decode parses all documents of a stream. The parser panics on some hostile input, which is an error here.
func decode(src []byte) (docs []*yaml.Node, err error) {
	defer func() {
		if r := recover(); r != nil {
			docs, err = nil, fmt.Errorf("the file cannot be parsed as YAML: %v", r)
		}
	}()
	for dec := yaml.NewDecoder(bytes.NewReader(src)); ; {
		var doc yaml.Node
		switch err := dec.Decode(&doc); {
		case errors.Is(err, io.EOF):
			return docs, nil
		case err != nil:
			return nil, errors.New(strings.TrimPrefix(err.Error(), "yaml: "))
		}
		docs = append(docs, &doc)
	}
}

// adopt notes parents and refuses duplicate keys below n.
func (f *File) adopt(n *yaml.Node) error {
	if n.Kind == yaml.MappingNode {
		lines := map[string]int{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := n.Content[i]
			if key.Kind != yaml.ScalarNode || key.ShortTag() == "!!merge" {
				continue
			}
			if first, ok := lines[key.Value]; ok {
				return &DuplicateKeyError{key.Value, key.Line, first}
			}
			lines[key.Value] = key.Line
		}
	}
	for _, c := range n.Content {
		f.parent[c] = n
		if err := f.adopt(c); err != nil {
			return err
		}
	}
	return nil
}

// Docs are the documents of the stream, each a yaml.DocumentNode. They are the caller's to read, not to change.
func (f *File) Docs() []*yaml.Node { return f.docs }

// Text is the source of a node as it stands, from its first to its last byte.
func (f *File) Text(n *yaml.Node) (string, error) {
	end, err := f.end(n)
	if err != nil {
		return "", err
	}
	return string(f.src[f.start(n):end]), nil
}

// root is the value of a document.
func root(doc *yaml.Node) *yaml.Node {
	if doc.Kind == yaml.DocumentNode && len(doc.Content) == 1 {
		return doc.Content[0]
	}
	return doc
}

func isFlow(n *yaml.Node) bool {
	return n.Style&yaml.FlowStyle != 0 && (n.Kind == yaml.MappingNode || n.Kind == yaml.SequenceNode)
}

// lineBreak is the first line break of a text: "\r\n", or "\n" where there is none.
func lineBreak(src []byte) string {
	if i := bytes.IndexByte(src, '\n'); i > 0 && src[i-1] == '\r' {
		return "\r\n"
	}
	return "\n"
}

// lineStarts gives the offset of each line, by the line breaks that YAML 1.1 knows and yaml/v3 counts.
func lineStarts(src []byte) []int {
	starts := []int{0}
	for i := 0; i < len(src); i++ {
		switch {
		case src[i] == '\r' && i+1 < len(src) && src[i+1] == '\n':
			i++
		case src[i] == '\n' || src[i] == '\r':
		case src[i] == 0xC2 && bytes.HasPrefix(src[i:], []byte("\u0085")):
			i++
		case src[i] == 0xE2 && (bytes.HasPrefix(src[i:], []byte("\u2028")) || bytes.HasPrefix(src[i:], []byte("\u2029"))):
			i += 2
		default:
			continue
		}
		starts = append(starts, i+1)
	}
	return starts
}

// offset gives the byte at a 1-based line and column, the column in runes.
func (f *File) offset(line, column int) int {
	if line < 1 || line > len(f.lines) {
		return len(f.src)
	}
	at := f.lines[line-1]
	if line == 1 && bytes.HasPrefix(f.src, []byte("\uFEFF")) {
		at += len("\uFEFF")
	}
	for ; column > 1 && at < len(f.src); column-- {
		_, size := utf8.DecodeRune(f.src[at:])
		at += size
	}
	return at
}

// lineStart and lineEnd give the line that holds an offset: its first byte, and the byte after its line break.
func (f *File) lineStart(at int) int { return f.lines[f.lineOf(at)] }

func (f *File) lineEnd(at int) int {
	if i := f.lineOf(at) + 1; i < len(f.lines) {
		return f.lines[i]
	}
	return len(f.src)
}

func (f *File) lineOf(at int) int {
	i, found := slices.BinarySearch(f.lines, at)
	if !found {
		i--
	}
	return i
}
