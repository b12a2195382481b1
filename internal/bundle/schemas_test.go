package bundle

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/yannh/kubeconform/pkg/resource"
	"github.com/yannh/kubeconform/pkg/validator"

	"github.com/sluice-dev/sluice/internal/config"
	"github.com/sluice-dev/sluice/internal/manifest"
	"github.com/sluice-dev/sluice/internal/schema"
)

// widget is a schema as openapi2jsonschema writes it from a CustomResourceDefinition.
const widget = `{"type": "object", "required": ["spec"], "additionalProperties": false, "properties": {
	"apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": {"type": "object"},
	"spec": {"type": "object", "additionalProperties": false, "properties": {"size": {"type": "integer"}, "wait": {"type": "string", "format": "duration"}}}}}`

func loadSchemas(t *testing.T, repo fstest.MapFS, locations ...string) *Schemas {
	t.Helper()
	cfg, problems := config.Parse(config.FileName, []byte(`validation: {schemas: ["`+strings.Join(locations, `", "`)+`"]}`))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	s, problems, err := LoadSchemas(repo, cfg)
	if err != nil || len(problems) > 0 {
		t.Fatal(problems, err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func object(t *testing.T, text string) *manifest.Object {
	t.Helper()
	objects, problems := manifest.Parse("o.yaml", []byte(text))
	if len(problems) > 0 || len(objects) != 1 {
		t.Fatal(problems)
	}
	return objects[0]
}

const (
	goodWidget = "apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: a}\nspec: {size: 3, wait: 1h30m}\n"
	badWidget  = "apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: a}\nspec: {size: three, sise: 3, wait: soon}\n"
)

func TestSchemas(t *testing.T) {
	t.Parallel()
	repo := fstest.MapFS{
		"schemas/example.com/widget_v1.json":                             {Data: []byte(widget)},
		"schemas/example.com/broken_v1.json":                             {Data: []byte(`{"type": "strin", "pattern": "("}`)},
		"schemas/example.com/nil_v1.json":                                {Data: []byte(`null`)},
		"schemas/example.com/text_v1.json":                               {Data: []byte(`<html>404</html>`)},
		"schemas/example.com/remote_v1.json":                             {Data: []byte(`{"properties": {"spec": {"$ref": "https://example.com/spec.json"}}}`)},
		"schemas/example.com/file_v1.json":                               {Data: []byte(`{"$ref": "file:///etc/passwd"}`)},
		"schemas/example.com/beside_v1.json":                             {Data: []byte(`{"id": "https://example.com/a.json", "$ref": "b.json"}`)},
		"kubeconform/v1.37.0-standalone-strict/gadget-example-v1.json":   {Data: []byte(strings.ReplaceAll(widget, "size", "weight"))},
		"kubeconform/v1.37.0-standalone-strict/unreachable-secrets.json": {Data: []byte(`{}`)},
	}
	s := loadSchemas(t, repo, "schemas/{{.Group}}/{{ .ResourceKind }}_{{.ResourceAPIVersion}}.json", "kubeconform")
	of := func(kind string) string {
		return "apiVersion: example.com/v1\nkind: " + kind + "\nmetadata: {name: a}\nspec: {}\n"
	}
	for _, test := range []struct {
		text string
		want schema.Judgement
	}{
		{goodWidget, schema.Judgement{Source: "schemas/example.com/widget_v1.json"}},
		{badWidget, schema.Judgement{Source: "schemas/example.com/widget_v1.json", Problems: []schema.Problem{
			{Path: "spec.sise", Message: "spec.sise: unknown field, did you mean size"},
			{Path: "spec.size", Message: "spec.size: expected integer, got string"},
			{Path: "spec.wait", Message: `spec.wait: "soon" is not a valid duration`},
		}}},
		{of("Gadget"), schema.Judgement{Source: "kubeconform/v1.37.0-standalone-strict/gadget-example-v1.json"}},
		{of("Unknown"), schema.Judgement{}},
		{of("Broken"), schema.Judgement{Source: "schemas/example.com/broken_v1.json", Unusable: "jsonschema validation failed"}},
		{of("Nil"), schema.Judgement{Source: "schemas/example.com/nil_v1.json", Unusable: "it is not a JSON object"}},
		{of("Text"), schema.Judgement{Source: "schemas/example.com/text_v1.json", Unusable: "it is not JSON"}},
		{of("Remote"), schema.Judgement{Source: "schemas/example.com/remote_v1.json", Unusable: "refers to https://example.com/spec.json"}},
		{of("File"), schema.Judgement{Source: "schemas/example.com/file_v1.json", Unusable: "refers to file:///etc/passwd"}},
		{of("Beside"), schema.Judgement{Source: "schemas/example.com/beside_v1.json", Unusable: "it refers to file:///b.json"}},
		{of(`"../../../secret"`), schema.Judgement{}},
		{of(`"{{ .Group }}"`), schema.Judgement{}},
	} {
		got := s.Validate("1.37", object(t, test.text))
		if strings.Contains(got.Unusable, test.want.Unusable) && test.want.Unusable != "" {
			got.Unusable = test.want.Unusable // its end is the library's
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.text, diff)
		}
	}
}

// TestSchemasAreKubeconforms holds the template's placeholders and the verdicts against kubeconform reading the same directory.
func TestSchemasAreKubeconforms(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	repo := fstest.MapFS{}
	for _, name := range []string{"a/example.com/widget_v1.json", "b/v1.37.0-standalone-strict/widget-example-v1.json", "c/widget-example-v1-strict.json"} {
		repo[name] = &fstest.MapFile{Data: []byte(widget)}
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(widget), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, location := range []string{"a/{{.Group}}/{{.ResourceKind}}_{{.ResourceAPIVersion}}.json", "b", "c/{{.ResourceKind}}{{.KindSuffix}}{{.StrictSuffix}}.json"} {
		reference, err := validator.New([]string{filepath.Join(dir, location)}, validator.Opts{Strict: true, KubernetesVersion: "1.37.0"})
		if err != nil {
			t.Fatal(err)
		}
		s := loadSchemas(t, repo, location)
		for _, text := range []string{goodWidget, badWidget, "apiVersion: v1\nkind: Widget\nmetadata: {name: a}\n"} {
			want := reference.ValidateResource(resource.Resource{Bytes: []byte(text)})
			got := s.Validate("1.37", object(t, text))
			if (want.Status == validator.Valid) != (got.Source != "" && len(got.Problems) == 0) || (want.Status == validator.Invalid) != (len(got.Problems) > 0) {
				t.Errorf("%s: kubeconform says %d (%v), we say %+v of:\n%s", location, want.Status, want.Err, got, text)
			}
		}
	}
}

func TestSchemaLocations(t *testing.T) {
	t.Parallel()
	cfg, _ := config.Parse(config.FileName, []byte("validation:\n  schemas: [none, 'schemas/{{.Kind}}.json', schemas, 'no/{{.Group}}/x.json']\n"))
	s, problems, err := LoadSchemas(fstest.MapFS{"schemas/a.json": {}}, cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	want := `.sluice.yaml:2:13: the directory none of the schema location does not exist [config/schemas]
.sluice.yaml:2:19: the schema location "schemas/{{.Kind}}.json" has a placeholder that kubeconform does not know [config/schemas]
.sluice.yaml:2:54: the directory no of the schema location does not exist [config/schemas]`
	if diff := cmp.Diff(want, problems.String()); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}
