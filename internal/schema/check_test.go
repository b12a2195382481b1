package schema

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/sluice-dev/sluice/internal/finding"
	"github.com/sluice-dev/sluice/internal/manifest"
)

var update = flag.Bool("update", false, "write the golden files anew")

func builtin(t testing.TB) *Set {
	t.Helper()
	set, err := Kubernetes()
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func parse(t testing.TB, text []byte) []*manifest.Object {
	t.Helper()
	objects, problems := manifest.Parse("objects.yaml", text)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return objects
}

// TestCheck compares the findings on the objects of each file in testdata with those that the file lists.
func TestCheck(t *testing.T) {
	t.Parallel()
	files, _ := filepath.Glob(filepath.Join("testdata", "*.txtar"))
	if len(files) == 0 {
		t.Fatal("no test files")
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			with := Context{Custom: custom(t, part(archive, "definitions.yaml")), Old: parse(t, []byte(part(archive, "old.yaml")))}
			with.Admission = NewAdmission(parse(t, []byte(part(archive, "admission.yaml"))))
			result, err := builtin(t).Check(strings.TrimSpace(part(archive, "version")), parse(t, []byte(part(archive, "objects.yaml"))), with)
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]string{"findings": describe(result), "counts": counts(result)}
			for i, f := range archive.Files {
				want, ok := got[f.Name]
				if !ok {
					continue
				}
				if diff := cmp.Diff(string(f.Data), want); diff != "" && !*update {
					t.Errorf("%s (-file +got):\n%s", f.Name, diff)
				}
				archive.Files[i].Data = []byte(want)
			}
			if *update {
				if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// custom reads the CustomResourceDefinitions of a file.
func custom(t testing.TB, text string) *Custom {
	t.Helper()
	var definitions []*Definition
	for _, o := range parse(t, []byte(text)) {
		d, err := ParseDefinition(o, "definitions.yaml")
		if err != nil {
			t.Fatal(err)
		}
		definitions = append(definitions, d)
	}
	return NewCustom(definitions...)
}

func part(archive *txtar.Archive, name string) string {
	for _, f := range archive.Files {
		if f.Name == name {
			return string(f.Data)
		}
	}
	return ""
}

func describe(r Result) string {
	var b strings.Builder
	for _, f := range r.Findings {
		fmt.Fprintf(&b, "%s [%s] %s: %s\n  at %s\n", f.Severity, f.Rule, f.Object, f.Message, f.Path)
	}
	return b.String()
}

func counts(r Result) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d validated, %d unknown\n", r.Validated, r.Unknown)
	for _, name := range slices.Sorted(maps.Keys(r.UnknownKinds)) {
		fmt.Fprintf(&b, "%s: %d\n", name, r.UnknownKinds[name])
	}
	return b.String()
}

func isInvalid(f finding.Finding) bool { return f.Rule == RuleInvalid }
