package render

import (
	"strconv"
	"strings"
	"unicode/utf8"

	yamlv2 "go.yaml.in/yaml/v2"
	"sigs.k8s.io/kustomize/api/resource"
	kyaml "sigs.k8s.io/kustomize/kyaml/yaml"
)

// encode gives an object's text as `kustomize build` prints it. kustomize goes from its nodes to YAML text, to
// values, to JSON, to values and to YAML text again; where none of that can matter, encode goes from the nodes to
// the last values at once, at a quarter of the cost.
func encode(res *resource.Resource) ([]byte, error) {
	if value, ok := plain(res.YNode()); ok {
		return yamlv2.Marshal(value)
	}
	return res.AsYAML()
}

// plain gives the value of a node that means the same in YAML 1.2, JSON and YAML 1.1 once it is quoted where it must
// be; ok is false for anything out of the ordinary.
func plain(n *kyaml.Node) (value any, ok bool) {
	if n == nil || n.Anchor != "" {
		return nil, false
	}
	switch n.Kind {
	case kyaml.DocumentNode:
		if len(n.Content) != 1 {
			return nil, false
		}
		return plain(n.Content[0])
	case kyaml.MappingNode:
		out := make(map[string]any, len(n.Content)/2)
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := n.Content[i]
			if key.Kind != kyaml.ScalarNode || key.Anchor != "" || key.ShortTag() != kyaml.NodeTagString || !simple(key) {
				return nil, false
			}
			if _, twice := out[key.Value]; twice {
				return nil, false
			}
			if out[key.Value], ok = plain(n.Content[i+1]); !ok {
				return nil, false
			}
		}
		return out, true
	case kyaml.SequenceNode:
		out := make([]any, len(n.Content))
		for i, item := range n.Content {
			if out[i], ok = plain(item); !ok {
				return nil, false
			}
		}
		return out, true
	case kyaml.ScalarNode:
		return plainScalar(n)
	default:
		return nil, false
	}
}

func plainScalar(n *kyaml.Node) (any, bool) {
	switch n.ShortTag() {
	case kyaml.NodeTagString:
		return n.Value, simple(n)
	case kyaml.NodeTagBool:
		switch n.Value {
		case "true":
			return true, true
		case "false":
			return false, true
		}
	case kyaml.NodeTagInt:
		// Decimal integers only: no sign but a leading minus, no leading zero, within an int64.
		i, err := strconv.ParseInt(n.Value, 10, 64)
		if err == nil && strconv.FormatInt(i, 10) == n.Value {
			return int(i), true
		}
	case kyaml.NodeTagNull:
		if n.Value == "" || n.Value == "null" || n.Value == "~" {
			return nil, n.Value != ""
		}
	}
	return nil, false
}

// simple reports whether a string survives every encoding on kustomize's way: valid, of printable characters, and
// not in a style whose line folding or indentation hint could change it.
func simple(n *kyaml.Node) bool {
	if n.Style&kyaml.FoldedStyle != 0 {
		return false
	}
	s := n.Value
	if strings.Contains(s, "\n") && (s[0] == ' ' || s[0] == '\n' || s[0] == '\t') {
		return false
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= utf8.RuneSelf {
			return simpleRunes(s[i:])
		}
		if c < ' ' && c != '\n' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

func simpleRunes(s string) bool {
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		switch {
		case r == utf8.RuneError && size <= 1, r < ' ' && r != '\n' && r != '\t', r >= 0x7f && r <= 0xa0,
			r == 0xfeff, r == 0x2028, r == 0x2029, r >= 0xfffe && r <= 0xffff:
			return false
		}
		s = s[size:]
	}
	return true
}
