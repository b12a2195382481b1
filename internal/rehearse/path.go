package rehearse

import (
	"strconv"
	"strings"

	"github.com/sluice-dev/sluice/internal/manifest"
)

// fieldPath writes a field as the API server names it, such as spec.containers[0].env[TOKEN] or .spec.containers[name="web"], in
// the form of findings: list items by name where they have one, keys that are no plain words in quotes.
func fieldPath(object any, field string) string {
	var path manifest.FieldPath
	at := object
	for rest := strings.TrimPrefix(field, "."); rest != ""; {
		var step string
		bracketed := strings.HasPrefix(rest, "[")
		if bracketed {
			step, rest = untilClosed(rest[1:])
		} else {
			end := strings.IndexAny(rest, ".[")
			if end < 0 {
				end = len(rest)
			}
			step, rest = rest[:end], rest[end:]
		}
		rest = strings.TrimPrefix(rest, ".")
		switch value := at.(type) {
		case []any:
			index := itemIndex(value, step)
			if index < 0 {
				return path.String()
			}
			at = value[index]
			path.Item(index, at)
		case map[string]any:
			if bracketed {
				step = strings.Trim(step, `"`)
			}
			at = value[step]
			path.Field(step)
		default:
			return path.String()
		}
	}
	return path.String()
}

// untilClosed cuts a text at the bracket that closes it, outside of quotes.
func untilClosed(text string) (inside, rest string) {
	quoted := false
	for i, r := range text {
		switch {
		case r == '"':
			quoted = !quoted
		case r == ']' && !quoted:
			return text[:i], text[i+1:]
		}
	}
	return text, ""
}

// itemIndex finds a list's item by its index or by its keys, such as name="web" or containerPort=80,protocol="TCP".
func itemIndex(list []any, step string) int {
	if index, err := strconv.Atoi(step); err == nil {
		if index < 0 || index >= len(list) {
			return -1
		}
		return index
	}
	key, value, keyed := strings.Cut(step, "=")
	value, _, _ = strings.Cut(value, ",")
	for i, item := range list {
		fields, _ := item.(map[string]any)
		if have, ok := fields[key]; ok && keyed && text(have) == strings.Trim(value, `"`) {
			return i
		}
	}
	return -1
}

// text gives a scalar as it stands in YAML.
func text(value any) string {
	switch value := value.(type) {
	case string:
		return value
	case int64:
		return strconv.FormatInt(value, 10)
	default:
		return ""
	}
}
