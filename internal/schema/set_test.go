package schema

import (
	"bytes"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"github.com/sluice-dev/sluice/internal/finding"
	"github.com/sluice-dev/sluice/internal/manifest"
)

func TestVersions(t *testing.T) {
	t.Parallel()
	set := builtin(t)
	want := []string{"1.28", "1.29", "1.30", "1.31", "1.32", "1.33", "1.34", "1.35", "1.36", "1.37"}
	if diff := cmp.Diff(want, set.Versions()); diff != "" {
		t.Error(diff)
	}
	for text, want := range map[string]string{"": "1.37", "1.33": "1.33", "v1.33": "1.33", "1.33.4": "1.33", "v1.33.4": "1.33"} {
		if got, err := set.Version(text); got != want || err != nil {
			t.Errorf("Version(%q) = %q, %v; want %q", text, got, err, want)
		}
	}
	for _, text := range []string{"1", "1.27", "1.99", "v", "latest", "1.3", "1.33x"} {
		if got, err := set.Version(text); err == nil {
			t.Errorf("Version(%q) = %q; want an error", text, got)
		}
		if _, err := set.Check(text, nil, Context{}); err == nil {
			t.Errorf("Check(%q) gave no error", text)
		}
	}
}

// TestEverySchemaCompiles compiles each kind of each version, so that no user is the first to do so.
func TestEverySchemaCompiles(t *testing.T) {
	t.Parallel()
	set := builtin(t)
	for i, r := range set.store.versions {
		if len(r.kinds) < 100 || len(r.definitions) < 500 {
			t.Errorf("Kubernetes %s has %d kinds and %d definitions", r.name, len(r.kinds), len(r.definitions))
		}
		if i > 0 && i < len(set.store.versions)-1 && testing.Short() {
			continue
		}
		for g := range r.kinds {
			if _, err := set.compilers[i].schemaOf(g); err != nil {
				t.Errorf("Kubernetes %s: %s: %v", r.name, g, err)
			}
		}
	}
}

