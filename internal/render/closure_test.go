package render

import (
	"bytes"
	"io/fs"
	"math/rand/v2"
	"os"
	"path"
	"slices"
	"testing"
	"testing/fstest"

	"github.com/sluice-dev/sluice/internal/config"
	"github.com/sluice-dev/sluice/internal/plan"
)

// unselected gives the inputs of a result whose change would not select the target: the graph must have them all.
func unselected(graph *plan.Graph, at plan.Target, inputs []Input) []Input {
	side := plan.Snapshot{Layout: config.Layout{Targets: []plan.Target{at}}, Graph: graph}
	return slices.DeleteFunc(slices.Clone(inputs), func(input Input) bool {
		name := input.Path
		if name == "." {
			return true // always a directory
		}
		if input.Use == Listing {
			name = path.Join(name, "a-new-entry")
		}
		return len(plan.Whom(side, name)) == 1
	})
}

func graphOf(t testing.TB, tree plan.Tree) *plan.Graph {
	t.Helper()
	graph, err := plan.Build(tree, plan.NewMemo())
	if err != nil {
		t.Fatal(err)
	}
	return graph
}

// TestClosureWithinGraph is what the selection of targets rests on: whatever a rendering reads, follows, lists or looks for in
// vain, a change of it selects the target.
func TestClosureWithinGraph(t *testing.T) {
	pool := newPool(t, Options{Helm: true})
	check := func(tree *testTree, graph *plan.Graph, at plan.Target) {
		result, err := pool.Render(t.Context(), tree, at)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tree.Lstat(at.Dir); err != nil {
			return // no layout has such a target
		}
		for _, input := range unselected(graph, at, result.Inputs) {
			t.Errorf("%s depends on %s (%s), and the graph does not know", at.ID, input.Path, input.Use)
		}
	}
	for _, f := range slices.Concat(fixtures(t, "features/*.txtar"), fixtures(t, "findings/*.txtar"), fixtures(t, "plain/*.txtar"), fixtures(t, "helm/*.txtar")) {
		tree := newTestTree(f.files)
		check(tree, graphOf(t, tree), f.target)
	}
	root := corpus(t)
	repositories, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, repository := range repositories {
		if !repository.IsDir() {
			continue
		}
		fsys := os.DirFS(path.Join(root, repository.Name()))
		tree := newTestTree(fsys)
		dirs := kustomizations(t, fsys)
		graph := graphOf(t, tree)
		for i := 0; i < len(dirs); i += 1 + len(dirs)/40 {
			check(tree, graph, target(dirs[i]))
		}
	}
}

// TestOtherFilesDoNotMatter changes files that do not select a target: it renders to the same, findings included.
func TestOtherFilesDoNotMatter(t *testing.T) {
	pool := newPool(t, Options{Helm: true})
	random := rand.New(rand.NewPCG(1, 2))
	changes := 0
	check := func(fsys fs.FS, at plan.Target, most int) {
		tree := newTestTree(fsys)
		side := plan.Snapshot{Layout: config.Layout{Targets: []plan.Target{at}}, Graph: graphOf(t, tree)}
		want, err := pool.Render(t.Context(), tree, at)
		if err != nil {
			t.Fatal(err)
		}
		others := slices.DeleteFunc(regularFiles(t, fsys), func(name string) bool { return len(plan.Whom(side, name)) > 0 })
		random.Shuffle(len(others), func(i, j int) { others[i], others[j] = others[j], others[i] })
		for _, name := range others[:min(most, len(others))] {
			changes++
			got, err := pool.Render(t.Context(), changed{tree, name}, at)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got.Manifest, want.Manifest) || summary(got) != summary(want) {
				t.Errorf("%s: a change of %s, which does not select it, changes what it renders to", at.ID, name)
			}
		}
	}
	for _, f := range slices.Concat(fixtures(t, "features/*.txtar"), fixtures(t, "helm/*.txtar")) {
		f.files["unrelated/kustomization.yaml"] = &fstest.MapFile{Data: []byte("resources: []\n")}
		f.files[path.Join(f.target.Dir, "unrelated.yaml")] = &fstest.MapFile{Data: []byte("kind: ConfigMap\n")}
		check(f.files, f.target, 20)
	}
	for _, name := range []string{"podinfo-deploy", "bank-of-anthos", "nexodus"} {
		fsys := os.DirFS(corpus(t, name))
		dirs := kustomizations(t, fsys)
		for range 5 {
			check(fsys, target(dirs[random.IntN(len(dirs))]), 5)
		}
	}
	if changes < 50 {
		t.Errorf("only %d files were changed: the test has lost its material", changes)
	}
}

