package schema

import (
	"strconv"
	"strings"
)

// fieldPath writes the place of a value in an object as people write it, list items by name where they have one:
// spec.containers[name=web].ports[0], metadata.annotations["example.com/owner"]. The steps are those of a JSON pointer.
func fieldPath(root any, steps []string) string {
	var path strings.Builder
	at := root
	for _, step := range steps {
		switch value := at.(type) {
		case []any:
			index, err := strconv.Atoi(step)
			if err != nil || index < 0 || index >= len(value) {
				return path.String()
			}
			at = value[index]
			path.WriteString(itemStep(index, at))
		case map[string]any:
			at = value[step]
			path.WriteString(fieldStep(step, path.Len() == 0))
		default:
			at = nil
			path.WriteString(fieldStep(step, path.Len() == 0))
		}
	}
	return path.String()
}

// fieldStep is the part of a path that a field adds.
func fieldStep(name string, first bool) string {
	switch {
	case name == "" || strings.ContainsAny(name, `.[]"`):
		return `["` + name + `"]`
	case first:
		return name
	default:
		return "." + name
	}
}

// itemStep is the part of a path that a list item adds.
func itemStep(index int, item any) string {
	if fields, ok := item.(map[string]any); ok {
		if name, ok := fields["name"].(string); ok && name != "" && !strings.ContainsAny(name, "[]=\n") {
			return "[name=" + name + "]"
		}
	}
	return "[" + strconv.Itoa(index) + "]"
}