// pack makes a store of text in the documented format.
func pack(t *testing.T, lines ...string) []byte {
	t.Helper()
	var out bytes.Buffer
	encoder, err := zstd.NewWriter(&out)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(encoder, strings.Join(lines, "\n"), "\n")
	if err := encoder.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

const anyObject = "apiVersion: example.com/v1\nkind: Foo\nmetadata: {name: a}\n"

// TestUnusableSchema is the trap of kubeconform: a schema that does not compile must not read as one that is missing.
func TestUnusableSchema(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"wrong by the metaschema": `{"type":"objekt"}`,
		"not JSON":                `{"type":`,
		"null":                    `null`,
		"reference to nothing":    `{"$ref":"/definition/missing"}`,
		"reference to a file":     `{"$ref":"file:///etc/passwd"}`,
		"reference to the web":    `{"$ref":"https://example.com/schema.json"}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			set, err := newSet(pack(t, "sluice schemas 1\t1.37=v1.37.1", "foo\texample.com/v1 Foo\t1.37\t"+text))
			if err != nil {
				t.Fatal(err)
			}
			for range 2 { // the second time from the cache
				result, err := set.Check("1.37", parse(t, []byte(anyObject)), Context{})
				if err != nil {
					t.Fatal(err)
				}
				if len(result.Findings) != 1 || result.Findings[0].Rule != RuleUnusable || result.Findings[0].Severity != finding.Error {
					t.Errorf("got %v", result.Findings)
				}
				if result.Unknown != 1 || result.Validated != 0 {
					t.Errorf("got %d validated, %d unknown", result.Validated, result.Unknown)
				}
			}
		})
	}
}

func TestDamagedStore(t *testing.T) {
	t.Parallel()
	for name, data := range map[string][]byte{
		"empty":           nil,
		"not zstd":        []byte("sluice schemas 1\t1.37=v1.37.1\n"),
		"cut":             kubernetes[:len(kubernetes)/2],
		"other format":    pack(t, "sluice schemas 2\t1.37=v1.37.1"),
		"too few fields":  pack(t, "sluice schemas 1\t1.37=v1.37.1", "foo\tbar"),
		"unknown version": pack(t, "sluice schemas 1\t1.37=v1.37.1", "foo\t\t1.38\t{}"),
	} {
		if _, err := newSet(data); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestUnreadable holds that an object that cannot be parsed is a finding, not a skip.
func TestUnreadable(t *testing.T) {
	t.Parallel()
	object := &manifest.Object{ID: manifest.ID{Kind: "ConfigMap", Name: "a"}, Version: "v1", Text: []byte("a: [\n")}
	result, err := builtin(t).Check("", []*manifest.Object{object}, Context{})
	if err != nil {
		t.Fatal(err)
	}
	if len(result.Findings) != 1 || result.Findings[0].Severity != finding.Error || result.Unknown != 1 {
		t.Errorf("got %+v", result)
	}
}

// TestConcurrentUse checks many objects at once, on a fresh set, from several goroutines: the result is always the same.
func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	set, err := newSet(kubernetes)
	if err != nil {
		t.Fatal(err)
	}
	objects := slices.Repeat(benchObjects(t), 3)
	results := make([]Result, 4*runtime.GOMAXPROCS(0))
	each(len(results), func(i int) { results[i], _ = set.Check("1.36", objects, Context{}) })
	for _, result := range results {
		if diff := cmp.Diff(results[0], result); diff != "" {
			t.Fatal(diff)
		}
	}
	if r := results[0]; r.Validated+r.Unknown != len(objects) || len(r.Findings) == 0 {
		t.Errorf("%d validated and %d unknown of %d objects, %d findings", r.Validated, r.Unknown, len(objects), len(r.Findings))
	}
}

func TestOrigin(t *testing.T) {
	t.Parallel()
	objects := parse(t, []byte("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: b}\ndta: {}\n"))
	objects[0].Origin = manifest.Origin{File: "base/config.yaml"}
	result, err := builtin(t).Check("", objects, Context{})
	if err != nil {
		t.Fatal(err)
	}
	want := finding.List{{
		Rule: RuleInvalid, Severity: finding.Error, Message: "dta: unknown field, did you mean data",
		Pos: finding.Pos{File: "base/config.yaml"}, Object: "ConfigMap b/a", Path: "dta",
	}}
	if diff := cmp.Diff(want, result.Findings); diff != "" {
		t.Error(diff)
	}
}

// TestManyProblems holds that an object with very many mistakes gives a bounded, fixed list.
func TestManyProblems(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	text.WriteString("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n")
	for i := range 10_000 {
		fmt.Fprintf(&text, "field%d: x\n", i)
	}
	objects := parse(t, []byte(text.String()))
	first, err := builtin(t).Check("", objects, Context{})
	if err != nil {
		t.Fatal(err)
	}
	if len(first.Findings) != maxProblems+1 {
		t.Errorf("%d findings", len(first.Findings))
	}
	if last := first.Findings[0].Message; last != "this object has 9900 more fields that are wrong" {
		t.Errorf("the first finding is %q", last)
	}
	second, _ := builtin(t).Check("", objects, Context{})
	if diff := cmp.Diff(first, second); diff != "" {
		t.Error(diff)
	}
}

func TestDidYouMean(t *testing.T) {
	t.Parallel()
	candidates := []string{"containers", "initContainers", "image", "imagePullPolicy", "name", "TCP"}
	for name, want := range map[string]string{
		"contianers": ", did you mean containers", "Containers": ", did you mean containers", "container": ", did you mean containers",
		"imagepullpolicy": ", did you mean imagePullPolicy", "tcp": ", did you mean TCP", "nmae": ", did you mean name",
		"x": "", "": "", "sidecars": "", "größe": "",
	} {
		if got := didYouMean(name, candidates); got != want {
			t.Errorf("didYouMean(%q) = %q, want %q", name, got, want)
		}
	}
}

// FuzzCheck holds that no object text makes Check fail or lose count.
func FuzzCheck(f *testing.F) {
	for _, object := range benchObjects(f) {
		f.Add(object.Text)
	}
	f.Add([]byte("apiVersion: v1\nkind: List\nitems: [null, 1, {kind: Pod}]\n"))
	f.Add([]byte("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec: &a {template: *a}\n"))
	set := builtin(f)
	f.Fuzz(func(t *testing.T, text []byte) {
		objects, _ := manifest.Parse("objects.yaml", text)
		result, err := set.Check("", objects, Context{})
		if err != nil {
			t.Fatal(err)
		}
		if result.Validated+result.Unknown != len(objects) {
			t.Errorf("%d objects, but %d validated and %d unknown", len(objects), result.Validated, result.Unknown)
		}
		for _, finding := range result.Findings {
			if finding.Message == "" || finding.Object == "" {
				t.Errorf("an empty finding: %+v", finding)
			}
		}
	})
}