func regularFiles(t *testing.T, fsys fs.FS) (files []string) {
	err := fs.WalkDir(fsys, ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() {
			files = append(files, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// changed is a tree in which one file holds something else. It has no object identities.
type changed struct {
	*testTree
	file string
}

func (changed) OID(string) (string, bool) { return "", false }

func (c changed) ReadFile(name string) ([]byte, error) {
	if name == c.file {
		return []byte("kind: [broken\n"), nil
	}
	return c.testTree.ReadFile(name)
}

// FuzzClosureWithinGraph renders whatever kustomization: what it depends on, the graph must know.
func FuzzClosureWithinGraph(f *testing.F) {
	for _, seed := range []string{
		"resources: [../base, app.yaml]", "resources:\n- ../base\ncomponents: [../part]\npatches: [{path: app.yaml}]\n",
		"configMapGenerator: [{name: a, files: [x=app.yaml, y.env], envs: [y.env]}]", "bases: [../base]\npatchesStrategicMerge: [app.yaml]",
		"replacements: [{path: app.yaml}]\nopenapi: {path: y.env}\ncrds: [app.yaml]\nconfigurations: [app.yaml]", "transformers: [../part, app.yaml]",
		"helmCharts: [{name: web, valuesFile: y.env}]", "helmGlobals: {chartHome: ..}\nhelmCharts: [{name: web, valuesInline: {a: b}, additionalValuesFiles: [y.env, z.env]}]",
		"generators: [\"apiVersion: builtin\\nkind: HelmChartInflationGenerator\\nmetadata: {name: a}\\nname: web\\nchartHome: ../charts\"]",
		"resources: [link, ../base/../base/./]", "resources: [app.yaml\n", "kind: Component\nresources: [absent.yaml, ../absent/dir]", "generators: [\"kind: a\\nfiles: [app.yaml]\"]",
	} {
		f.Add(seed, seed)
	}
	pool := newPool(f, Options{Helm: true})
	f.Fuzz(func(t *testing.T, app, part string) {
		file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
		tree := newTestTree(fstest.MapFS{
			"app/kustomization.yaml": file(app), "app/app.yaml": file("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"), "app/y.env": file("a=b\n"),
			"app/link":                  {Data: []byte("../base"), Mode: fs.ModeSymlink},
			"app/charts/web/Chart.yaml": file("apiVersion: v2\nname: web\nversion: 1.0.0\n"), "app/charts/web/values.yaml": file("{}\n"),
			"app/charts/web/templates/a.yaml": file("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: w}\n"),
			"app/charts/web/templates/b":      {Data: []byte("../../../../part"), Mode: fs.ModeSymlink},
			"app/charts/web/c":                {Data: []byte("../absent"), Mode: fs.ModeSymlink},
			"charts":                          {Data: []byte("app/charts"), Mode: fs.ModeSymlink},
			"part/kustomization.yaml":         file(part), "part/app.yaml": file("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\n"),
			"base/kustomization.yaml": file("resources: [app.yaml]\n"), "base/app.yaml": file("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n"),
		})
		result, err := pool.Render(t.Context(), tree, target("app"))
		if err != nil {
			t.Fatal(err)
		}
		for _, input := range unselected(graphOf(t, tree), target("app"), result.Inputs) {
			t.Errorf("it depends on %s (%s), and the graph does not know", input.Path, input.Use)
		}
	})
}
