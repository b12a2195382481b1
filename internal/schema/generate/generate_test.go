package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestRegenerate makes the store anew and compares it with the committed one, where the Kubernetes modules are in the
// module cache. It never downloads them.
func TestRegenerate(t *testing.T) {
	t.Parallel()
	got, err := generate(append(os.Environ(), "GOPROXY=off"))
	if err != nil {
		t.Skipf("skipped: not every k8s.io/kubernetes release is in the module cache (go generate ./internal/schema fetches them): %v", err)
	}
	want, err := os.ReadFile(filepath.Join("..", "kubernetes.zst"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("kubernetes.zst is not what go generate makes: %d bytes, made anew %d", len(want), len(got))
	}
}

func TestConvert(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ in, want string }{
		"listed properties admit no others": {
			`{"type":"object","properties":{"a":{"type":"string","description":"…"}}}`,
			`{"type":"object","properties":{"a":{"type":["string","null"]}},"additionalProperties":false}`},
		"free form stays free": {
			`{"type":"object"}`,
			`{"type":"object"}`},
		"a map stays a map": {
			`{"type":"object","properties":{"m":{"type":"object","additionalProperties":{"type":"string"}}}}`,
			`{"type":"object","properties":{"m":{"type":["object","null"],"additionalProperties":{"type":["string","null"]}}},"additionalProperties":false}`},
		"what is required may not be null": {
			`{"type":"object","required":["a","b"],"properties":{"a":{"type":"array","items":{"type":"integer"}},"b":{"$ref":"#/definitions/x.B"},"c":{"$ref":"#/definitions/x.B"}}}`,
			`{"type":"object","required":["a","b"],"properties":{"a":{"type":"array","items":{"type":["integer","null"]}},"b":{"$ref":"/definition/x.B"},"c":{"$ref":"/nullable/x.B"}},"additionalProperties":false}`},
		"int-or-string and quantity": {
			`{"type":"object","required":["a"],"properties":{"a":{"$ref":"#/definitions/io.k8s.apimachinery.pkg.util.intstr.IntOrString"},"b":{"$ref":"#/definitions/io.k8s.apimachinery.pkg.api.resource.Quantity"}}}`,
			`{"type":"object","required":["a"],"properties":{"a":{"type":["integer","string"]},"b":{"type":["number","string","null"],"format":"quantity"}},"additionalProperties":false}`},
		"a property named $ref": {
			`{"type":"object","properties":{"$ref":{"type":"string"}}}`,
			`{"type":"object","properties":{"$ref":{"type":["string","null"]}},"additionalProperties":false}`},
		"formats stay": {
			`{"type":"string","format":"date-time"}`,
			`{"type":"string","format":"date-time"}`},
		"anything": {`{"description":"…"}`, `{}`},
	} {
		var in swagger
		if err := json.Unmarshal([]byte(test.in), &in); err != nil {
			t.Fatal(err)
		}
		got, err := json.Marshal(convert(&in, true))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(decode(t, test.want), decode(t, string(got))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func decode(t *testing.T, text string) (value any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		t.Fatal(err)
	}
	return value
}

func TestIdentify(t *testing.T) {
	t.Parallel()
	object := func(kinds ...groupVersionKind) *swagger {
		field := &swagger{Type: "string"}
		return &swagger{Type: "object", Properties: map[string]*swagger{"kind": field, "apiVersion": field}, GroupVersionKinds: kinds}
	}
	one := object(groupVersionKind{"apps", "v1", "Deployment"})
	converted := convert(one, true)
	if got := identify(one, converted); got != "apps/v1 Deployment" {
		t.Errorf("got %q", got)
	}
	if got := converted.Properties["apiVersion"].Enum; !cmp.Equal(got, []any{"apps/v1"}) {
		t.Errorf("apiVersion is one of %v", got)
	}
	core := object(groupVersionKind{"", "v1", "Pod"})
	if got := identify(core, convert(core, true)); got != "v1 Pod" {
		t.Errorf("got %q", got)
	}
	several := object(groupVersionKind{"", "v1", "DeleteOptions"}, groupVersionKind{"apps", "v1", "DeleteOptions"})
	if got := identify(several, convert(several, true)); got != "" {
		t.Errorf("DeleteOptions is %q", got)
	}
	part := &swagger{Type: "object", Properties: map[string]*swagger{"name": {Type: "string"}}}
	if got := identify(part, convert(part, true)); got != "" {
		t.Errorf("a part of an object is %q", got)
	}
}

const generatedCode = `package openapi

func schema_k8sio_api_core_v1_Container(ref common.ReferenceCallback) common.OpenAPIDefinition {
	return common.OpenAPIDefinition{Schema: spec.Schema{SchemaProps: spec.SchemaProps{
		Type: []string{"object"},
		Properties: map[string]spec.Schema{
			"name":            {SchemaProps: spec.SchemaProps{Type: []string{"string"}}},
			"imagePullPolicy": {SchemaProps: spec.SchemaProps{Type: []string{"string"}, Enum: []interface{}{"Always", "Never"}}},
			"operator":        {SchemaProps: spec.SchemaProps{Type: []string{"string"}, Enum: []interface{}{"In", "In"}}},
			"modes": {SchemaProps: spec.SchemaProps{Type: []string{"array"}, Items: &spec.SchemaOrArray{Schema: &spec.Schema{
				SchemaProps: spec.SchemaProps{Type: []string{"string"}, Enum: []interface{}{"A", "B"}}}}}},
		},
	}}}
}

func schema_other(ref common.ReferenceCallback) common.OpenAPIDefinition { return common.OpenAPIDefinition{} }
`

func TestEnums(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "zz_generated.openapi.go")
	if err := os.WriteFile(file, []byte(generatedCode), 0o644); err != nil {
		t.Fatal(err)
	}
	enums, err := readEnums(file)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]map[string]enumeration{"io.k8s.api.core.v1.Container": {
		"imagePullPolicy": {values: []string{"Always", "Never"}},
		"operator":        {values: []string{"In", "In"}},
		"modes":           {items: true, values: []string{"A", "B"}},
	}}
	if diff := cmp.Diff(want, enums, cmp.AllowUnexported(enumeration{})); diff != "" {
		t.Fatal(diff)
	}

	text := &swagger{Type: "string"}
	container := convert(&swagger{Type: "object", Required: []string{"operator"}, Properties: map[string]*swagger{
		"name": text, "imagePullPolicy": text, "operator": text, "modes": {Type: "array", Items: text},
	}}, true)
	addEnums(container, enums["io.k8s.api.core.v1.Container"])
	for name, want := range map[string][]any{
		"name":            nil,
		"imagePullPolicy": {"", "Always", "Never", nil}, // not set, to the API server
		"operator":        {"In"},
	} {
		if diff := cmp.Diff(want, container.Properties[name].Enum); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if diff := cmp.Diff([]any{"A", "B"}, container.Properties["modes"].Items.Enum); diff != "" {
		t.Errorf("modes (-want +got):\n%s", diff)
	}

	if err := os.WriteFile(file, []byte("package openapi\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := readEnums(file); err == nil {
		t.Error("code without any enumeration gave no error: a change of its form would go unnoticed")
	}
}
