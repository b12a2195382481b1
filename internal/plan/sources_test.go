package plan

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-dev/sluice/internal/config"
)

func TestSources(t *testing.T) {
	t.Parallel()
	g := build(t, tree(map[string]string{
		"base/kustomization.yaml":     "resources: [web.yaml, ../shared]\nnamespace: inner\nnamePrefix: b-\nlabels: [{pairs: {tier: base, app: base}, includeSelectors: true}, {pairs: {not: pods}}]\n",
		"base/web.yaml":               "",
		"shared/kustomization.yaml":   "resources: [db.yaml]\nnameSuffix: -s\n",
		"shared/db.yaml":              "",
		"prod/kustomization.yaml":     "resources: [../base, own.yaml]\ncomponents: [../extra]\npatches: [{path: patch.yaml}]\nnamespace: prod\nnamePrefix: p-\ncommonLabels: {app: prod}\n",
		"prod/own.yaml":               "",
		"prod/patch.yaml":             "",
		"extra/kustomization.yaml":    "kind: Component\napiVersion: kustomize.config.k8s.io/v1alpha1\nresources: [extra.yaml]\nnamePrefix: e-\n",
		"extra/extra.yaml":            "",
		"loop/kustomization.yaml":     "resources: [../loop, own.yaml]\n",
		"loop/own.yaml":               "",
		"plain/a.yaml":                "",
		"plain/b/c.json":              "",
		"plain/b/notes.md":            "",
		"plain/.git/d.yaml":           "",
		"plain/k/kustomization.yaml":  "resources: [e.yaml]\nnamespace: k\n",
		"plain/k/e.yaml":              "",
		"plain/k/not-named-there.yml": "",
	}))
	tests := []struct {
		target Target
		want   []string
	}{
		{Target{Dir: "prod", Kind: config.Kustomize}, []string{
			"base/web.yaml prod p-e-b-… map[app:prod tier:base]", "extra/extra.yaml prod p-e-… map[app:prod]", "prod/own.yaml prod p-e-… map[app:prod]",
			"shared/db.yaml prod p-e-b-…-s map[app:prod tier:base]",
		}},
		{Target{Dir: "base", Kind: config.Kustomize}, []string{"base/web.yaml inner b-… map[app:base tier:base]", "shared/db.yaml inner b-…-s map[app:base tier:base]"}},
		{Target{Dir: "loop", Kind: config.Kustomize}, []string{"loop/own.yaml  … map[]"}},
		{Target{Dir: "plain", Kind: config.Manifests}, []string{"plain/a.yaml  … map[]", "plain/b/c.json  … map[]", "plain/k/e.yaml k … map[]"}},
		{Target{Dir: "nowhere", Kind: config.Kustomize}, nil},
	}
	sources := g.Sources()
	for _, test := range tests {
		if sources.Opaque(test.target) {
			t.Errorf("%s is opaque", test.target.Dir)
		}
	}
	for _, test := range tests {
		for range 2 { // what is remembered must not change
			var got []string
			for _, s := range sources.Of(test.target) {
				got = append(got, fmt.Sprintf("%s %s %s…%s %v", s.Path, s.Namespace, s.Prefix, s.Suffix, s.Labels))
			}
			slices.SortFunc(got, strings.Compare)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", test.target.Dir, diff)
			}
		}
	}
}

// A target is opaque where something makes objects, or names, that no source has, in any of the kustomizations it is built from.
func TestOpaque(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		base string
		want bool
	}{
		"resources":                    {"resources: [a.yaml]\nnamePrefix: x-\n", false},
		"a chart":                      {"helmCharts: [{name: web}]\n", true},
		"a generator":                  {"generators: [a.yaml]\n", true},
		"a remote base":                {"resources: ['https://example.com/org/repo//dir?ref=v1']\n", true},
		"a replacement of values":      {"replacements: [{source: {kind: ConfigMap}, targets: [{select: {kind: Deployment}, fieldPaths: [spec.replicas]}]}]\n", false},
		"a replacement of a namespace": {"replacements: [{source: {kind: ConfigMap}, targets: [{select: {kind: Deployment}, fieldPaths: [metadata.namespace]}]}]\n", true},
		"a replacement in a file":      {"replacements: [{path: a.yaml}]\n", true},
		"a patch of values":            {"patches: [{target: {kind: Deployment}, patch: '[{op: add, path: /spec/replicas, value: 2}]'}]\n", false},
		"a patch of a name":            {"patches: [{target: {kind: Deployment}, patch: '[{op: replace, path: /metadata/name, value: x}]'}]\n", true},
		"a patch that may rename":      {"patches: [{path: a.yaml, options: {allowNameChange: true}}]\n", true},
	} {
		makes := test.want && !strings.Contains(name, "patch") && !strings.Contains(name, "replacement")
		g := build(t, tree(map[string]string{
			"base/kustomization.yaml": test.base, "base/a.yaml": "", "prod/kustomization.yaml": "resources: [../base, ../prod]\n",
		}))
		if got := g.Sources().Opaque(Target{Dir: "prod", Kind: config.Kustomize}); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
		if got := g.Sources().Makes(Target{Dir: "prod", Kind: config.Kustomize}); got != makes {
			t.Errorf("%s makes objects: %v", name, got)
		}
	}
}
