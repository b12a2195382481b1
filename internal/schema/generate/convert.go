package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// version is what one Kubernetes release serves.
type version struct {
	release     string // "v1.37.1"
	definitions map[string]definition
}

// definition is one type of the Kubernetes API, as a JSON schema.
type definition struct {
	kind string // "apps/v1 Deployment" where the type is a kind of its own, else ""
	json string // compact, keys sorted
}

// swagger is the part of an OpenAPI v2 schema object that Kubernetes uses and validation needs.
type swagger struct {
	Ref                  string              `json:"$ref"`
	Type                 string              `json:"type"`
	Format               string              `json:"format"`
	Required             []string            `json:"required"`
	Properties           map[string]*swagger `json:"properties"`
	Items                *swagger            `json:"items"`
	AdditionalProperties *swagger            `json:"additionalProperties"`
	GroupVersionKinds    []groupVersionKind  `json:"x-kubernetes-group-version-kind"`
}

type groupVersionKind struct{ Group, Version, Kind string }

func (g groupVersionKind) apiVersion() string {
	if g.Group == "" {
		return g.Version
	}
	return g.Group + "/" + g.Version
}

// schema is a JSON schema of draft 4.
type schema struct {
	Ref                  string             `json:"$ref,omitempty"`
	Type                 any                `json:"type,omitempty"` // string or []string
	Format               string             `json:"format,omitempty"`
	Enum                 []any              `json:"enum,omitempty"`
	Required             []string           `json:"required,omitempty"`
	Properties           map[string]*schema `json:"properties,omitempty"`
	Items                *schema            `json:"items,omitempty"`
	AdditionalProperties any                `json:"additionalProperties,omitempty"` // false or *schema
}

const (
	intOrString = "io.k8s.apimachinery.pkg.util.intstr.IntOrString"
	quantity    = "io.k8s.apimachinery.pkg.api.resource.Quantity"
)

// readVersion converts the schemas of the module in dir.
func readVersion(release, dir string) (version, error) {
	data, err := os.ReadFile(filepath.Join(dir, "api", "openapi-spec", "swagger.json"))
	if err != nil {
		return version{}, err
	}
	var spec struct {
		Definitions map[string]*swagger `json:"definitions"`
	}
	if err := json.Unmarshal(data, &spec); err != nil {
		return version{}, fmt.Errorf("swagger.json: %w", err)
	}
	enums, err := readEnums(filepath.Join(dir, "pkg", "generated", "openapi", "zz_generated.openapi.go"))
	if err != nil {
		return version{}, err
	}
	v := version{release: release, definitions: make(map[string]definition)}
	for name, def := range spec.Definitions {
		converted := convert(def, true)
		addEnums(converted, enums[name])
		kind := identify(def, converted)
		text, err := json.Marshal(converted)
		if err != nil {
			return version{}, fmt.Errorf("%s: %w", name, err)
		}
		v.definitions[name] = definition{kind: kind, json: string(text)}
	}
	return v, nil
}

// convert turns an OpenAPI schema into the strict JSON schema by which kubeconform validates. The rules are those of
// openapi2jsonschema (--kubernetes --expanded --stand-alone --strict), which makes the schemas that kubeconform
// downloads by default:
//
//   - an object with listed properties admits no others;
//   - what is not required may be null (required says of a property whether it is);
//   - an int-or-string is an integer or a string, a quantity a number or a string (of a format that is ours: package schema knows
//     it, kubeconform passes over it).
//
// One difference: openapi2jsonschema writes int-or-string and quantity as oneOf of two nullable types, which refuses null
// where it means to allow it; here they are a list of types.
func convert(in *swagger, required bool) *schema {
	out := &schema{Required: in.Required}
	if name, ok := strings.CutPrefix(in.Ref, "#/definitions/"); ok {
		switch {
		case name == intOrString:
			out.Type = types(required, "integer", "string")
		case name == quantity:
			out.Type, out.Format = types(required, "number", "string"), "quantity"
		case required:
			out.Ref = "/definition/" + name
		default:
			out.Ref = "/nullable/" + name
		}
		return out
	}
	if in.Type != "" {
		out.Type = types(required, in.Type)
	}
	switch in.Format {
	case "int-or-string":
		out.Type = types(required, "integer", "string")
	default:
		out.Format = in.Format
	}
	if in.Items != nil {
		out.Items = convert(in.Items, false)
	}
	if in.AdditionalProperties != nil {
		out.AdditionalProperties = convert(in.AdditionalProperties, false)
	}
	for name, property := range in.Properties {
		if out.Properties == nil {
			out.Properties = make(map[string]*schema)
		}
		out.Properties[name] = convert(property, slices.Contains(in.Required, name))
	}
	if out.Properties != nil && out.AdditionalProperties == nil {
		out.AdditionalProperties = false
	}
	return out
}

// types is the JSON schema type of a field; one that is not required may be null.
func types(required bool, names ...string) any {
	if !required {
		names = append(names, "null")
	}
	if len(names) == 1 {
		return names[0]
	}
	return names
}

// identify gives the "apiVersion kind" that a type describes and binds the two fields to it. Types of several
// (DeleteOptions, WatchEvent) are no objects that a manifest holds.
func identify(in *swagger, out *schema) string {
	if len(in.GroupVersionKinds) != 1 || out.Properties["kind"] == nil || out.Properties["apiVersion"] == nil {
		return ""
	}
	gvk := in.GroupVersionKinds[0]
	out.Properties["apiVersion"].Enum = []any{gvk.apiVersion()}
	out.Properties["kind"].Enum = []any{gvk.Kind}
	return gvk.apiVersion() + " " + gvk.Kind
}
