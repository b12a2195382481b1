package rehearse

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"

	"github.com/sluice-dev/sluice/internal/finding"
	"github.com/sluice-dev/sluice/internal/manifest"
	"github.com/sluice-dev/sluice/internal/schema"
)

// TestSchemasAgree holds the verdicts of package schema against those of a real API server, object by object, as kubectl apply
// --dry-run=server asks it: the objects of that package's test data, and each with every field in turn changed. Where the two
// differ, the difference must be of a class that docs/validation.md explains; the table there is written by -update.
func TestSchemasAgree(t *testing.T) {
	s := startServer(t)
	c, err := s.client(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	minor := minorOf(AssetsKubernetes)
	set, err := schema.Kubernetes()
	if err != nil {
		t.Fatal(err)
	}
	stage := newStage(c)
	seeds, definitions := seedsOf(t, set)
	stage.add(Target{ID: "seeds", Head: slices.Concat(definitions, namespacesOf(seeds))})
	if err := stage.play(t.Context()); err != nil {
		t.Fatal(err)
	}
	if r := stage.acts[0].result(); len(r.Head) > 0 {
		t.Fatal(r.Head)
	}
	var custom []*schema.Definition
	for _, o := range definitions {
		d, err := set.Definition(o, "")
		if err != nil {
			t.Fatal(err)
		}
		custom = append(custom, d)
	}
	with := schema.Context{Custom: schema.NewCustom(custom...)}

	var objects []*manifest.Object
	for _, o := range seeds {
		objects = append(objects, o)
		objects = append(objects, variants(t, o)...)
	}
	verdicts := make([]agreement, len(objects))
	var group sync.WaitGroup
	next := make(chan int)
	for range concurrency {
		group.Go(func() {
			for i := range next {
				verdicts[i] = compareVerdicts(t, c, set, minor, with, objects[i])
			}
		})
	}
	for i := range objects {
		next <- i
	}
	close(next)
	group.Wait()

	table := tableOf(t, objects, verdicts)
	checkTable(t, filepath.Join("..", "..", "docs", "validation.md"), table)
}

// agreement is what both say of one object.
type agreement struct {
	ours   finding.List // what makes the object invalid to us
	theirs error        // what the API server says
}

func compareVerdicts(t *testing.T, c *client, set *schema.Set, minor string, with schema.Context, o *manifest.Object) agreement {
	result, err := set.Check(minor, []*manifest.Object{o}, with)
	if err != nil {
		t.Error(err)
		return agreement{}
	}
	ours := slices.DeleteFunc(result.Findings, func(f finding.Finding) bool { return f.Severity != finding.Error })
	r, ok, err := c.resource(context.Background(), o.ID.Group, o.Version, o.ID.Kind)
	if err != nil || !ok {
		t.Errorf("%s is not served: %v", o.ID, err)
		return agreement{}
	}
	theirs := c.examine(context.Background(), r, o.ID, runtime.DeepCopyJSON(o.Value()))
	if apierrors.IsAlreadyExists(theirs) {
		theirs = nil // it was read, and found good
	}
	return agreement{ours, theirs}
}

// seedsOf gives the good objects of package schema's test data that Kubernetes or a definition knows, and the definitions.
func seedsOf(t *testing.T, set *schema.Set) (seeds, definitions []*manifest.Object) {
	t.Helper()
	taken := make(map[string]bool)
	for _, name := range []string{"good", "fields", "custom", "popular"} {
		archive, err := txtar.ParseFile(filepath.Join("..", "schema", "testdata", name+".txtar"))
		if err != nil {
			t.Fatal(err)
		}
		definitions = append(definitions, objectsOf(t, name, part(archive, "definitions.yaml"))...)
		objects, _ := manifest.Parse(name, part(archive, "objects.yaml"))
		for _, o := range objects {
			if taken[o.ID.Kind] && name != "good" { // one of a kind is varied enough
				continue
			}
			if o.ID.Name == "no-definition" {
				continue
			}
			if o.ID.Group != "" && o.ID.Kind != "CustomResourceDefinition" {
				if d, ok, err := schema.PopularDefinition(o.ID.Group, o.ID.Kind); err != nil {
					t.Fatal(err)
				} else if ok {
					definitions = append(definitions, d)
				}
			}
			taken[o.ID.Kind] = true
			seeds = append(seeds, o)
		}
	}
	return seeds, definitions
}

func namespacesOf(objects []*manifest.Object) (out []*manifest.Object) {
	names := make(map[string]bool)
	for _, o := range objects {
		if o.ID.Namespace != "" {
			names[o.ID.Namespace] = true
		}
	}
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(names)) {
		fmt.Fprintf(&text, "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: %s}\n", name)
	}
	out, _ = manifest.Parse("namespaces.yaml", []byte(text.String()))
	return out
}

