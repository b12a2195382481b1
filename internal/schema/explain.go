package schema

import (
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
	e := explainer{root: schema, value: value, secret: value["kind"] == "Secret", encrypted: isEncrypted(value), printer: message.NewPrinter(language.English)}
	e.explain(invalid)
	if len(e.found) == 0 && !e.tolerated { // an error is never silent
		e.add(nil, "%s", invalid.Error())
	}
	slices.SortStableFunc(e.found, func(a, b problem) int {
		return strings.Compare(a.path+"\x00"+a.message, b.path+"\x00"+b.message)
	})
	return e.found
}

// isEncrypted reports whether SOPS encrypted an object. The field "sops" that it adds goes when Flux, or who else holds
// the key, decrypts the object before it is applied, so it is no mistake.
func isEncrypted(value map[string]any) bool {
	sops, _ := value["sops"].(map[string]any)
	mac, _ := sops["mac"].(string)
	return strings.HasPrefix(mac, "ENC[")
}

// explainer puts the errors of the schema library in plain words.
type explainer struct {
	root      *jsonschema.Schema
	value     map[string]any
	secret    bool // values must not be shown
	encrypted bool // by SOPS
	tolerated bool // an error was passed over on purpose
	printer   *message.Printer
	found     []problem
}

func (e *explainer) add(at []string, format string, args ...any) {
	p := problem{path: fieldPath(e.value, at), message: fmt.Sprintf(format, args...)}
	if p.path != "" {
		p.message = p.path + ": " + p.message
	}
	e.found = append(e.found, p)
}

// explain walks the tree of an error down to what is wrong with single fields.
func (e *explainer) explain(err *jsonschema.ValidationError) {
	at := err.InstanceLocation
	switch k := err.ErrorKind.(type) {
	case *kind.Type:
		e.wrongType(at, k)
	case *kind.AdditionalProperties:
		known := propertiesAt(e.root, at)
		for _, name := range k.Properties {
			if e.encrypted && len(at) == 0 && name == "sops" {
				e.tolerated = true
				continue
			}
			e.add(slices.Concat(at, []string{name}), "unknown field%s", didYouMean(name, known))
		}
	case *kind.Required:
		for _, name := range k.Missing {
			e.add(slices.Concat(at, []string{name}), "this field is required and missing")
		}
	case *kind.Enum:
		e.wrongValue(at, k)
	case *kind.Format:
		e.add(at, "%sis not a valid %s%s", e.quote(k.Got), k.Want, formatHint(k.Want))
	default:
		if len(err.Causes) == 0 {
			e.add(at, "%s", k.LocalizedString(e.printer))
		}
		for _, cause := range err.Causes {
			e.explain(cause)
		}
	}
}

func (e *explainer) wrongType(at []string, k *kind.Type) {
	want := slices.DeleteFunc(slices.Clone(k.Want), func(name string) bool { return name == "null" })
	hint := ""
	switch {
	case slices.Contains(want, "string") && (k.Got == "number" || k.Got == "boolean"):
		hint = "; put the value in quotes"
	case k.Got == "null":
		hint = "; the field is required"
	}
	e.add(at, "expected %s, got %s%s", strings.Join(want, " or "), k.Got, hint)
}

func (e *explainer) wrongValue(at []string, k *kind.Enum) {
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
	e.add(at, "%sis not one of %s%s", e.quote(k.Got), strings.Join(names, ", "), hint)
}

// maxQuote is how much of a value a message shows, in characters.
const maxQuote = 64

// quote shows a scalar with a space after it. What a Secret holds is never shown.
func (e *explainer) quote(value any) string {
	text, ok := value.(string)
	if !ok || e.secret {
		return "the value "
	}
	if runes := []rune(text); len(runes) > maxQuote {
		text = string(runes[:maxQuote]) + "…"
	}
	return fmt.Sprintf("%q ", text)
}

func formatHint(format string) string {
	if format == "date-time" {
		return ", such as 2006-01-02T15:04:05Z"
	}
	return ""
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
