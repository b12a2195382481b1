package render

import (
	"bytes"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"go.yaml.in/yaml/v3"
	"sigs.k8s.io/kustomize/api/resource"
	kyaml "sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/sluice-dev/sluice/internal/finding"
	"github.com/sluice-dev/sluice/internal/manifest"
)

// customSchema knows one list with a merge key, and nothing of Kubernetes: with it, patches replace the containers
// of a Deployment that they would merge otherwise.
const customSchema = `{"definitions": {
  "com.example.v1.Thing": {"type": "object", "properties": {"spec": {"$ref": "#/definitions/com.example.v1.Spec"}},
    "x-kubernetes-group-version-kind": [{"group": "example.com", "version": "v1", "kind": "Thing"}]},
  "com.example.v1.Spec": {"type": "object", "properties": {"parts": {"type": "array", "items": {"type": "object"},
    "x-kubernetes-patch-merge-key": "name", "x-kubernetes-patch-strategy": "merge"}}}}}`

// mixed is a repository in which some targets set a schema, for themselves or in a base, and others do not.
func mixed() fstest.MapFS {
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	const patched = "resources: [../../base]\npatches: [{path: deployment.yaml}, {path: thing.yaml}]\n"
	files := fstest.MapFS{
		"schema.json":             file(customSchema),
		"base/kustomization.yaml": file("resources: [deployment.yaml, thing.yaml]\n"),
		"base/deployment.yaml": file("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {template: {spec: {containers: " +
			"[{name: web, image: web:1}, {name: side, image: side:1}]}}}\n"),
		"base/thing.yaml":           file("apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: t}\nspec: {parts: [{name: a, size: 1}, {name: b, size: 2}]}\n"),
		"custom/kustomization.yaml": file("resources: [../base]\nopenapi: {path: ../schema.json}\n"),
	}
	for i := range 12 {
		dir := fmt.Sprintf("apps/%02d", i)
		kustomization := patched
		switch i % 4 {
		case 1:
			kustomization += "openapi: {path: ../../schema.json}\n"
		case 2:
			kustomization = strings.Replace(kustomization, "../../base", "../../custom", 1)
		}
		files[dir+"/kustomization.yaml"] = file(kustomization)
		files[dir+"/deployment.yaml"] = file(fmt.Sprintf("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {template: {spec: {containers: [{name: web, image: web:%d}]}}}\n", i))
		files[dir+"/thing.yaml"] = file(fmt.Sprintf("apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: t}\nspec: {parts: [{name: b, size: %d}]}\n", i))
	}
	return files
}

// TestSchemasDoNotLeak mixes targets with and without a custom schema, in any order and with any number of workers:
// each renders as the CLI renders it alone.
func TestSchemasDoNotLeak(t *testing.T) {
	f := fixture{files: mixed()}
	dir := f.write(t)
	var dirs []string
	want := map[string][]byte{}
	for i := range 12 {
		name := fmt.Sprintf("apps/%02d", i)
		out, err := kustomizeBuild(t, filepath.Join(dir, name), "--load-restrictor", "LoadRestrictionsNone")
		if err != nil {
			t.Fatal(err)
		}
		dirs, want[name] = append(dirs, name), out
	}
	if bytes.Contains(want["apps/01"], []byte("side:1")) || !bytes.Contains(want["apps/00"], []byte("side:1")) {
		t.Fatal("the custom schema makes no difference, so this test would see no leak")
	}
	tree := newTestTree(f.files)
	for _, workers := range []int{1, 3} {
		for seed := range uint64(3) {
			rand.New(rand.NewPCG(seed, 0)).Shuffle(len(dirs), func(i, j int) { dirs[i], dirs[j] = dirs[j], dirs[i] })
			pool := NewPool(t.Context(), Options{Workers: workers})
			for i, result := range renderAll(t, pool, tree, dirs) {
				if !bytes.Equal(result.Manifest, want[dirs[i]]) {
					t.Errorf("%d workers, order %q: %s is\n%s\nwant\n%s", workers, dirs, dirs[i], result.Manifest, want[dirs[i]])
				}
			}
			pool.Close()
		}
	}
}

// TestDeterministic renders a corpus with one worker and with four: the same results, all parts of them.
func TestDeterministic(t *testing.T) {
	fsys := os.DirFS(corpus(t, "nexodus"))
	tree := newTestTree(fsys)
	dirs := kustomizations(t, fsys)
	describe := func(workers int) (all []string) {
		pool := newPool(t, Options{Workers: workers})
		for _, r := range renderAll(t, pool, tree, dirs) {
			all = append(all, summary(r)+string(r.Manifest))
		}
		return all
	}
	if one, four := describe(1), describe(4); !slices.Equal(one, four) {
		t.Error("four workers give other results than one")
	}
}

