package githubtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/vektah/gqlparser/v2/ast"
)

// checkInput says what is wrong with a variable, by its type. It is stricter than servers are: the words of an enumeration have
// their case, and an ID is no number.
func (g *graphCall) checkInput(of *ast.Type, value any, at string) error {
	def := g.schema.Types[of.NamedType]
	if value == nil || def == nil || def.Kind != ast.InputObject {
		return g.checkValue(of, value, at, g.checkInput)
	}
	fields, isObject := value.(obj)
	if !isObject {
		return fmt.Errorf("%s: %s, want %s", at, jsonType(value), def.Name)
	}
	for name := range fields {
		if def.Fields.ForName(name) == nil {
			return fmt.Errorf("%s: %s has no field %q", at, def.Name, name)
		}
	}
	for _, field := range def.Fields {
		value, given := fields[field.Name]
		if !given && (!field.Type.NonNull || field.DefaultValue != nil) {
			continue
		}
		if err := g.checkInput(field.Type, value, at+"."+field.Name); err != nil {
			return err
		}
	}
	return nil
}

// checkValue says what is wrong with a value of a scalar, an enumeration or a list of something, whose items each checks.
func (g *graphCall) checkValue(of *ast.Type, value any, at string, each func(*ast.Type, any, string) error) error {
	if value == nil {
		if of.NonNull {
			return fmt.Errorf("%s: null, want %s", at, of)
		}
		return nil
	}
	if of.Elem != nil {
		items, isList := value.([]any)
		if !isList {
			return fmt.Errorf("%s: %s, want %s", at, jsonType(value), of)
		}
		for i, item := range items {
			if err := each(of.Elem, item, fmt.Sprintf("%s[%d]", at, i)); err != nil {
				return err
			}
		}
		return nil
	}
	def := g.schema.Types[of.NamedType]
	if def.Kind == ast.Enum {
		word, isText := value.(string)
		if !isText || def.EnumValues.ForName(word) == nil {
			return fmt.Errorf("%s: %v is no %s", at, value, def.Name)
		}
		return nil
	}
	if !fits(def.Name, value) {
		return fmt.Errorf("%s: %s %.80v, want %s", at, jsonType(value), value, def.Name)
	}
	return nil
}

// fits reports whether a value is one of a scalar type. Those that GitHub adds are texts.
func fits(scalar string, value any) bool {
	switch scalar {
	case "Boolean":
		_, is := value.(bool)
		return is
	case "Int":
		n, is := value.(json.Number)
		_, err := n.Int64()
		return is && err == nil
	case "Float":
		_, is := value.(json.Number)
		return is
	}
	text, is := value.(string)
	switch scalar {
	case "DateTime":
		_, err := time.Parse(time.RFC3339, text)
		return is && err == nil
	case "GitObjectID":
		return is && (len(text) == 40 || len(text) == 64) && strings.Trim(text, "0123456789abcdef") == ""
	}
	return is
}

func jsonType(value any) string {
	switch value.(type) {
	case nil:
		return "null"
	case obj:
		return "object"
	case []any:
		return "list"
	case json.Number:
		return "number"
	case bool:
		return "boolean"
	}
	return "string"
}

// graphError is one of the errors of an answer. GitHub adds the type to what GraphQL knows.
type graphError struct {
	Type       string         `json:"type"`
	Message    string         `json:"message"`
	Path       []any          `json:"path"`
	Extensions map[string]any `json:"extensions"`
	Locations  []struct {
		Line   int `json:"line"`
		Column int `json:"column"`
	} `json:"locations"`
}

// checkGraphAnswer says what is wrong with an answer to an operation, which is nil where the request had no valid one: it has what was asked
// for and nothing else, of the type that the schema says, null only where it may be; and errors that say something.
func checkGraphAnswer(g *graphCall, body []byte) error {
	var answer struct {
		Data   json.RawMessage `json:"data"`
		Errors *[]graphError   `json:"errors"`
	}
	if err := unmarshalStrictly(body, &answer); err != nil {
		return err
	}
	var data any
	if answer.Data != nil {
		if err := unmarshalStrictly(answer.Data, &data); err != nil {
			return err
		}
	}
	switch {
	case answer.Errors != nil && len(*answer.Errors) == 0:
		return errors.New("errors: an empty list")
	case data == nil && answer.Errors == nil:
		return errors.New("neither data nor errors")
	case data != nil && g == nil:
		return errors.New("data, though no valid operation asked for it")
	}
	if data != nil {
		root := map[ast.Operation]*ast.Definition{ast.Query: g.schema.Query, ast.Mutation: g.schema.Mutation}[g.operation.Operation]
		if err := g.checkObject(root, g.operation.SelectionSet, data, "data"); err != nil {
			return err
		}
	}
	if answer.Errors == nil {
		return nil
	}
	for i, e := range *answer.Errors {
		switch {
		case e.Message == "":
			return fmt.Errorf("errors[%d]: no message", i)
		case len(e.Path) > 0 && !leadsToNull(data, e.Path):
			return fmt.Errorf("errors[%d]: what path %v leads to is not null", i, e.Path)
		}
	}
	return nil
}

func unmarshalStrictly(data []byte, into any) error {
	decoder := json.NewDecoder(strings.NewReader(string(data)))
	decoder.DisallowUnknownFields()
	decoder.UseNumber()
	return decoder.Decode(into)
}

// leadsToNull reports whether a path comes upon null: what fails is null, or what is around it.
func leadsToNull(data any, path []any) bool {
	for _, step := range path {
		switch in := data.(type) {
		case obj:
			name, _ := step.(string)
			data = in[name]
		case []any:
			n, _ := step.(json.Number)
			i, err := n.Int64()
			if err != nil || i < 0 || i >= int64(len(in)) {
				return false
			}
			data = in[i]
		}
	}
	return data == nil
}

func (g *graphCall) checkObject(def *ast.Definition, set ast.SelectionSet, value any, at string) error {
	fields, isObject := value.(obj)
	if !isObject {
		return fmt.Errorf("%s: %s, want %s", at, jsonType(value), def.Name)
	}
	selected, err := g.fields(set)
	if err != nil {
		return err
	}
	asked := make(map[string]bool)
	for _, field := range selected {
		asked[field.Alias] = true
		got, has := fields[field.Alias]
		if !has {
			return fmt.Errorf("%s: %s is missing", at, field.Alias)
		}
		if err := g.checkField(field, field.Definition.Type, got, at+"."+field.Alias); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if !asked[name] {
			return fmt.Errorf("%s: %s was not asked for", at, name)
		}
	}
	return nil
}

func (g *graphCall) checkField(field *ast.Field, of *ast.Type, value any, at string) error {
	if def := g.schema.Types[of.NamedType]; value != nil && def != nil && def.IsCompositeType() {
		return g.checkObject(def, field.SelectionSet, value, at)
	}
	return g.checkValue(of, value, at, func(elem *ast.Type, item any, at string) error { return g.checkField(field, elem, item, at) })
}
