package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/sluice-dev/sluice/internal/manifest"
)

// TestRegenerate makes the store and the document anew and compares them with the committed ones, where the modules are in the
// module cache. It never downloads them.
func TestRegenerate(t *testing.T) {
	t.Parallel()
	all, err := collect(append(os.Environ(), "GOPROXY=off"))
	if err != nil {
		t.Skipf("skipped: not every module is in the module cache (go generate ./internal/schema fetches them): %v", err)
	}
	store, err := write(all)
	if err != nil {
		t.Fatal(err)
	}
	for file, got := range map[string][]byte{
		filepath.Join("..", "..", "crds.zst"):                    store,
		filepath.Join("..", "..", "..", "..", "docs", "crds.md"): document(all),
	} {
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is not what go generate makes: %d bytes, made anew %d", file, len(want), len(got))
		}
	}
}

// TestWithoutProse keeps the fields that are named like the prose that is removed.
func TestWithoutProse(t *testing.T) {
	t.Parallel()
	objects, problems := manifest.Parse("crd.yaml", []byte(`apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: a}
spec:
  group: example.com
  names: {kind: A, plural: as, shortNames: [a]}
  scope: Namespaced
  versions:
  - name: v1
    served: true
    storage: true
    additionalPrinterColumns: [{name: a, type: string, jsonPath: .a}]
    schema:
      openAPIV3Schema:
        type: object
        description: prose
        properties:
          description: {type: string, description: prose}
          list: {type: array, items: {type: object, title: prose, properties: {example: {type: string, example: prose}}}}
          map: {type: object, additionalProperties: {type: string, description: prose}}
`))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	d, err := parse(objects[0])
	if err != nil {
		t.Fatal(err)
	}
	text, err := write([]project{{source{name: "a", version: "v1"}, []definition{d}}})
	if err != nil {
		t.Fatal(err)
	}
	schema := d.Spec.Versions[0].Schema.OpenAPIV3Schema
	if _, kept := schema.Properties["description"]; !kept || len(text) == 0 {
		t.Error("the field description is gone")
	}
	for name, got := range map[string]string{
		"the schema": schema.Description, "a field": schema.Properties["description"].Description,
		"an item": schema.Properties["list"].Items.Schema.Title, "a value": schema.Properties["map"].AdditionalProperties.Schema.Description,
	} {
		if got != "" {
			t.Errorf("%s still has its prose %q", name, got)
		}
	}
	if schema.Properties["list"].Items.Schema.Properties["example"].Example != nil {
		t.Error("an item's field still has its example")
	}
}
