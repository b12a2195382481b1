package lint

import (
	"strings"

	"github.com/sluice-dev/sluice/internal/manifest"
)

// at follows fields down from a mapping; nil where one is missing or null. The object may be nil.
func at(o *manifest.Object, steps ...string) any {
	if o == nil {
		return nil
	}
	return below(o.Value(), steps...)
}

func below(value any, steps ...string) any {
	for _, step := range steps {
		fields, _ := value.(map[string]any)
		value = fields[step]
	}
	return value
}

// text gives a string field; "" where there is none.
func text(value any, steps ...string) string {
	s, _ := below(value, steps...).(string)
	return s
}

// list gives the items of a list field that are mappings.
func list(value any, steps ...string) []map[string]any {
	items, _ := below(value, steps...).([]any)
	out := make([]map[string]any, 0, len(items))
	for _, item := range items {
		if fields, ok := item.(map[string]any); ok {
			out = append(out, fields)
		}
	}
	return out
}

// words gives the items of a list field that are strings.
func words(value any, steps ...string) []string {
	items, _ := below(value, steps...).([]any)
	out := make([]string, 0, len(items))
	for _, item := range items {
		if word, ok := item.(string); ok {
			out = append(out, word)
		}
	}
	return out
}

// annotation gives an annotation of an object; "" where it has none.
func annotation(o *manifest.Object, name string) string {
	return text(at(o, "metadata", "annotations"), name)
}

// has reports whether an annotation that is a list of options, such as "Prune=false,Force=true", has one of them.
func has(o *manifest.Object, name, option string) bool {
	for _, part := range strings.Split(annotation(o, name), ",") {
		if strings.EqualFold(strings.TrimSpace(part), option) {
			return true
		}
	}
	return false
}

// podPath gives where the pod specification of a workload is; nil for what has no pods.
func podPath(o *manifest.Object) []string {
	switch {
	case o == nil:
		return nil
	case is(o, "", "Pod"):
		return []string{"spec"}
	case is(o, "batch", "CronJob"):
		return []string{"spec", "jobTemplate", "spec", "template", "spec"}
	case at(o, "spec", "template", "spec", "containers") != nil:
		return []string{"spec", "template", "spec"}
	default:
		return nil
	}
}
