package plan

import (
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-dev/sluice/internal/config"
)

// paths gives the closure of a directory by kind: files as they are, "!" before absent ones, "@" before links,
// "/" after subtrees; kustomization files that are not there are left out.
func paths(g *Graph, dir string) []string {
	var out []string
	for _, input := range g.Closure(dir) {
		switch base := input.Path[strings.LastIndex(input.Path, "/")+1:]; {
		case input.Kind == Absent && slices.Contains(fileNames[:], base):
		case input.Kind == Absent:
			out = append(out, "!"+input.Path)
		case input.Kind == Symlink:
			out = append(out, "@"+input.Path)
		case input.Kind == Subtree:
			out = append(out, input.Path+"/")
		default:
			out = append(out, input.Path)
		}
	}
	return out
}

func TestClosure(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		files map[string]string
		want  []string
	}{
		{"an absent file and an absent base are looked for", map[string]string{
			"a/kustomization.yaml": "resources: [gone.yaml, ../gone]",
		}, []string{"!a/gone.yaml", "a/kustomization.yaml", "!gone"}},
		{"a directory without a kustomization is looked into", map[string]string{
			"a/kustomization.yaml": "resources: [../b]", "b/app.yaml": "",
		}, []string{"a/kustomization.yaml"}},
		{"a cycle ends", map[string]string{
			"a/kustomization.yaml": "resources: [../b, .]", "b/kustomization.yaml": "resources: [../a, x.yaml]", "b/x.yaml": "",
		}, []string{"a/kustomization.yaml", "b/kustomization.yaml", "b/x.yaml"}},
		{"two kustomization files are both inputs", map[string]string{
			"a/kustomization.yaml": "resources: [x.yaml]", "a/Kustomization": "resources: [y.yaml]", "a/x.yaml": "",
		}, []string{"a/Kustomization", "a/kustomization.yaml", "a/x.yaml"}},
		{"what leaves the repository is none", map[string]string{
			"a/kustomization.yaml": "resources: [../../etc, /etc/passwd, ../../../x.yaml]\nconfigMapGenerator: [{name: a, files: [k=/proc/self/environ]}]",
		}, []string{"a/kustomization.yaml"}},
		{"what is remote is looked for as a file first", map[string]string{
			"a/kustomization.yaml": "resources: [\"https://example.com/x.yaml\", \"github.com/org/repo//dir?ref=v1\", \"git@host.example:org/repo\", x.yaml]",
		}, []string{"!a/git@host.example:org/repo", "!a/github.com/org/repo/dir?ref=v1", "!a/https:/example.com/x.yaml", "a/kustomization.yaml", "!a/x.yaml"}},
		{"links are followed inside the tree; one that leads out is an input itself", map[string]string{
			"a/kustomization.yaml": "resources: [link, up, out]", "a/link": "-> ../shared/x.yaml", "shared/x.yaml": "",
			"a/up": "-> ../../../etc", "a/out": "-> /etc/passwd",
		}, []string{"a/kustomization.yaml", "@a/link", "@a/out", "@a/up", "shared/x.yaml"}},
		{"a link that leads to itself ends", map[string]string{
			"a/kustomization.yaml": "resources: [one]", "a/one": "-> two", "a/two": "-> one",
		}, []string{"a/kustomization.yaml", "@a/one", "@a/two"}},
		{"a base behind a link names files from where it lies", map[string]string{
			"a/kustomization.yaml": "resources: [base]", "a/base": "-> ../shared/base",
			"shared/base/kustomization.yaml": "resources: [../x.yaml]", "shared/x.yaml": "",
		}, []string{"@a/base", "a/kustomization.yaml", "shared/base/kustomization.yaml", "shared/x.yaml"}},
		{"charts and values of Helm", map[string]string{
			"a/kustomization.yaml":  "helmGlobals: {chartHome: ../charts}\nhelmCharts:\n- {name: web, version: 1.0.0, repo: https://example.com, valuesFile: values.yaml, additionalValuesFiles: [more.yaml]}",
			"charts/web/Chart.yaml": "", "a/values.yaml": "",
		}, []string{"a/kustomization.yaml", "!a/more.yaml", "a/values.yaml", "charts/web/", "!charts/web-1.0.0"}},
		{"the old form of Helm charts", map[string]string{
			"a/kustomization.yaml":  "helmChartInflationGenerator:\n- {chartName: web, chartHome: ../charts, values: values.yaml}",
			"charts/web/Chart.yaml": "",
		}, []string{"a/kustomization.yaml", "!a/values.yaml", "charts/web/"}},
		{"a chart that a plugin inflates", map[string]string{
			"a/kustomization.yaml": "generators: [chart.yaml]",
			"a/chart.yaml":         "apiVersion: builtin\nkind: HelmChartInflationGenerator\nmetadata: {name: web}\nname: web\nvaluesFile: v.yaml\n",
			"a/charts/web/x":       "",
		}, []string{"a/chart.yaml", "a/charts/web/", "a/kustomization.yaml", "!a/v.yaml"}},
		{"files of a plugin that kustomize does not know", map[string]string{
			"a/kustomization.yaml": "generators: [../ksops.yaml]",
			"ksops.yaml":           "apiVersion: viaduct.ai/v1\nkind: ksops\nmetadata: {name: k}\nfiles: [secret.enc.yaml]\nmore: [{any: thing.txt}, {any: absent.txt}]",
			"a/secret.enc.yaml":    "", "a/thing.txt": "",
		}, []string{"a/kustomization.yaml", "a/secret.enc.yaml", "a/thing.txt", "ksops.yaml"}},
		{"whatever a broken kustomization may name", map[string]string{
			"a/kustomization.yaml": "resources:\n  - x.yaml\n - ../b\nfoo: [bar\n", "a/x.yaml": "",
			"b/kustomization.yaml": "resources: [y.yaml]", "b/y.yaml": "",
		}, []string{"a/kustomization.yaml", "a/x.yaml", "b/kustomization.yaml", "b/y.yaml"}},
		{"an unknown field breaks it", map[string]string{
			"a/kustomization.yaml": "resource: [x.yaml]", "a/x.yaml": "",
		}, []string{"a/kustomization.yaml", "a/x.yaml"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, paths(build(t, tree(test.files)), "a")); diff != "" {
				t.Errorf("closure (-want +got):\n%s", diff)
			}
		})
	}
}

