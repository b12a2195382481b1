package schema

import (
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/sluice-dev/sluice/internal/manifest"
)

// FuzzCustom holds objects to definitions and admission policies of any form: what they are is anybody's, and must end in findings.
func FuzzCustom(f *testing.F) {
	for _, name := range []string{"custom.txtar", "definitions.txtar", "admission.txtar"} {
		archive, err := txtar.ParseFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(part(archive, "definitions.yaml")+"---\n"+part(archive, "admission.yaml"), part(archive, "objects.yaml"))
	}
	set := builtin(f)
	f.Fuzz(func(t *testing.T, rules, text string) {
		around, _ := manifest.Parse("rules.yaml", []byte(rules))
		objects, _ := manifest.Parse("objects.yaml", []byte(text))
		if len(objects) > 20 || len(around) > 20 {
			return
		}
		var definitions []*Definition
		for _, o := range around {
			if d, err := ParseDefinition(o, "rules.yaml"); err == nil {
				definitions = append(definitions, d)
			}
		}
		with := Context{Custom: NewCustom(definitions...), Admission: NewAdmission(around), Old: objects}
		result, err := set.Check("", objects, with)
		if err != nil {
			t.Fatal(err)
		}
		if result.Validated+result.Unknown != len(objects) {
			t.Errorf("%d objects, %d validated and %d unknown", len(objects), result.Validated, result.Unknown)
		}
	})
}

// FuzzStepsTo reads the paths of errors.
func FuzzStepsTo(f *testing.F) {
	f.Add("spec.rules[0].host")
	f.Add("metadata.labels[example.com/owner]")
	f.Add("spec[")
	f.Add("..")
	root := map[string]any{"spec": map[string]any{"rules": []any{map[string]any{"host": "a"}}, "a.b": int64(1), "": nil}}
	f.Fuzz(func(t *testing.T, path string) { fieldPath(root, stepsTo(root, path)) })
}

func BenchmarkCustom(b *testing.B) {
	archive, err := txtar.ParseFile(filepath.Join("testdata", "custom.txtar"))
	if err != nil {
		b.Fatal(err)
	}
	objects := parse(b, []byte(part(archive, "objects.yaml")))
	with := Context{Custom: custom(b, part(archive, "definitions.yaml")), Old: parse(b, []byte(part(archive, "old.yaml")))}
	for b.Loop() {
		if _, err := builtin(b).Check("", objects, with); err != nil {
			b.Fatal(err)
		}
	}
	perObject(b, len(objects))
}

func BenchmarkAdmission(b *testing.B) {
	archive, err := txtar.ParseFile(filepath.Join("testdata", "admission.txtar"))
	if err != nil {
		b.Fatal(err)
	}
	objects := parse(b, []byte(part(archive, "objects.yaml")))
	with := Context{Admission: NewAdmission(parse(b, []byte(part(archive, "admission.yaml"))))}
	for b.Loop() {
		if _, err := builtin(b).Check("", objects, with); err != nil {
			b.Fatal(err)
		}
	}
	perObject(b, len(objects))
}