// TestClosure renders targets from nothing but what their closures name: the same results. So no other file matters.
func TestClosure(t *testing.T) {
	for _, name := range []string{"podinfo-deploy", "nexodus", "gitops-standards-repo-template"} {
		dir := os.DirFS(corpus(t, name))
		pool := newPool(t, Options{})
		tree := newTestTree(dir)
		for i, at := range kustomizations(t, dir) {
			if testing.Short() && i > 5 {
				break
			}
			whole, err := pool.Render(t.Context(), tree, target(at))
			if err != nil {
				t.Fatal(err)
			}
			only := only(t, dir, whole.Inputs)
			again, err := pool.Render(t.Context(), newTestTree(only), target(at))
			if err != nil {
				t.Fatal(err)
			}
			if summary(again) != summary(whole) || !bytes.Equal(again.Manifest, whole.Manifest) {
				t.Errorf("%s/%s: its closure alone gives\n%s\ninstead of\n%s", name, at, summary(again), summary(whole))
			}
		}
	}
}

// only is the part of a tree that a closure names.
func only(t *testing.T, from fs.FS, inputs []Input) fstest.MapFS {
	t.Helper()
	part := fstest.MapFS{}
	for _, input := range inputs {
		switch input.Use {
		case Directory:
			part[input.Path] = &fstest.MapFile{Mode: fs.ModeDir | 0o755}
		case File:
			content, err := fs.ReadFile(from, input.Path)
			if err != nil {
				t.Fatal(err)
			}
			part[input.Path] = &fstest.MapFile{Data: content}
		case Absent:
			if _, err := fs.Stat(from, input.Path); err == nil {
				t.Errorf("%s is said to be absent", input.Path)
			}
		}
	}
	return part
}

// annotated is a tree in which one kustomization asks for kustomize's own origin annotations. It has no object
// identities.
type annotated struct {
	*testTree
	kustomization string
}

func (annotated) OID(string) (string, bool) { return "", false }

func (a annotated) ReadFile(name string) ([]byte, error) {
	content, err := a.testTree.ReadFile(name)
	if name == a.kustomization {
		content = append(content, "\nbuildMetadata: [originAnnotations]\n"...)
	}
	return content, err
}

// TestOriginsOnCorpora compares origins with what kustomize says when it is asked to annotate objects.
func TestOriginsOnCorpora(t *testing.T) {
	for _, name := range []string{"gitops-catalog", "nexodus", "bank-of-anthos"} {
		fsys := os.DirFS(corpus(t, name))
		pool, tree := newPool(t, Options{}), newTestTree(fsys)
		dirs := kustomizations(t, fsys)
		if testing.Short() {
			dirs = dirs[:min(len(dirs), 50)]
		}
		same, without := 0, 0
		for _, dir := range dirs {
			file := path.Join(dir, "kustomization.yaml")
			if content, err := tree.ReadFile(file); err != nil || bytes.Contains(content, []byte("buildMetadata")) {
				continue
			}
			result, err := pool.Render(t.Context(), annotated{tree, file}, target(dir))
			if err != nil {
				t.Fatal(err)
			}
			for _, o := range result.Objects {
				metadata, _ := o.Value()["metadata"].(map[string]any)
				annotations, _ := metadata["annotations"].(map[string]any)
				text, _ := annotations["config.kubernetes.io/origin"].(string)
				var said struct {
					Path         string `yaml:"path"`
					ConfiguredIn string `yaml:"configuredIn"`
				}
				if err := yaml.Unmarshal([]byte(text), &said); err != nil {
					t.Fatal(err)
				}
				var want manifest.Origin
				if said.Path != "" {
					want.File = path.Join(dir, said.Path)
				} else if said.ConfiguredIn != "" {
					want.Kustomization = path.Join(dir, said.ConfiguredIn)
				}
				got := manifest.Origin{File: o.Origin.File, Kustomization: o.Origin.Kustomization} // kustomize knows no lines
				switch {
				case got == want:
					same++
				case got == manifest.Origin{}:
					without++
					t.Logf("%s: %s has no origin, kustomize says %+v", dir, o.ID, want)
				default:
					t.Errorf("%s: %s comes from %+v, kustomize says %+v", dir, o.ID, o.Origin, want)
				}
			}
		}
		t.Logf("%s: %d origins are the same, %d are not known", name, same, without)
		if without > same/1000 {
			t.Errorf("%s: %d origins are not known", name, without)
		}
	}
}