func TestGraph(t *testing.T) {
	t.Parallel()
	g := build(t, tree(map[string]string{
		"base/kustomization.yaml":         "resources: [app.yaml]",
		"base/app.yaml":                   "",
		"part/kustomization.yml":          "kind: Component",
		"overlays/dev/kustomization.yaml": "resources: [../../base]\ncomponents: [../../part]",
		"overlays/prod/Kustomization":     "resources: [../../base, https://example.com/x.yaml]",
		"template/kustomization.yaml":     "resources:\n{% for x in y %}\n",
		"broken/kustomization.yaml":       "kind: Component\nresources: {}\n",
	}))
	equal := func(what string, got, want any) {
		t.Helper()
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
	equal("kustomizations", g.Kustomizations(), []string{"base", "broken", "overlays/dev", "overlays/prod", "part", "template"})
	equal("users of the base", g.UsedBy("base"), []string{"overlays/dev", "overlays/prod"})
	equal("users of a file", g.UsedBy("base/app.yaml"), []string{"base"})
	equal("users of a kustomization file", g.UsedBy("base/kustomization.yaml"), []string(nil))
	equal("remotes", g.Remotes("overlays/prod"), []string{"https://example.com/x.yaml"})
	equal("file", g.File("overlays/prod"), "overlays/prod/Kustomization")
	equal("component", []bool{g.Component("part"), g.Component("base"), g.Component("broken"), g.Component("nowhere")}, []bool{true, false, true, false})
	equal("template", []bool{g.Template("template"), g.Template("broken")}, []bool{true, false})
	equal("broken", []bool{g.Broken("template") != "", g.Broken("broken") != "", g.Broken("base") != ""}, []bool{true, true, false})
}

func TestIsRemote(t *testing.T) {
	t.Parallel()
	for reference, want := range map[string]bool{
		"https://example.com/a.yaml":              true,
		"HTTPS://github.com/org/repo//dir?ref=v1": true,
		"ssh://git@example.com/org/repo.git":      true,
		"file:///srv/repo":                        true,
		"git::https://github.com/org/repo":        true,
		"git@github.com:org/repo.git":             true,
		"user@host.example:org/repo":              true,
		"github.com/org/repo":                     true,
		"GitHub.com/org/repo/path?ref=main":       true,
		"github.com/org":                          false,
		"git@host.example":                        false,
		"gitlab.com/org/repo":                     false,
		"../base":                                 false,
		"base":                                    false,
		"/abs/path":                               false,
		"dir/with@sign/x.yaml":                    false,
		"":                                        false,
	} {
		if got := IsRemote(reference); got != want {
			t.Errorf("IsRemote(%q) = %v", reference, got)
		}
	}
}

// countingTree counts the files that are read.
type countingTree struct {
	memTree
	read *int
}

func (t countingTree) ReadFile(name string) ([]byte, error) {
	*t.read++
	return t.memTree.ReadFile(name)
}

func TestMemoReadsEachContentOnce(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		"a/kustomization.yaml": "resources: [x.yaml]", "b/kustomization.yaml": "resources: [../a]",
		"c/kustomization.yaml": "generators: [g.yaml]", "c/g.yaml": "files: [x.txt]",
	}
	memo, read := NewMemo(), 0
	if _, err := Build(countingTree{tree(files), &read}, memo); err != nil || read != 4 {
		t.Fatalf("the first tree: %d files read, %v", read, err)
	}
	files["b/kustomization.yaml"] = "resources: [../a, y.yaml]"
	g, err := Build(countingTree{tree(files), &read}, memo)
	if err != nil || read != 5 {
		t.Fatalf("the second tree: %d files read, %v", read, err)
	}
	if got := paths(g, "b"); !slices.Contains(got, "!b/y.yaml") {
		t.Errorf("closure of b: %q", got)
	}
}

