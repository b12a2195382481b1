package render

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/sluice-dev/sluice/internal/manifest"
)

// maxValues bounds how many values a file may stand for once its aliases are expanded: kustomize expands them all.
const maxValues = 2_000_000

// source is a parsed YAML file.
type source struct {
	documents []*yaml.Node // their root values, in order; null documents are left out
	problem   string       // why it is not YAML; "" when it is
	line      int          // of the problem, 1-based; 0 when not known
	column    int
	bomb      bool // it expands to more than maxValues values
	counted   bool // images has been filled
	images    []string
}

func parseSource(content []byte) *source {
	s := &source{}
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	for {
		var document yaml.Node
		err := decoder.Decode(&document)
		if errors.Is(err, io.EOF) {
			return s
		}
		if err != nil {
			s.problem, s.line = yamlProblem(err)
			s.column = firstColumn(content, s.line)
			return s
		}
		if len(document.Content) == 0 || document.Content[0].ShortTag() == "!!null" {
			continue
		}
		root := document.Content[0]
		if values(root, map[*yaml.Node]int{}) > maxValues {
			s.bomb = true
		}
		s.documents = append(s.documents, root)
	}
}

var yamlErrorLine = regexp.MustCompile(`line (\d+): `)

// yamlProblem takes a YAML error apart: "yaml: line 3: did not find expected key" is the text after the line, and 3.
// The parser leaves line 1 out; errors about bytes have no line.
func yamlProblem(err error) (text string, line int) {
	text = strings.TrimPrefix(err.Error(), "yaml: ")
	if m := yamlErrorLine.FindStringSubmatchIndex(text); m != nil {
		line, _ = strconv.Atoi(text[m[2]:m[3]])
		text = text[m[1]:]
	} else if !strings.Contains(text, "character") && !strings.Contains(text, "UTF") {
		line = 1
	}
	return text, line
}

// firstColumn is where the text of a line begins, 1-based; 0 when there is no such line.
func firstColumn(content []byte, line int) int {
	for i := 1; i < line; i++ {
		end := bytes.IndexByte(content, '\n')
		if end < 0 {
			return 0
		}
		content = content[end+1:]
	}
	if line == 0 {
		return 0
	}
	for i, b := range content {
		if b != ' ' && b != '\t' {
			return i + 1
		}
	}
	return 0
}

// values counts what a node stands for with its aliases expanded, and stops counting beyond maxValues.
func values(n *yaml.Node, known map[*yaml.Node]int) int {
	if n.Kind == yaml.AliasNode {
		count, ok := known[n.Alias]
		if !ok {
			known[n.Alias] = maxValues + 1 // an alias within its own anchor
			count = values(n.Alias, known)
			known[n.Alias] = count
		}
		return count
	}
	count := 1
	for _, child := range n.Content {
		if count += values(child, known); count > maxValues {
			return maxValues + 1
		}
	}
	return count
}

// field gives the value of a key of a mapping, nil where there is none. Keys match whatever their case, as they do
// for kustomize; the last one wins.
func field(n *yaml.Node, name string) *yaml.Node {
	if n = resolved(n); n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := len(n.Content) - 2; i >= 0; i -= 2 {
		if strings.EqualFold(n.Content[i].Value, name) {
			return resolved(n.Content[i+1])
		}
	}
	return nil
}

// resolved follows an alias.
func resolved(n *yaml.Node) *yaml.Node {
	if n != nil && n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// items gives the elements of a sequence.
func items(n *yaml.Node) []*yaml.Node {
	if n = resolved(n); n == nil || n.Kind != yaml.SequenceNode {
		return nil
	}
	out := make([]*yaml.Node, len(n.Content))
	for i, item := range n.Content {
		out[i] = resolved(item)
	}
	return out
}

// text gives a scalar's value.
func text(n *yaml.Node) string {
	if n == nil || n.Kind != yaml.ScalarNode {
		return ""
	}
	return n.Value
}

// identity gives the ID and API version of an object's root node; ok is false where it is no object.
func identity(n *yaml.Node) (id manifest.ID, version string, ok bool) {
	metadata := field(n, "metadata")
	id = manifest.ID{Kind: text(field(n, "kind")), Name: text(field(metadata, "name")), Namespace: text(field(metadata, "namespace"))}
	id.Group, version = manifest.SplitAPIVersion(text(field(n, "apiVersion")))
	return id, version, id.Kind != "" && version != ""
}