// TestRootOnly compares with kustomize's own default restriction.
func TestRootOnly(t *testing.T) {
	pool, anywhere := newPool(t, Options{LoadRestrictor: RootOnly}), newPool(t, Options{})
	for _, f := range fixtures(t, "features/*.txtar") {
		_, err := kustomizeBuild(t, filepath.Join(f.write(t), f.target.Dir))
		result, broken := pool.Render(t.Context(), newTestTree(f.files), f.target)
		if broken != nil {
			t.Fatal(broken)
		}
		if result.Failed != (err != nil) {
			t.Errorf("%s: kustomize says %v, we say %s", f.name(), err, result.Findings)
		}
		free, broken := anywhere.Render(t.Context(), newTestTree(f.files), f.target)
		if broken != nil {
			t.Fatal(broken)
		}
		warns := slices.ContainsFunc(free.Findings, func(f finding.Finding) bool { return f.Rule == "render/root-only" })
		if warns != result.Failed {
			t.Errorf("%s: root-only fails: %t, and yet we say %s", f.name(), result.Failed, free.Findings)
		}
		if result.Failed && result.Findings[0].Rule != "render/outside-root" {
			t.Errorf("%s: got %s, want render/outside-root", f.name(), result.Findings)
		}
	}
}

// TestRootOnlyOnCorpora warns exactly where kustomize's own default restriction would fail.
func TestRootOnlyOnCorpora(t *testing.T) {
	root := corpus(t)
	anywhere, below := newPool(t, Options{Workers: 1}), newPool(t, Options{Workers: 1, LoadRestrictor: RootOnly})
	for _, name := range []string{"gitops-catalog", "nexodus", "rucio-flux", "storetheindex"} {
		fsys := os.DirFS(filepath.Join(root, name))
		tree, warned := newTestTree(fsys), 0
		dirs := kustomizations(t, fsys)
		if testing.Short() {
			dirs = dirs[:min(len(dirs), 50)]
		}
		for _, dir := range dirs {
			free, err := anywhere.Render(t.Context(), tree, target(dir))
			if err != nil {
				t.Fatal(err)
			}
			bound, err := below.Render(t.Context(), tree, target(dir))
			if err != nil {
				t.Fatal(err)
			}
			warns := slices.ContainsFunc(free.Findings, func(f finding.Finding) bool { return f.Rule == "render/root-only" })
			if !free.Failed && warns != bound.Failed {
				t.Errorf("%s/%s: root-only fails: %t, and yet we say\n%s", name, dir, bound.Failed, free.Findings)
			}
			if warns {
				warned++
			}
		}
		t.Logf("%s: %d of %d warn", name, warned, len(dirs))
	}
}

// FuzzEncode compares the short way of serialising an object with kustomize's.
func FuzzEncode(f *testing.F) {
	for _, seed := range []string{
		"a: b", "a: |\n  x\n   y\n", "a: >-\n  x\n  y\n", "a: 'it''s'", `a: "\u00e9\t\n"`, "a: [1, 1.5, 1e3, 0x1F, 017, ~, yes, 2020-01-01]",
		"a: &x {b: 1}\nc: *x\n", "? a\n: b\n", "a: ' leading'\nb: |2\n   x\n", "yes: no\non: off\n", "a: \"a\\u2028b\"\n", "a: \"x\\x7f\"\n",
		"a: !!str 1\nb: !!int \"2\"\n", "a: ''\nb: \"\"\nc:\n", "a: - b\n", "a: 9223372036854775807\nb: 9223372036854775808\nc: -0\n",
		"a: \"" + strings.Repeat("long words ", 20) + "\"\n", "a: |+\n  x\n\n\nb: |-\n  y\n", "# c\na: # d\n  # e\n  - b # f\n", "a: \"\\n\\n x\"\n",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		node, err := kyaml.Parse(text)
		if err != nil || node.YNode() == nil || node.YNode().Kind != kyaml.MappingNode {
			return
		}
		short, ok := plain(node.YNode())
		if !ok {
			return
		}
		res := &resource.Resource{RNode: *node}
		want, err := res.AsYAML()
		if err != nil {
			t.Fatalf("kustomize cannot write %q (%v), we make %v", text, err, short)
		}
		got, err := encode(res)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%q: got %v\n%s\nwant\n%s", text, err, got, want)
		}
	})
}
