package pipeline

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-dev/sluice/internal/config"
	"github.com/sluice-dev/sluice/internal/manifest"
	"github.com/sluice-dev/sluice/internal/plan"
)

// mapTree is a tree in memory.
type mapTree struct{ fstest.MapFS }

func (mapTree) OID(string) (string, bool) { return "", false }

// fleet is a repository of n applications in prod, all built from one base, and a few that know one another.
func fleet(t *testing.T, n int) (plan.Snapshot, Tree) {
	t.Helper()
	tree := mapTree{fstest.MapFS{}}
	write := func(name, format string, args ...any) {
		tree.MapFS[name] = &fstest.MapFile{Data: []byte(fmt.Sprintf(format, args...))}
	}
	write("base/kustomization.yaml", "resources: [web.yaml]\n")
	write("base/web.yaml", "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\nspec: {template: {metadata: {labels: {app: web}}}}\n---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: web\n")
	var targets []plan.Target
	add := func(app, kustomization string) {
		dir := "apps/" + app + "/prod"
		write(dir+"/kustomization.yaml", "%s", kustomization)
		targets = append(targets, plan.Target{ID: dir, Dir: dir, App: app, Environment: "prod", Kind: config.Kustomize})
	}
	for i := range n {
		app := fmt.Sprintf("app%d", i)
		add(app, fmt.Sprintf("resources: [../../../base]\nnamespace: %s\npatches: [{path: host.yaml}]\n", app))
		write("apps/"+app+"/prod/host.yaml", "kind: Ingress\nspec: {rules: [{host: %s.example.com}]}\n", app)
	}
	add("same-host", "resources: [../../../base]\nnamespace: other\npatches: [{path: host.yaml}]\n")
	write("apps/same-host/prod/host.yaml", "kind: Ingress\nspec: {rules: [{host: app7.example.com}]}\n")
	add("same-object", "resources: [web.yaml]\n")
	write("apps/same-object/prod/web.yaml", `{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "app7"}}`)
	add("budgets", "resources: [budget.yaml]\n")
	write("apps/budgets/prod/budget.yaml", "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: # of app7\n  namespace: \"app7\"\n  name: 'web'\n")
	for i := range 2 {
		add(fmt.Sprintf("chart%d", i), "helmCharts: [{name: web}]\n")
	}
	add("labelled", "resources: [../../../base]\nnamespace: shared\nnamePrefix: x-\ncommonLabels: {app: labelled}\n")
	graph, err := plan.Build(tree, plan.NewMemo())
	if err != nil {
		t.Fatal(err)
	}
	return plan.Snapshot{Layout: config.Layout{Targets: targets}, Graph: graph}, tree
}

// A target of hundreds asks for the few that it shares something with.
func TestNeighboursAreFew(t *testing.T) {
	t.Parallel()
	snapshot, tree := fleet(t, 200)
	o := newOutline(snapshot, "prod", tree, func(tree Tree, file string) fileFacts {
		data, err := tree.ReadFile(file)
		if err != nil {
			t.Error(err)
		}
		return readFacts(file, data)
	})
	const deployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: %s, namespace: %s}\nspec: {replicas: 2, template: {metadata: {labels: {app: web}}}}\n"
	tests := []struct {
		name, app, objects string
		want               []string
	}{
		{"nothing shared", "app3", fmt.Sprintf(deployment, "web", "app3"), []string{"chart0", "chart1"}},
		{"a chart of the same application", "chart0", fmt.Sprintf(deployment, "web", "app3"), []string{"app3", "chart1"}},
		{"host, object and budget", "app7", fmt.Sprintf(deployment, "web", "app7") + "---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: web, namespace: app7}\nspec: {rules: [{host: app7.example.com}]}\n",
			[]string{"budgets", "chart0", "chart1", "same-host", "same-object"}},
		{"no namespace of its own", "app7", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n", nil},
		{"the pods that a service selects", "front", "apiVersion: v1\nkind: Service\nmetadata: {name: front, namespace: shared}\nspec: {selector: {app: labelled}}\n", []string{"chart0", "chart1", "labelled"}},
		{"any pods of the namespace", "front", "apiVersion: v1\nkind: Service\nmetadata: {name: front, namespace: shared}\nspec: {selector: {app: nobody}}\n", []string{"chart0", "chart1", "labelled"}},
		{"no pods in the namespace", "front", "apiVersion: v1\nkind: Service\nmetadata: {name: front, namespace: empty}\nspec: {selector: {app: web}}\n", []string{"chart0", "chart1"}},
		{"a prefix", "front", fmt.Sprintf(deployment, "x-web", "shared"), []string{"chart0", "chart1", "labelled"}},
		{"another cluster of the same application", "same-object", fmt.Sprintf(deployment, "web", "app9"), []string{"app9", "chart0", "chart1"}},
	}
	for _, test := range tests {
		objects, problems := manifest.Parse("objects.yaml", []byte(test.objects))
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		self := plan.Target{ID: "apps/" + test.app + "/prod", App: test.app, Environment: "prod"}
		var got []string
		for _, at := range newQuestions(self, objects).ask(o) {
			got = append(got, o.targets[at].App)
		}
		slices.Sort(got)
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

func TestIdentitiesByLines(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"apiVersion: v1\nkind: Service\nmetadata:\n  name: web\n":                                                     "Service web",
		"# c\nkind: 'Service' # c\nmetadata: # c\n    namespace: \"shop\" # c\n\n    name: web\r\napiVersion: v1\n":   "Service shop/web",
		"apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  labels:\n    name: no\n  name: web\nspec:\n  name: no\n": "Deployment.apps web",
		"{apiVersion: v1, kind: Service, metadata: {name: web}}":                                                      "Service web",
		"apiVersion: v1\nkind: Service\nmetadata: {name: web}\n":                                                      "Service web",
		"apiVersion: v1\nkind: Service\nmetadata:\n  name: >-\n    web\n":                                             "Service web",
		"name: web\n": "",
		"kind: Service\nmetadata:\n  name: web\n": "",
	} {
		var got []string
		for _, id := range identitiesIn("a.yaml", []byte(text)) {
			got = append(got, id.String())
		}
		if strings.Join(got, ", ") != want {
			t.Errorf("%q: %v, want %q", text, got, want)
		}
	}
}

// What is too much to render for another target is said.
func TestLeftOut(t *testing.T) {
	t.Parallel()
	n := &neighbours{outlines: make(map[clusterKey]func() *outline)}
	with := func(environment string, head bool, opaque int) {
		n.outlines[clusterKey{environment, head}] = func() *outline { return &outline{opaque: make([]int, opaque)} }
	}
	with("prod", true, maxOpaque+3)
	with("prod", false, maxOpaque+9)
	with("dev", true, maxOpaque)
	want := []string{"rules about a whole environment did not see 3 targets of prod, whose charts, remote bases, replacements or patches make names that no source has"}
	if diff := cmp.Diff(want, n.leftOut()); diff != "" {
		t.Error(diff)
	}
}
