package plan

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-dev/sluice/internal/config"
)

// shop is a repository with a base, a component and two overlays.
func shop() map[string]string {
	return map[string]string{
		"apps/shop/base/kustomization.yaml":          "resources: [deployment.yaml, ../../common]",
		"apps/shop/base/deployment.yaml":             "",
		"apps/common/kustomization.yaml":             "configMapGenerator: [{name: a, files: [settings.ini]}]",
		"apps/common/settings.ini":                   "",
		"apps/shop/overlays/dev/kustomization.yaml":  "resources: [../../base]",
		"apps/shop/overlays/prod/kustomization.yaml": "resources: [../../base]\npatches: [{path: patch.yaml}]\nreplacements: [{path: later.yaml}]",
		"apps/shop/overlays/prod/patch.yaml":         "",
		"clusters/prod/apps.yaml":                    "",
		"docs/readme.md":                             "",
	}
}

func layout(targets ...Target) config.Layout { return config.Layout{Targets: targets} }

var (
	dev      = Target{ID: "apps/shop/overlays/dev", Dir: "apps/shop/overlays/dev", App: "shop", Environment: "dev", Kind: config.Kustomize}
	prod     = Target{ID: "apps/shop/overlays/prod", Dir: "apps/shop/overlays/prod", App: "shop", Environment: "prod", Kind: config.Kustomize}
	clusters = Target{ID: "clusters/prod", Dir: "clusters/prod", App: "clusters", Environment: "prod", Kind: config.Manifests}
)

// with gives the shop's files with some replaced; an empty content removes one.
func with(edits map[string]string) map[string]string {
	files := shop()
	for name, content := range edits {
		if files[name] = content; content == "" {
			delete(files, name)
		}
	}
	return files
}

func TestSelect(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		head    map[string]string
		changed []string
		want    map[string][]string // target → why
	}{
		{"nothing reads it", nil, []string{"docs/readme.md", "apps/shop/overlays/prod/unused.yaml"}, nil},
		{"a patch reaches its overlay", nil, []string{"apps/shop/overlays/prod/patch.yaml"}, map[string][]string{
			"apps/shop/overlays/prod": {"apps/shop/overlays/prod/patch.yaml"},
		}},
		{"a base reaches both, a base of it by both", nil,
			[]string{"apps/common/settings.ini", "apps/shop/base/deployment.yaml"},
			map[string][]string{
				"apps/shop/overlays/dev": {
					"apps/shop/base/deployment.yaml ← apps/shop/overlays/dev",
					"apps/common/settings.ini ← apps/shop/base ← apps/shop/overlays/dev",
				},
				"apps/shop/overlays/prod": {
					"apps/shop/base/deployment.yaml ← apps/shop/overlays/prod",
					"apps/common/settings.ini ← apps/shop/base ← apps/shop/overlays/prod",
				},
			}},
		{"a file that was looked for appears",
			map[string]string{"apps/shop/overlays/prod/later.yaml": "- {}"}, []string{"apps/shop/overlays/prod/later.yaml"},
			map[string][]string{"apps/shop/overlays/prod": {"apps/shop/overlays/prod/later.yaml"}}},
		{"a file that base read is deleted, with what named it",
			map[string]string{"apps/shop/overlays/prod/kustomization.yaml": "resources: [../../base]", "apps/shop/overlays/prod/patch.yaml": ""},
			[]string{"apps/shop/overlays/prod/patch.yaml"},
			map[string][]string{"apps/shop/overlays/prod": {"apps/shop/overlays/prod/patch.yaml"}}},
		{"a second kustomization file", map[string]string{"apps/common/Kustomization": "{}"}, []string{"apps/common/Kustomization"},
			map[string][]string{
				"apps/shop/overlays/dev":  {"apps/common/Kustomization ← apps/shop/base ← apps/shop/overlays/dev"},
				"apps/shop/overlays/prod": {"apps/common/Kustomization ← apps/shop/base ← apps/shop/overlays/prod"},
			}},
		{"a link takes the place of a directory", map[string]string{
			"apps/common/kustomization.yaml": "", "apps/common/settings.ini": "", "apps/common": "-> ../elsewhere",
		}, []string{"apps/common"}, map[string][]string{
			"apps/shop/overlays/dev":  {"apps/common ← apps/shop/base ← apps/shop/overlays/dev"},
			"apps/shop/overlays/prod": {"apps/common ← apps/shop/base ← apps/shop/overlays/prod"},
		}},
		{"anything below plain manifests", nil, []string{"clusters/prod/deep/new.yaml"}, map[string][]string{
			"clusters/prod": {"clusters/prod/deep/new.yaml ← clusters/prod"},
		}},
		{"more reasons than are of use", nil, many("clusters/prod/%d.yaml", 8), map[string][]string{
			"clusters/prod": {
				"clusters/prod/0.yaml", "clusters/prod/1.yaml", "clusters/prod/2.yaml", "clusters/prod/3.yaml", "clusters/prod/4.yaml", "+3 more",
			},
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			memo := NewMemo()
			base := Snapshot{layout(dev, prod, clusters), buildWith(t, shop(), memo)}
			head := Snapshot{base.Layout, buildWith(t, with(test.head), memo)}
			got := make(map[string][]string)
			for _, s := range Select(base, head, test.changed) {
				if !s.Base || !s.Head {
					t.Errorf("%s: base %v, head %v", s.Target.ID, s.Base, s.Head)
				}
				got[s.Target.ID] = s.Why
			}
			if test.want == nil {
				test.want = map[string][]string{}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("selection (-want +got):\n%s", diff)
			}
		})
	}
}

func many(format string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf(format, i)
	}
	return out
}

func buildWith(t *testing.T, files map[string]string, memo *Memo) *Graph {
	t.Helper()
	g, err := Build(tree(files), memo)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestSelectTargetsOfOneSide(t *testing.T) {
	t.Parallel()
	g := build(t, tree(shop()))
	moved := prod
	moved.Environment = "production"
	got := Select(Snapshot{layout(dev, prod), g}, Snapshot{layout(moved, clusters), g}, nil)
	want := []Selection{
		{Target: dev, Base: true, Why: []string{"was a target on base only"}},
		{Target: moved, Base: true, Head: true, Why: []string{"its environment was prod, is production"}},
		{Target: clusters, Head: true, Why: []string{"is a target on head only"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("selection (-want +got):\n%s", diff)
	}
}

func TestAllWithoutBase(t *testing.T) {
	t.Parallel()
	got := All(Snapshot{}, Snapshot{layout(dev, prod), build(t, tree(shop()))}, nil, "--all")
	want := []Selection{
		{Target: dev, Head: true, Why: []string{"--all"}},
		{Target: prod, Head: true, Why: []string{"--all"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("selection (-want +got):\n%s", diff)
	}
}
