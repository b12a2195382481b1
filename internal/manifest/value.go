package manifest

import (
	"errors"
	"fmt"
	"math"
	"strconv"

	"go.yaml.in/yaml/v3"
)

// maxNodes bounds how many values one object may expand to through YAML aliases. The largest real objects (CRDs)
// have some 50,000.
const maxNodes = 2_000_000

// maxDepth bounds nesting, and so ends an alias that contains itself.
const maxDepth = 1_000

var (
	errTooLarge = errors.New("this document expands to more than 2,000,000 values through its aliases")
	errTooDeep  = errors.New("this document is nested more than 1,000 levels deep, or an alias contains itself")
)

type converter struct{ left, depth int }

// mapping converts a YAML mapping to JSON-like data.
func mapping(node *yaml.Node) (map[string]any, error) {
	c := converter{left: maxNodes}
	value, err := c.value(node)
	if err != nil {
		return nil, err
	}
	m, ok := value.(map[string]any)
	if !ok {
		return nil, errors.New("this document is not a mapping, so it is no Kubernetes object")
	}
	return m, nil
}

func (c *converter) value(node *yaml.Node) (any, error) {
	if c.left--; c.left < 0 {
		return nil, errTooLarge
	}
	if c.depth++; c.depth > maxDepth {
		return nil, errTooDeep
	}
	defer func() { c.depth-- }()
	switch node.Kind {
	case yaml.AliasNode:
		return c.value(node.Alias)
	case yaml.SequenceNode:
		out := make([]any, len(node.Content))
		for i, item := range node.Content {
			var err error
			if out[i], err = c.value(item); err != nil {
				return nil, err
			}
		}
		return out, nil
	case yaml.MappingNode:
		out := make(map[string]any, len(node.Content)/2)
		for i := 0; i < len(node.Content); i += 2 {
			key := node.Content[i]
			value, err := c.value(node.Content[i+1])
			if err != nil {
				return nil, err
			}
			if key.ShortTag() == "!!merge" {
				merge(out, value)
				continue
			}
			out[key.Value] = value
		}
		return out, nil
	default:
		return scalar(node)
	}
}

// merge applies a "<<" key: what is already there wins.
func merge(into map[string]any, from any) {
	switch from := from.(type) {
	case map[string]any:
		for k, v := range from {
			if _, set := into[k]; !set {
				into[k] = v
			}
		}
	case []any:
		for _, item := range from {
			merge(into, item)
		}
	}
}

// scalar resolves a plain scalar as Kubernetes does after YAML has become JSON: timestamps and binaries stay
// strings, integers are int64 (CEL refuses floats where an integer is meant).
func scalar(node *yaml.Node) (any, error) {
	switch node.ShortTag() {
	case "!!null":
		return nil, nil
	case "!!bool":
		var b bool
		err := node.Decode(&b)
		return b, err
	case "!!int":
		var i int64
		if err := node.Decode(&i); err == nil {
			return i, nil
		}
		f, err := strconv.ParseFloat(node.Value, 64)
		if err != nil {
			return nil, fmt.Errorf("line %d: %q is not a number that JSON can hold", node.Line, node.Value)
		}
		return f, nil
	case "!!float":
		var f float64
		if err := node.Decode(&f); err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
			return nil, fmt.Errorf("line %d: %q is not a number that JSON can hold", node.Line, node.Value)
		}
		return f, nil
	default:
		return node.Value, nil
	}
}
