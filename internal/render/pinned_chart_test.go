package render

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/sluice-dev/sluice/internal/charts/chartstest"
)

// packed gives charts that are at hand.
type packed map[Chart][]byte

func (p packed) Archive(_ context.Context, chart Chart) ([]byte, error) {
	if archive, ok := p[chart]; ok {
		return archive, nil
	}
	return nil, errors.New("charts.example.com answers 404 Not Found")
}

// webChart has a subchart, values, a file that .helmignore names, and templates that use them.
var webChart = map[string]string{
	"Chart.yaml":                 "apiVersion: v2\nname: web\nversion: 1.0.0\ndependencies: [{name: sub, version: 1.0.0}]\n",
	"values.yaml":                "size: 1\nsub: {word: hi}\n",
	".helmignore":                "*.txt\nnotes/\n",
	"secret.txt":                 "no file of the chart",
	"notes/a.yaml":               "no file of the chart",
	"templates/a.yaml":           "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .Release.Name }}}\ndata:\n  size: \"{{ .Values.size }}\"\n  ignored: \"{{ .Files.Get \"secret.txt\" }}{{ .Files.Get \"notes/a.yaml\" }}\"\n",
	"charts/sub/Chart.yaml":      "apiVersion: v2\nname: sub\nversion: 1.0.0\n",
	"charts/sub/templates/s.txt": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: sub}\ndata: {word: {{ .Values.word }}}\n",
}

const webKustomization = `namespace: shop
helmCharts:
- name: web
  repo: https://charts.example.com/
  version: 1.0.0
  releaseName: one
  valuesInline: {size: 7}
- name: web
  repo: https://charts.example.com
  version: 1.0.0
  releaseName: two
  valuesFile: values-two.yaml
`

// TestPinnedChart renders a chart that comes from elsewhere to the same bytes as the one that was pulled and committed.
func TestPinnedChart(t *testing.T) {
	t.Parallel()
	chart := Chart{Repo: "https://charts.example.com", Name: "web", Version: "1.0.0", Digest: "sha256:" + strings.Repeat("a", 64)}
	files := fstest.MapFS{
		"app/kustomization.yaml": {Data: []byte(webKustomization)},
		"app/values-two.yaml":    {Data: []byte("size: 2\nsub: {word: two}\n")},
	}
	committed := maps.Clone(files)
	for name, content := range webChart {
		committed["app/charts/web-1.0.0/web/"+name] = &fstest.MapFile{Data: []byte(content)}
	}
	want, err := newPool(t, Options{Helm: true}).Render(t.Context(), newTestTree(committed), target("app"))
	if err != nil || want.Failed {
		t.Fatal(err, want.Findings)
	}
	pool := newPool(t, Options{Helm: true, Charts: []Chart{chart}, ChartSource: packed{chart: chartstest.Pack(t, "web", webChart)}})
	got, err := pool.Render(t.Context(), newTestTree(files), target("app"))
	if err != nil || got.Failed {
		t.Fatal(err, got.Findings)
	}
	if !bytes.Equal(got.Manifest, want.Manifest) || !bytes.Contains(got.Manifest, []byte(`size: "7"`)) {
		t.Errorf("got\n%s\nwant\n%s", got.Manifest, want.Manifest)
	}
	if want := []string{"https://charts.example.com/web-1.0.0@" + chart.Digest}; !slices.Equal(got.Remotes, want) {
		t.Errorf("it says that it was rendered with %q, want %q", got.Remotes, want)
	}
	if slices.ContainsFunc(got.Inputs, func(in Input) bool { return strings.Contains(in.Path, "templates") }) {
		t.Errorf("files of the chart are called inputs: %v", got.Inputs)
	}
	// Once it is committed, that is what counts.
	if got, err = pool.Render(t.Context(), newTestTree(committed), target("app")); err != nil || len(got.Remotes) > 0 {
		t.Errorf("a committed chart was fetched: %v %v", got.Remotes, err)
	}
}

