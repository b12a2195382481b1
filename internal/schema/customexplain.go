package schema

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// customExplainer puts the errors of the API server's validation in plain words, and their paths in ours.
type customExplainer struct {
	schema *structuralschema.Structural
	value  map[string]any
	found  []problem
}

// unknown reports fields that the schema does not have and that the API server would drop.
func (e *customExplainer) unknown(paths []string) {
	for _, path := range paths {
		steps := stepsTo(e.value, path)
		if len(steps) == 0 {
			continue
		}
		e.add(steps, "unknown field"+didYouMean(steps[len(steps)-1], e.fieldsAt(steps[:len(steps)-1])))
	}
}

func (e *customExplainer) errors(errs field.ErrorList) {
	for _, err := range errs {
		e.add(stepsTo(e.value, strings.TrimPrefix(err.Field, "<nil>")), explainField(err))
	}
	slices.SortStableFunc(e.found, func(a, b problem) int { return cmp.Compare(a.path, b.path) })
	e.found = slices.Compact(e.found)
	if more := len(e.found) - maxProblems; more > 0 {
		e.found = append(e.found[:maxProblems], problem{message: fmt.Sprintf("this object has %d more fields that are wrong", more)})
	}
}

func (e *customExplainer) add(steps []string, text string) {
	path := fieldPath(e.value, steps)
	if path != "" {
		text = path + ": " + text
	}
	e.found = append(e.found, problem{path, text})
}

// wrongMetadata is what the JSON library says of metadata of the wrong shape.
var wrongMetadata = regexp.MustCompile(`^json: cannot unmarshal (\w+) into Go struct field ObjectMeta\.(\S+) of type (\S+)$`)

// explainField gives what is wrong with a field, without its path.
func explainField(err *field.Error) string {
	switch err.Type {
	case field.ErrorTypeRequired:
		if err.Detail != "" {
			return err.Detail
		}
		return "this field is required and missing"
	case field.ErrorTypeNotSupported:
		return explainChoice(err)
	case field.ErrorTypeDuplicate:
		return "this item stands in the list twice"
	}
	text := err.Detail
	if _, rest, ok := strings.Cut(text, " in body "); ok {
		text = rest
	}
	if m := wrongMetadata.FindStringSubmatch(text); m != nil {
		return fmt.Sprintf("%s: expected %s, got %s%s", m[2], m[3], m[1], quoteHint(m[3], `"`+m[1]+`"`))
	}
	if want, ok := strings.CutPrefix(text, "must be of type "); ok {
		want, got, _ := strings.Cut(want, ": ")
		return fmt.Sprintf("expected %s, got %s%s", want, strings.Trim(got, `"`), quoteHint(want, got))
	}
	if text == "" {
		return err.ErrorBody()
	}
	return text
}

func quoteHint(want, got string) string {
	if want == "string" && slices.Contains([]string{`"integer"`, `"number"`, `"boolean"`, `"bool"`}, got) {
		return "; put the value in quotes"
	}
	return ""
}

func explainChoice(err *field.Error) string {
	_, choices, _ := strings.Cut(err.Detail, "supported values: ")
	var names []string
	for _, choice := range strings.Split(choices, ", ") {
		if name, unquoted := strconv.Unquote(choice); unquoted == nil {
			names = append(names, name)
		}
	}
	text := fmt.Sprintf("%v", err.BadValue)
	if got, ok := err.BadValue.(string); ok {
		text = quote(got)
		return fmt.Sprintf("%s is not one of %s%s", text, strings.Join(names, ", "), didYouMean(got, names))
	}
	return fmt.Sprintf("%s is not one of %s", text, strings.Join(names, ", "))
}

// fieldsAt lists the fields that the schema knows at a place of the object.
func (e *customExplainer) fieldsAt(steps []string) []string {
	s := e.schema
	for _, step := range steps {
		switch {
		case s == nil:
			return nil
		case s.Items != nil:
			s = s.Items
		case s.AdditionalProperties != nil:
			s = s.AdditionalProperties.Structural
		default:
			child, ok := s.Properties[step]
			if !ok {
				return nil
			}
			s = &child
		}
	}
	if s == nil {
		return nil
	}
	return slices.Collect(maps.Keys(s.Properties))
}

// stepsTo reads the path of a Kubernetes error: spec.rules[0].host, metadata.labels[example.com/owner]. Names are not
// quoted in it, so the object decides where one ends: the longest that it has is meant.
func stepsTo(root any, path string) []string {
	var steps []string
	at := root
	for path = strings.TrimPrefix(path, "."); path != ""; path = strings.TrimPrefix(path, ".") {
		var step string
		step, path = nextStep(at, path)
		steps = append(steps, step)
		switch value := at.(type) {
		case map[string]any:
			at = value[step]
		case []any:
			at = nil
			if i, err := strconv.Atoi(step); err == nil && i >= 0 && i < len(value) {
				at = value[i]
			}
		default:
			at = nil
		}
	}
	return steps
}

func nextStep(at any, path string) (step, rest string) {
	fields, _ := at.(map[string]any)
	if path[0] == '[' {
		for end := 1; end < len(path); end++ {
			if path[end] == ']' {
				if _, known := fields[path[1:end]]; known || fields == nil || !strings.Contains(path[end+1:], "]") {
					return path[1:end], path[end+1:]
				}
			}
		}
		if inside, after, ok := strings.Cut(path[1:], "]"); ok {
			return inside, after
		}
		return path[1:], ""
	}
	longest := ""
	for name := range fields {
		if after, ok := strings.CutPrefix(path, name); ok && len(name) > len(longest) && (after == "" || after[0] == '.' || after[0] == '[') {
			longest = name
		}
	}
	if longest != "" {
		return longest, path[len(longest):]
	}
	if end := strings.IndexAny(path, ".["); end > 0 {
		return path[:end], path[end:]
	}
	return path, ""
}
