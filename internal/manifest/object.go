// Package manifest turns rendered YAML into objects: each with its identity, its text, and where it comes from.
package manifest

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"

	"go.yaml.in/yaml/v3"

	"github.com/sluice-dev/sluice/internal/finding"
)

// Origin says which file of the repository an object was first defined in.
type Origin struct {
	// File is the file that holds the object, from the repository's root; "" when it is not known or lies in a
	// remote base.
	File string `json:"file,omitempty"`
	// Kustomization is the file that has the object made or fetched, for what generators, charts and remote bases bring.
	Kustomization string `json:"kustomization,omitempty"`
	// Line and Column are where in Kustomization that is said, 1-based; 0 where it is not known.
	Line   int `json:"line,omitempty"`
	Column int `json:"column,omitempty"`
}

// Object is one Kubernetes object of a target's rendered manifest. Its text is parsed when first asked for, so that
// objects that are equal on base and head cost nothing. Objects are safe to share between goroutines and must not
// be changed.
type Object struct {
	ID      ID
	Version string // API version without its group: "v1"
	Text    []byte // the YAML document, without separators, with a final newline
	Line    int    // line of the rendered manifest on which Text begins, 1-based
	Origin  Origin

	parsed atomic.Pointer[parsed] // nil: not yet, or forgotten
}

// parsed is what an object's text says.
type parsed struct {
	node  *yaml.Node
	value map[string]any
}

// APIVersion gives the object's apiVersion as it stands in YAML.
func (o *Object) APIVersion() string {
	if o.ID.Group == "" {
		return o.Version
	}
	return o.ID.Group + "/" + o.Version
}

// Node returns the object's mapping node, for its order and positions; nil where Text is not a YAML mapping.
func (o *Object) Node() *yaml.Node {
	return o.decode().node
}

// Value returns the object as JSON-like data: map[string]any, []any, string, bool, int64, float64 and nil.
func (o *Object) Value() map[string]any {
	return o.decode().value
}

// decode parses the text. Goroutines that ask for it at the same time may both do it: the result is the same.
func (o *Object) decode() *parsed {
	if known := o.parsed.Load(); known != nil {
		return known
	}
	made := &parsed{}
	var doc yaml.Node
	if err := yaml.Unmarshal(o.Text, &doc); err == nil && len(doc.Content) > 0 {
		if value, err := mapping(doc.Content[0]); err == nil {
			made.node, made.value = doc.Content[0], value
		}
	}
	if !o.parsed.CompareAndSwap(nil, made) {
		if known := o.parsed.Load(); known != nil {
			return known
		}
	}
	return made
}

// Forget frees what the object's text was parsed to, which takes some twenty times its room. Whoever asks for it again has it
// parsed again.
func (o *Object) Forget() { o.parsed.Store(nil) }

// Parse splits a YAML stream into its objects. Documents that are empty or null are passed over; one that is no
// object (no kind, no name, not a mapping, a List with items is flattened by the renderer) gives a finding at its line
// and the others are still returned. A stream that is not YAML gives one finding. The file name only labels positions.
func Parse(file string, data []byte) ([]*Object, finding.List) {
	var objects []*Object
	var problems finding.List
	for _, doc := range Split(data) {
		var node yaml.Node
		if err := yaml.Unmarshal(doc.Text, &node); err != nil {
			problems = append(problems, syntaxFinding(file, doc, err))
			continue
		}
		if len(node.Content) == 0 || node.Content[0].ShortTag() == "!!null" {
			continue
		}
		object, err := newObject(node.Content[0], doc)
		if err != nil {
			problems = append(problems, finding.Finding{
				Rule: "manifest/object", Severity: finding.Error, Message: err.Error(),
				Pos: finding.Pos{File: file, Line: doc.at(node.Content[0].Line), Column: node.Content[0].Column},
			})
			continue
		}
		object.Origin.File = file
		objects = append(objects, object)
	}
	return objects, problems
}

func newObject(node *yaml.Node, doc Document) (*Object, error) {
	value, err := mapping(node)
	if err != nil {
		return nil, err
	}
	text := func(v any) string { s, _ := v.(string); return s }
	metadata, _ := value["metadata"].(map[string]any)
	object := &Object{Text: doc.Text, Line: doc.Line}
	object.parsed.Store(&parsed{node, value})
	object.ID = ID{Kind: text(value["kind"]), Namespace: text(metadata["namespace"]), Name: text(metadata["name"])}
	object.ID.Group, object.Version = SplitAPIVersion(text(value["apiVersion"]))
	switch {
	case object.ID.Kind == "":
		return nil, fmt.Errorf("this document has no kind, so it is no Kubernetes object")
	case object.Version == "":
		return nil, fmt.Errorf("this %s has no apiVersion", object.ID.Kind)
	case object.ID.Name == "" && !strings.HasSuffix(object.ID.Kind, "List"):
		return nil, fmt.Errorf("this %s has no metadata.name", object.ID.Kind)
	}
	return object, nil
}

// Document is one YAML document of a stream.
type Document struct {
	Text []byte // without the separator
	Line int    // line of the stream on which Text begins, 1-based
}

// at gives the line of the stream that is the document's n-th. YAML counts a lone carriage return as a line, editors do
// not: the result stays inside the document.
func (d Document) at(n int) int { return d.Line + min(n-1, bytes.Count(d.Text, []byte("\n"))) }

// Split cuts a YAML stream at its "---" lines. Documents of blank lines only are left out.
func Split(data []byte) []Document {
	data = bytes.TrimPrefix(data, []byte("\uFEFF"))
	var docs []Document
	line, start, startLine := 1, 0, 1
	flush := func(end int) {
		if text := data[start:end]; len(bytes.TrimSpace(text)) > 0 {
			docs = append(docs, Document{Text: text, Line: startLine})
		}
	}
	for at := 0; at < len(data); line++ {
		end := len(data)
		if i := bytes.IndexByte(data[at:], '\n'); i >= 0 {
			end = at + i + 1
		}
		if current := bytes.TrimRight(data[at:end], " \t\r\n"); bytes.Equal(current, []byte("---")) {
			flush(at)
			start, startLine = end, line+1
		} else if bytes.HasPrefix(current, []byte("--- ")) { // content or a comment follows the separator
			flush(at)
			start, startLine = at, line
		}
		at = end
	}
	flush(len(data))
	return docs
}

var yamlErrorLine = regexp.MustCompile(`^yaml: (?:unmarshal errors:\s+)?line (\d+): `)

func syntaxFinding(file string, doc Document, err error) finding.Finding {
	message, line := strings.TrimPrefix(err.Error(), "yaml: "), doc.Line
	if m := yamlErrorLine.FindStringSubmatch(err.Error()); m != nil {
		n, _ := strconv.Atoi(m[1])
		line, message = doc.at(n), err.Error()[len(m[0]):]
	}
	return finding.Finding{
		Rule: "manifest/yaml", Severity: finding.Error, Message: "this is not valid YAML: " + message,
		Pos: finding.Pos{File: file, Line: line},
	}
}