// variants gives an object with one value changed, for each of its values and each change. What says which object it is stays.
func variants(t *testing.T, o *manifest.Object) (out []*manifest.Object) {
	t.Helper()
	root := runtime.DeepCopyJSON(o.Value())
	emit := func() {
		text, err := yaml.Marshal(root)
		if err != nil {
			t.Fatal(err)
		}
		objects, problems := manifest.Parse(o.Origin.File, text)
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		out = append(out, objects...)
	}
	var walk func(node any, path string)
	walk = func(node any, path string) {
		switch node := node.(type) {
		case map[string]any:
			node["unknownField"] = "x"
			emit()
			delete(node, "unknownField")
			for _, name := range slices.Sorted(maps.Keys(node)) {
				at := path + "." + name
				if slices.Contains([]string{".apiVersion", ".kind", ".metadata.name", ".metadata.namespace"}, at) {
					continue
				}
				value := node[name]
				others := []any{nil, "text", int64(8080), int64(-1), true, map[string]any{}, []any{}}
				if at == ".metadata" {
					others = nil
				}
				for _, other := range others {
					node[name] = other
					emit()
				}
				if at != ".metadata" {
					delete(node, name)
					emit()
				}
				node[name] = value
				walk(value, at)
			}
		case []any:
			for _, item := range node {
				walk(item, path+"[]")
			}
		}
	}
	walk(root, "")
	return out
}

// class is a kind of disagreement, and why it is one.
type class struct {
	name, why string
	is        func(o *manifest.Object, a agreement) bool
}

func refusedAs(a agreement, reasons ...metav1.StatusReason) bool {
	return slices.Contains(reasons, apierrors.ReasonForError(a.theirs))
}

// classes are all disagreements that there may be.
var classes = []class{
	{
		"valid to sluice, refused as invalid: built-in kinds",
		"what the API server validates beyond types: names, ranges, fields that need or exclude each other. Not repeated here; a [rehearsal](rehearsal.md) finds it",
		func(o *manifest.Object, a agreement) bool {
			return len(a.ours) == 0 && refusedAs(a, metav1.StatusReasonInvalid) && !isCustom(o)
		},
	},
	{
		"invalid to sluice, accepted: an empty list in place of base64",
		"Go's JSON reader takes `[]` for no bytes; kubeconform refuses it too",
		func(_ *manifest.Object, a agreement) bool {
			return a.theirs == nil && len(a.ours) == 1 && strings.HasSuffix(a.ours[0].Message, "expected string, got array")
		},
	},
}

func isCustom(o *manifest.Object) bool {
	group := o.ID.Group
	return strings.Contains(group, ".") && (!strings.HasSuffix(group, ".k8s.io") || strings.HasPrefix(group, "gateway."))
}

// tableOf counts. A disagreement of no class is a failure.
func tableOf(t *testing.T, objects []*manifest.Object, verdicts []agreement) string {
	t.Helper()
	both, neither, unexplained := 0, 0, 0
	counts := make([]int, len(classes))
	for i, a := range verdicts {
		switch {
		case len(a.ours) == 0 && a.theirs == nil:
			both++
			continue
		case len(a.ours) > 0 && a.theirs != nil:
			neither++
			continue
		}
		if n := slices.IndexFunc(classes, func(c class) bool { return c.is(objects[i], a) }); n >= 0 {
			counts[n]++
			continue
		}
		if unexplained++; unexplained <= 40 {
			t.Errorf("%s: we say %v, the API server %v (%s)", objects[i].ID, a.ours, a.theirs, apierrors.ReasonForError(a.theirs))
		}
	}
	if unexplained > 0 {
		t.Errorf("%d disagreements are not explained", unexplained)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "| verdict | objects | why |\n|---|---|---|\n| both say valid | %d | |\n| both say invalid | %d | |\n", both, neither)
	for n, c := range classes {
		fmt.Fprintf(&b, "| %s | %d | %s |\n", c.name, counts[n], c.why)
	}
	return b.String()
}

// checkTable compares the table with the one between two marks of a document.
func checkTable(t *testing.T, file, table string) {
	t.Helper()
	const begin, end = "<!-- begin: TestSchemasAgree -->\n", "<!-- end: TestSchemasAgree -->\n"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := bytes.Cut(text, []byte(begin))
	old, after, ended := bytes.Cut(rest, []byte(end))
	if !ok || !ended {
		t.Fatalf("%s has no place for the table", file)
	}
	if *update {
		if err := os.WriteFile(file, slices.Concat(before, []byte(begin+table+end), after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(old), table); diff != "" {
		t.Errorf("%s is not what was measured (-update writes it):\n%s", file, diff)
	}
}
