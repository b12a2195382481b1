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
		"a replacement of a name":      {"replacements: [{source: {kind: ConfigMap}, targets: [{select: {kind: Deployment}}]}]\n", true},
		"a replacement in a file":      {"replacements: [{path: names.yaml}]\n", true},
		"replacements in a file":       {"replacements: [{path: values.yaml}]\n", false},
		"a broken file":                {"replacements: [{path: broken.yaml}]\n", true},
		"a patch of values":            {"patches: [{target: {kind: Deployment}, patch: '[{op: add, path: /spec/replicas, value: 2}]'}]\n", false},
		"a patch of a name":            {"patches: [{target: {kind: Deployment}, patch: '[{op: replace, path: /metadata/name, value: x}]'}]\n", true},
		"a patch of a kind":            {"patches: [{target: {kind: Deployment}, patch: '[{op: replace, path: /kind, value: x}]'}]\n", true},
		"a patch of all metadata":      {"patches: [{target: {kind: Deployment}, patch: '[{op: replace, path: /metadata, value: {}}]'}]\n", true},
		"a patch of a label":           {"patches: [{target: {kind: Deployment}, patch: '[{op: add, path: /metadata/labels/kind, value: x}]'}]\n", false},
		"a patch of the older form":    {"patchesJson6902: [{target: {kind: Deployment}, patch: '[{op: replace, path: /metadata/name, value: x}]'}]\n", true},
		"a patch in a file":            {"patches: [{target: {kind: Deployment}, path: rename.yaml}]\n", true},
		"a patch in a JSON file":       {"patchesJson6902: [{target: {kind: Deployment}, path: rename.json}]\n", true},
		"a patch of values in a file":  {"patches: [{target: {kind: Deployment}, path: merge.yaml}]\n", false},
		"a patch that may rename":      {"patches: [{path: a.yaml, options: {allowNameChange: true}}]\n", true},
	} {
		makes := test.want && !strings.Contains(test.base, "patch") && !strings.Contains(test.base, "replacement")
		g := build(t, tree(map[string]string{
			"base/kustomization.yaml": test.base, "base/a.yaml": "",
			"base/rename.yaml":        "- op: replace\n  path: /metadata/namespace\n  value: x\n",
			"base/rename.json":        `[{"op":"replace","path":"/metadata/name","value":"x"}]`,
			"base/merge.yaml":         "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: 2}\n",
			"base/names.yaml":         "source: {kind: ConfigMap}\ntargets: [{select: {kind: Deployment}, fieldPaths: [metadata.namespace]}]\n",
			"base/values.yaml":        "- source: {kind: ConfigMap}\n  targets: [{select: {kind: Deployment}, fieldPaths: [spec.replicas]}]\n",
			"base/broken.yaml":        "targets: 7\n",
			"prod/kustomization.yaml": "resources: [../base, ../prod]\n",
		}))
		if got := g.Sources().Opaque(Target{Dir: "prod", Kind: config.Kustomize}); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
		if got := g.Sources().Makes(Target{Dir: "prod", Kind: config.Kustomize}); got != makes {
			t.Errorf("%s makes objects: %v", name, got)
		}
	}
}

// A target amends definitions where something may change what they say of objects, in any of the kustomizations it is built from.
func TestAmends(t *testing.T) {
	t.Parallel()
	const merge = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: x}\n"
	for name, test := range map[string]struct {
		base string
		want bool
	}{
		"resources":                   {"resources: [merge.yaml]\nnamePrefix: x-\n", false},
		"a merge":                     {"patches: [{path: merge.yaml}]\n", true},
		"a merge of the older form":   {"patchesStrategicMerge: [merge.yaml]\n", true},
		"a merge of labels":           {"patches: [{path: labels.yaml}]\n", false},
		"a merge into something else": {"patches: [{path: other.yaml}]\n", false},
		"a merge that stands there":   {"patches:\n- patch: |-\n    kind: CustomResourceDefinition\n    spec: {}\n", true},
		"operations":                  {"patches: [{path: ops.json, target: {kind: CustomResourceDefinition}}]\n", true},
		"operations on all":           {"patchesJson6902: [{path: ops.json, target: {name: x}}]\n", true},
		"operations on another kind":  {"patches: [{path: ops.json, target: {kind: Deployment}}]\n", false},
		"operations on labels":        {"patches: [{target: {kind: Custom.*}, patch: '[{op: add, path: /metadata/labels/a, value: b}]'}]\n", false},
		"a transformer":               {"transformers: [ops.json]\n", true},
		"a replacement":               {"replacements: [{source: {}, targets: [{select: {kind: CustomResourceDefinition}, fieldPaths: [spec.group]}]}]\n", true},
		"a replacement of others":     {"replacements: [{path: replace.yaml}]\n", false},
	} {
		g := build(t, tree(map[string]string{
			"base/kustomization.yaml": test.base, "base/merge.yaml": merge + "spec: {}\n", "base/labels.yaml": merge, "base/other.yaml": "kind: Other\nspec: {}\n",
			"base/ops.json": `[{"op":"add","path":"/spec/scope","value":"Cluster"}]`, "base/replace.yaml": "targets: [{select: {kind: Other}, fieldPaths: [spec.group]}]\n",
			"prod/kustomization.yaml": "resources: [../base]\n",
		}))
		if got := g.Sources().Amends(Target{Dir: "prod", Kind: config.Kustomize}); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
