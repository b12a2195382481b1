package manifest

import (
	"encoding/base64"
	"maps"
)

// What stands for a value of a Secret where rules look at it: in data as base64, since that is what data holds.
const (
	concealed        = "hidden by sluice"
	concealedChanged = "hidden by sluice, changed"
)

// lastApplied is where kubectl keeps a copy of the whole object.
const lastApplied = "kubectl.kubernetes.io/last-applied-configuration"

// Concealed is Value for rules that somebody else wrote, who may have them tell all that they see. What a Secret holds is replaced, key by
// key: a rule sees which keys there are, and, where before is the object as it was, which of them changed. What is no base64 stays that.
// kubectl's copy of the object is replaced too. Every other object comes as Value gives it, which must not be changed.
func (o *Object) Concealed(before *Object) map[string]any {
	value := o.Value()
	if value == nil || o.ID.Group != "" || o.ID.Kind != "Secret" {
		return value
	}
	var old map[string]any
	if before != nil {
		old = before.Value()
	}
	out := maps.Clone(value)
	for _, field := range []string{"data", "stringData"} {
		if content, ok := value[field]; ok {
			out[field] = conceal(content, old[field], field == "data")
		}
	}
	metadata, _ := value["metadata"].(map[string]any)
	if annotations, ok := metadata["annotations"].(map[string]any); ok && annotations[lastApplied] != nil {
		annotations = maps.Clone(annotations)
		annotations[lastApplied] = concealed
		metadata = maps.Clone(metadata)
		metadata["annotations"], out["metadata"] = annotations, metadata
	}
	return out
}

// conceal replaces all scalars of a value and keeps its shape.
func conceal(value, old any, encoded bool) any {
	switch value := value.(type) {
	case nil:
		return nil
	case map[string]any:
		before, _ := old.(map[string]any)
		out := make(map[string]any, len(value))
		for key, item := range value {
			out[key] = conceal(item, before[key], encoded)
		}
		return out
	case []any:
		out := make([]any, len(value))
		for i, item := range value {
			out[i] = conceal(item, nil, encoded)
		}
		return out
	case string:
		text := concealed
		if old != nil && old != any(value) {
			text = concealedChanged
		}
		if _, err := base64.StdEncoding.DecodeString(value); encoded && err == nil {
			return base64.StdEncoding.EncodeToString([]byte(text))
		}
		return text
	default:
		return int64(0) // a number or a boolean, which has no business here
	}
}
