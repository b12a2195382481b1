package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
)

// jsonSchema is a schema of JSON Schema 2020-12, as far as the configuration needs it.
type jsonSchema struct {
	Schema               string                 `json:"$schema,omitempty"`
	Title                string                 `json:"title,omitempty"`
	Description          string                 `json:"description,omitempty"`
	Type                 any                    `json:"type,omitempty"` // a name, or several
	Enum                 []string               `json:"enum,omitempty"`
	Pattern              string                 `json:"pattern,omitempty"`
	Minimum              *int                   `json:"minimum,omitempty"`
	Maximum              *int                   `json:"maximum,omitempty"`
	Default              any                    `json:"default,omitempty"`
	Properties           map[string]*jsonSchema `json:"properties,omitempty"`
	Required             []string               `json:"required,omitempty"`
	PropertyNames        *jsonSchema            `json:"propertyNames,omitempty"`
	AdditionalProperties any                    `json:"additionalProperties,omitempty"` // false or a schema
	Items                *jsonSchema            `json:"items,omitempty"`
	MinItems             int                    `json:"minItems,omitempty"`
	AnyOf                []*jsonSchema          `json:"anyOf,omitempty"`
}

// JSONSchema gives the JSON Schema of .sluice.yaml, for editors, generated from the types that the parser decodes
// into. It accepts what [Parse] accepts, and more: it knows no relation between two values (see the tests for the
// list). It ends in a newline.
func JSONSchema() []byte {
	root := schemaOf(reflect.ValueOf(*Default()))
	root.Schema = "https://json-schema.org/draft/2020-12/schema"
	root.Title = "Configuration of sluice: " + FileName
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(root); err != nil {
		panic(fmt.Sprintf("encode the schema of the configuration's own types: %v", err)) // no input leads here
	}
	return b.Bytes()
}

// schemaOf gives the schema of a value's type. The value holds the defaults.
func schemaOf(v reflect.Value) *jsonSchema {
	switch t := v.Type(); t.Kind() {
	case reflect.Struct:
		if isScalar(t) {
			return scalarSchema(t)
		}
		return structSchema(v)
	case reflect.Map:
		s := &jsonSchema{Type: orNull("object"), PropertyNames: schemaOf(reflect.Zero(t.Key()))}
		s.AdditionalProperties = schemaOf(reflect.Zero(t.Elem()))
		return s
	case reflect.Slice:
		return sliceSchema(t)
	default:
		return scalarSchema(t)
	}
}

// orNull allows a key without a value, as one that is about to be written has.
func orNull(name string) []string { return []string{name, "null"} }

func structSchema(v reflect.Value) *jsonSchema {
	s := &jsonSchema{Type: "object", Properties: make(map[string]*jsonSchema), AdditionalProperties: false}
	if !hasRequired(v.Type()) {
		s.Type = orNull("object")
	}
	for _, f := range fieldsOf(v.Type()) {
		value := v.Field(f.index)
		property := schemaOf(value)
		property.Description = f.doc
		property.Minimum, property.Maximum = f.min, f.max
		if value.Kind() != reflect.Struct && !value.IsZero() {
			property.Default = defaultOf(value)
		}
		s.Properties[f.key] = property
		if f.required {
			s.Required = append(s.Required, f.key)
		}
	}
	if alone, ok := v.Interface().(shortened); ok {
		return &jsonSchema{AnyOf: []*jsonSchema{{Type: "string", Enum: s.Properties[alone.short()].Enum}, s}}
	}
	return s
}

func sliceSchema(t reflect.Type) *jsonSchema {
	list := &jsonSchema{Type: orNull("array"), Items: schemaOf(reflect.Zero(t.Elem()))}
	if t != reflect.TypeFor[Stage]() {
		return list
	}
	list.Type, list.MinItems = "array", 1
	return &jsonSchema{AnyOf: []*jsonSchema{list.Items, list}}
}

func scalarSchema(t reflect.Type) *jsonSchema {
	switch t {
	case reflect.TypeFor[int]():
		return &jsonSchema{Type: "integer"}
	case reflect.TypeFor[bool]():
		return &jsonSchema{Type: "boolean"}
	}
	s := reflect.Zero(t).Interface().(shaped).shape()
	return &jsonSchema{Type: "string", Enum: s.enum, Pattern: s.pattern}
}

// defaultOf gives a default as the file would say it.
func defaultOf(v reflect.Value) any {
	if text, ok := v.Interface().(fmt.Stringer); ok {
		return text.String()
	}
	return v.Interface()
}