// TestPinnedChartIsNoOther: entries at one place that name something else are not taken for the chart that is listed.
func TestPinnedChartIsNoOther(t *testing.T) {
	t.Parallel()
	chart := Chart{Repo: "https://charts.example.com", Name: "web", Version: "1.0.0", Digest: "sha256:" + strings.Repeat("a", 64)}
	listed := "apiVersion: builtin\nkind: HelmChartInflationGenerator\nmetadata: {name: a}\nname: web\nrepo: https://charts.example.com\nversion: 1.0.0\nreleaseName: one\n"
	for name, other := range map[string]string{
		"another version": strings.Replace(listed, "1.0.0", "9.9.9", 1),
		"another place":   strings.Replace(listed, "charts.example.com", "elsewhere.example.com", 1),
		"the same name":   strings.Replace(strings.Replace(listed, "repo: https://charts.example.com\n", "", 1), "version: 1.0.0\n", "", 1),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			other = strings.Replace(other, "name: a}", "name: b}", 1)
			inline := "generators:\n- |-\n  " + strings.ReplaceAll(strings.TrimSpace(listed+"---\n"+other), "\n", "\n  ") + "\n"
			files := fstest.MapFS{"app/kustomization.yaml": {Data: []byte(inline)}}
			pool := newPool(t, Options{Helm: true, Charts: []Chart{chart}, ChartSource: packed{chart: chartstest.Pack(t, "web", webChart)}})
			got, err := pool.Render(t.Context(), newTestTree(files), target("app"))
			if err != nil || !got.Failed {
				t.Fatalf("it renders: %v\n%s", err, got.Manifest)
			}
			t.Log(got.Findings)
		})
	}
}

// TestPinnedChartRefused: what is not listed is not fetched, and what is fetched may be no chart.
func TestPinnedChartRefused(t *testing.T) {
	t.Parallel()
	chart := Chart{Repo: "https://charts.example.com", Name: "web", Version: "1.0.0", Digest: "sha256:" + strings.Repeat("a", 64)}
	other := chart
	other.Version = "1.0.1"
	bomb := map[string]string{"Chart.yaml": webChart["Chart.yaml"], "zeros": strings.Repeat("\x00", 101<<20)}
	noValues := maps.Clone(webChart)
	delete(noValues, "values.yaml")
	for name, test := range map[string]struct {
		options Options
		want    string
	}{
		"charts are off":         {Options{Charts: []Chart{chart}}, "Helm charts are not rendered here"},
		"another version listed": {Options{Helm: true, Charts: []Chart{other}}, "the settings do not allow fetching it"},
		"nothing fetches":        {Options{Helm: true, Charts: []Chart{chart}}, "the settings do not allow fetching it"},
		"not to be had":          {Options{Helm: true, Charts: []Chart{chart}, ChartSource: packed{}}, "could not be fetched: charts.example.com answers 404 Not Found"},
		"no archive":             {Options{Helm: true, Charts: []Chart{chart}, ChartSource: packed{chart: []byte("<html>this is a page</html>")}}, "could not be fetched: unpack the chart: gzip: invalid header"},
		"a bomb":                 {Options{Helm: true, Charts: []Chart{chart}, ChartSource: packed{chart: chartstest.Pack(t, "web", bomb)}}, "decompressed chart is larger than the maximum size"},
		"a way out":              {Options{Helm: true, Charts: []Chart{chart}, ChartSource: packed{chart: chartstest.Pack(t, "web", map[string]string{"../../a": ""})}}, "illegally references parent directory"},
		"no values":              {Options{Helm: true, Charts: []Chart{chart}, ChartSource: packed{chart: chartstest.Pack(t, "web", noValues)}}, "has no values.yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if test.options.ChartSource == nil && name != "nothing fetches" {
				test.options.ChartSource = packed{chart: chartstest.Pack(t, "web", webChart)}
			}
			files := fstest.MapFS{"app/kustomization.yaml": {Data: []byte(webKustomization)}, "app/values-two.yaml": {Data: []byte("size: 2\n")}}
			got, err := newPool(t, test.options).Render(t.Context(), newTestTree(files), target("app"))
			if err != nil || !got.Failed {
				t.Fatalf("it renders: %v", err)
			}
			if first := got.Findings[0]; !strings.Contains(first.Message, test.want) || first.File != "app/kustomization.yaml" || first.Line != 3 {
				t.Errorf("got %s\nwant %q at line 3", got.Findings, test.want)
			}
		})
	}
}
