package schema

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// problem is one field of an object that its schema refuses.
type problem struct {
	path    string // "" for the object itself
	message string // with the path
}

// maxProblems bounds how many problems of one object are told one by one.
const maxProblems = 100

// problems validates an object and gives what is wrong with it, one problem a field, sorted by path.
func problems(schema *jsonschema.Schema, value map[string]any) []problem {
	err := schema.Validate(value)
	if err == nil {
		return nil
	}
	var invalid *jsonschema.ValidationError
	if !errors.As(err, &invalid) {
		return []problem{{message: err.Error()}}
	}
	e := explainer{root: schema, value: value, secret: value["kind"] == "Secret", printer: message.NewPrinter(language.English)}
	e.collect(invalid)
	leaves := slices.DeleteFunc(e.leaves, func(l leaf) bool { return l.path == "sops" && isEncrypted(value) })
	slices.SortFunc(leaves, func(a, b leaf) int {
		return cmp.Or(strings.Compare(a.path, b.path), strings.Compare(fmt.Sprintf("%T", a.kind), fmt.Sprintf("%T", b.kind)))
	})
	var found []problem
	for _, l := range leaves[:min(len(leaves), maxProblems)] {
		text := e.explain(l)
		if l.path != "" {
			text = l.path + ": " + text
		}
		found = append(found, problem{l.path, text})
	}
	if more := len(leaves) - len(found); more > 0 {
		found = append(found, problem{message: fmt.Sprintf("this object has %d more fields that are wrong", more)})
	}
	return found
}

// isEncrypted reports whether SOPS encrypted an object. The field "sops" that it adds goes when Flux, or who else holds
// the key, decrypts the object before it is applied, so it is no mistake.
func isEncrypted(value map[string]any) bool {
	sops, _ := value["sops"].(map[string]any)
	mac, _ := sops["mac"].(string)
	return strings.HasPrefix(mac, "ENC[")
}

// leaf is one error about one field.
type leaf struct {
	at   []string // the object that has the field, or lacks it; the field itself for an error about its value
	path string   // of the field
	name string   // of an unknown field
	kind jsonschema.ErrorKind
}

// explainer puts the errors of the schema library in plain words.
type explainer struct {
	root    *jsonschema.Schema
	value   map[string]any
	secret  bool // values must not be shown
	printer *message.Printer
	leaves  []leaf
}

// collect walks the tree of an error down to what is wrong with single fields.
func (e *explainer) collect(err *jsonschema.ValidationError) {
	at := err.InstanceLocation
	add := func(name string, steps ...string) {
		path := fieldPath(e.value, slices.Concat(at, steps))
		e.leaves = append(e.leaves, leaf{at, path, name, err.ErrorKind})
	}
	switch k := err.ErrorKind.(type) {
	case *kind.AdditionalProperties:
		for _, name := range k.Properties {
			add(name, name)
		}
	case *kind.Required:
		for _, name := range k.Missing {
			add(name, name)
		}
	default:
		if len(err.Causes) == 0 {
			add("")
		}
		for _, cause := range err.Causes {
			e.collect(cause)
		}
	}
}

func (e *explainer) explain(l leaf) string {
	switch k := l.kind.(type) {
	case *kind.AdditionalProperties:
		return "unknown field" + didYouMean(l.name, propertiesAt(e.root, l.at))
	case *kind.Required:
		return "this field is required and missing"
	case *kind.Type:
		return wrongType(k)
	case *kind.Enum:
		return e.wrongValue(k)
	case *kind.Format:
		return fmt.Sprintf("%s is not a valid %s%s", e.quote(k.Got), k.Want, formatHint(k.Want))
	default:
		return k.LocalizedString(e.printer)
	}
}

func wrongType(k *kind.Type) string {
	want := slices.DeleteFunc(slices.Clone(k.Want), func(name string) bool { return name == "null" })
	hint := ""
	switch {
	case slices.Contains(want, "string") && (k.Got == "number" || k.Got == "boolean"):
		hint = "; put the value in quotes"
	case k.Got == "null":
		hint = "; the field is required"
	}
	return fmt.Sprintf("expected %s, got %s%s", strings.Join(want, " or "), k.Got, hint)
}

func (e *explainer) wrongValue(k *kind.Enum) string {
	var names []string
	for _, value := range k.Want {
		if name, ok := value.(string); ok && name != "" {
			names = append(names, name)
		}
	}
	hint := ""
	if got, ok := k.Got.(string); ok && !e.secret {
		hint = didYouMean(got, names)
	}
	return fmt.Sprintf("%s is not one of %s%s", e.quote(k.Got), strings.Join(names, ", "), hint)
}

// maxQuote is how much of a value a message shows, in characters.
const maxQuote = 64

// quote shows a string. What a Secret holds is never shown.
func (e *explainer) quote(value any) string {
	text, ok := value.(string)
	if !ok || e.secret {
		return "the value"
	}
	return quote(text)
}

// quote shows a text, as far as a message has room.
func quote(text string) string {
	if runes := []rune(text); len(runes) > maxQuote {
		text = string(runes[:maxQuote]) + "…"
	}
	return fmt.Sprintf("%q", text)
}

func formatHint(format string) string {
	switch format {
	case "date-time":
		return ", such as 2006-01-02T15:04:05Z"
	case formatQuantity:
		return ", such as 500m, 2 or 128Mi"
	default:
		return ""
	}
}

// propertiesAt lists the fields that the schema knows at a place of the object.
func propertiesAt(schema *jsonschema.Schema, at []string) []string {
	for _, step := range at {
		schema = resolve(schema)
		switch {
		case schema == nil:
			return nil
		case schema.Properties[step] != nil:
			schema = schema.Properties[step]
		default:
			next, ok := schema.Items.(*jsonschema.Schema)
			if !ok {
				next, _ = schema.AdditionalProperties.(*jsonschema.Schema)
			}
			schema = next
		}
	}
	if schema = resolve(schema); schema == nil {
		return nil
	}
	return slices.Collect(maps.Keys(schema.Properties))
}

// resolve follows references to the schema that they mean.
func resolve(schema *jsonschema.Schema) *jsonschema.Schema {
	for schema != nil && schema.Ref != nil {
		schema = schema.Ref
	}
	return schema
}