// failingTree cannot read one file.
type failingTree struct{ memTree }

func (t failingTree) ReadFile(name string) ([]byte, error) { return nil, fs.ErrPermission }

func TestBuildReportsTheTreesErrors(t *testing.T) {
	t.Parallel()
	_, err := Build(failingTree{tree(map[string]string{"a/kustomization.yaml": ""})}, NewMemo())
	if err == nil || !strings.Contains(err.Error(), "read a/kustomization.yaml") {
		t.Errorf("error: %v", err)
	}
}

func TestTargetClosureOfManifests(t *testing.T) {
	t.Parallel()
	g := build(t, tree(map[string]string{
		"prod/app.yaml": "", "prod/link.yaml": "-> ../shared/x.yaml", "prod/deep/y.yaml": "", "shared/x.yaml": "",
	}))
	got := g.TargetClosure(Target{Dir: "prod", Kind: config.Manifests})
	want := []Input{{"prod", Subtree}, {"prod/link.yaml", Symlink}, {"shared/x.yaml", File}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("closure (-want +got):\n%s", diff)
	}
}

func FuzzReadKustomization(f *testing.F) {
	for _, seed := range []string{
		"resources: [a.yaml]", "kind: Component\nhelmCharts: [{name: a}]", "{{ x }}", "a: &a [*a, *a]",
		"generators: [\"a: b\"]", "configMapGenerator: [{files: [a=b, =, c=]}]", "openapi: {path: x}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		files := map[string]string{"a/kustomization.yaml": string(data), "a/plugin.yaml": string(data), "b/kustomization.yaml": "generators: [../a, ../a/plugin.yaml]"}
		g := build(t, tree(files))
		for _, input := range append(g.Closure("a"), g.Closure("b")...) {
			if !fs.ValidPath(input.Path) {
				t.Errorf("input %q is no path of the tree", input.Path)
			}
		}
	})
}
