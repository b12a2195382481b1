package config_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-dev/sluice/internal/config"
	"github.com/sluice-dev/sluice/internal/plan"
)

// repository makes a tree from lines: "dir" holds an empty kustomization, "dir < a b" one that builds upon a and b,
// "dir component" a component, "file.yaml" is a Service, "file: text" a file with that content.
func repository(lines ...string) memTree {
	m := make(fstest.MapFS)
	for _, line := range lines {
		if name, text, ok := strings.Cut(line, ": "); ok {
			m[name] = &fstest.MapFile{Data: []byte(text)}
		} else if dir, bases, ok := strings.Cut(line, " < "); ok {
			up := strings.Repeat("../", strings.Count(dir, "/")+1)
			m[dir+"/kustomization.yaml"] = &fstest.MapFile{Data: []byte("resources: [" + up + strings.ReplaceAll(bases, " ", ", "+up) + "]")}
		} else if dir, ok := strings.CutSuffix(line, " component"); ok {
			m[dir+"/kustomization.yaml"] = &fstest.MapFile{Data: []byte("kind: Component")}
		} else if strings.HasSuffix(line, ".yaml") {
			m[line] = &fstest.MapFile{Data: []byte("apiVersion: v1\nkind: Service\nmetadata: {name: web}\n")}
		} else {
			m[line+"/kustomization.yaml"] = &fstest.MapFile{Data: []byte("namePrefix: x-")}
		}
	}
	return memTree{m}
}

type memTree struct{ fstest.MapFS }

func (memTree) OID(string) (string, bool) { return "", false }

// outline gives a layout in lines: "dir = app@environment", with " manifests" behind those of plain manifests, then
// "dir: reason" for the others, and "order: …".
func outline(l config.Layout) []string {
	var out []string
	for _, target := range l.Targets {
		line := fmt.Sprintf("%s = %s@%s", target.Dir, target.App, target.Environment)
		if target.Kind == config.Manifests {
			line += " manifests"
		}
		out = append(out, line)
	}
	for _, n := range l.NonTargets {
		out = append(out, n.Dir+": "+n.Why)
	}
	return append(out, "order: "+strings.Join(l.Environments, " "))
}

func layoutOf(t *testing.T, c *config.Config, tree memTree) (config.Layout, string) {
	t.Helper()
	graph, err := plan.Build(tree, plan.NewMemo())
	if err != nil {
		t.Fatal(err)
	}
	layout, findings := c.Layout(tree, graph)
	return layout, findings.String()
}

func TestDetect(t *testing.T) {
	t.Parallel()
	const none = "no environment in its path"
	for _, test := range []struct {
		name  string
		lines []string
		want  []string
	}{
		{"overlays beside a base",
			[]string{"apps/shop/base", "apps/shop/overlays/dev < apps/shop/base", "apps/shop/overlays/production < apps/shop/base"},
			[]string{"apps/shop/overlays/dev = shop@dev", "apps/shop/overlays/production = shop@production",
				"apps/shop/base: is used by apps/shop/overlays/dev and 1 more", "order: dev production"}},
		{"an application per environment", []string{"staging/shop", "staging/web", "prod/shop"},
			[]string{"prod/shop = shop@prod", "staging/shop = shop@staging", "staging/web = web@staging", "order: staging prod"}},
		{"regions are targets of one application", []string{"apps/shop/dev/eu-west-1", "apps/shop/prod/eu-west-1", "apps/shop/prod/us-east-2"},
			[]string{"apps/shop/dev/eu-west-1 = shop@dev", "apps/shop/prod/eu-west-1 = shop@prod", "apps/shop/prod/us-east-2 = shop@prod", "order: dev prod"}},
		{"clusters are part of the application", []string{"shop/dev/one", "shop/prod/one"},
			[]string{"shop/dev/one = shop-one@dev", "shop/prod/one = shop-one@prod", "order: dev prod"}},
		{"versions are no environments", []string{"op/overlays/stable", "op/overlays/4.12", "op/overlays/development"},
			[]string{"op/overlays/4.12: " + none,
				"op/overlays/development: " + none + ": no other environment stands beside development",
				"op/overlays/stable: " + none, "order: "}},
		{"one environment is believed below overlays", []string{"shop/overlays/dev", "shop/overlays/rosa"},
			[]string{"shop/overlays/dev = shop@dev",
				"shop/overlays/rosa: " + none + ": rosa stands beside dev; if it is one, add it to order", "order: dev"}},
		{"one environment is believed beside base", []string{"shop/prod < shop/base", "shop/base"},
			[]string{"shop/prod = shop@prod", "shop/base: is used by shop/prod", "order: prod"}},
		{"one environment is believed where its neighbours have it", []string{"apps/shop/dev", "apps/shop/prod", "apps/web/prod", "apps/web/test"},
			[]string{"apps/shop/dev = shop@dev", "apps/shop/prod = shop@prod", "apps/web/prod = web@prod", "apps/web/test = web@test", "order: dev test prod"}},
		{"a name alone says nothing", []string{"overlays/dev", "overlays/test", "webapp/test", "webapp/common"},
			[]string{"overlays/dev = all@dev", "overlays/test = all@test", "webapp/common: " + none,
				"webapp/test: " + none + ": no other environment stands beside test", "order: dev test"}},
		{"a name inside a name says nothing", []string{"openshift-dev-spaces", "clusters/non-prod-east", "clusters/prod-east"},
			[]string{"clusters/non-prod-east: " + none + ": non-prod-east only contains the name of one",
				"clusters/prod-east: " + none + ": prod-east only contains the name of one",
				"openshift-dev-spaces: " + none + ": openshift-dev-spaces only contains the name of one", "order: "}},
		{"components, bases and templates never render alone",
			[]string{"c/overlays/dev component", "c/overlays/prod", "bases/stages/dev", "bases/stages/prod", "{{app}}/overlays/dev", "t/overlays/dev/kustomization.yaml: {{ if }}"},
			[]string{"c/overlays/prod = c@prod", "bases/stages/dev: is a base: it lies below bases", "bases/stages/prod: is a base: it lies below bases",
				"c/overlays/dev: is a component", "t/overlays/dev: is a template", "{{app}}/overlays/dev: is a template", "order: prod"}},
		{"what another target of the environment builds upon", []string{"dev < dev/a dev/b", "dev/a", "dev/b < dev/b/c", "dev/b/c", "prod < dev/a"},
			[]string{"dev = all@dev", "prod = all@prod", "dev/a: is used by dev and 1 more", "dev/b: is used by dev", "dev/b/c: is used by dev/b", "order: dev prod"}},
		{"staging on top of prod: both are targets", []string{"overlays/staging < overlays/prod", "overlays/prod"},
			[]string{"overlays/prod = all@prod", "overlays/staging = all@staging", "order: staging prod"}},
		{"a cycle hides nothing", []string{"dev/a < dev/b", "dev/b < dev/a", "prod/a"},
			[]string{"dev/a = a@dev", "dev/b = b@dev", "prod/a = a@prod", "order: dev prod"}},
		{"a kustomization that cannot be parsed is a target", []string{"dev/kustomization.yaml: resources: {", "prod"},
			[]string{"dev = all@dev", "prod = all@prod", "order: dev prod"}},
		{"plain manifests, as Flux and Argo CD apply them",
			[]string{"clusters/dev/apps.yaml", "clusters/dev/deep/more.yaml", "clusters/dev/flux-system", "clusters/prod/web/a.yaml", "clusters/prod/db/a.yaml"},
			[]string{"clusters/dev = clusters@dev manifests", "clusters/dev/flux-system = flux-system@dev",
				"clusters/prod/db = db@prod manifests", "clusters/prod/web = web@prod manifests", "order: dev prod"}},
		{"plain manifests on one line", []string{
			"dev/a.yaml: {apiVersion: v1, kind: Service, metadata: {name: web}}", `prod/a.json: {"kind":"Service","apiVersion":"v1","metadata":{"name":"web"}}`,
			"test/a.yaml: {apiVersion: kustomize.config.k8s.io/v1beta1, kind: Component}", `qa/a.json: {"name": "web", "kind": "service"}`,
		}, []string{"dev = all@dev manifests", "prod = all@prod manifests", "order: dev prod"}},
		{"files that are no manifests of their own", []string{
			"dev/values.yaml: replicas: 1", "prod/kustomization.yaml: patches: [{path: patches/a.yaml}]", "prod/patches/a.yaml", "prod/other/b.yaml",
			"test/shop/kustomization.yaml: resources: [../objects/a.yaml]", "test/objects/a.yaml", "qa/chart/Chart.yaml: name: x", "qa/chart/templates/a.yaml",
			"uat/a.yaml: apiVersion: v1\nkind: Service\nmetadata: {name: {{ x }}}", "stage/overlays/x/a.yaml", "dev/.github/a.yaml", "bases/prod/a.yaml",
		}, []string{"prod = all@prod", "test/shop = shop@test", "order: test prod"}},
		{"a directory below overlays without a kustomization", []string{"shop/overlays/dev/patch.yaml", "shop/overlays/prod"},
			[]string{"shop/overlays/prod = shop@prod", "order: prod"}},
		{"names of applications", []string{
			"src/accounts/accounts-db/k8s/overlays/dev", "src/accounts/accounts-db/k8s/overlays/prod", "infrastructure/dev", "infrastructure/prod",
			"a/b-c/overlays/dev", "a-b/c/overlays/dev",
		}, []string{
			"a-b/c/overlays/dev = a-b/c@dev", "a/b-c/overlays/dev = a/b-c@dev", "infrastructure/dev = infrastructure@dev", "infrastructure/prod = infrastructure@prod",
			"src/accounts/accounts-db/k8s/overlays/dev = accounts-db@dev", "src/accounts/accounts-db/k8s/overlays/prod = accounts-db@prod", "order: dev prod",
		}},
		{"the order of well-known names", []string{"env/prod", "env/preprod", "env/staging", "env/uat", "env/qa", "env/test", "env/dev", "env/sandbox"},
			[]string{"env/dev = all@dev", "env/preprod = all@preprod", "env/prod = all@prod", "env/qa = all@qa", "env/sandbox = all@sandbox",
				"env/staging = all@staging", "env/test = all@test", "env/uat = all@uat", "order: sandbox dev qa test uat staging preprod prod"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			layout, _ := layoutOf(t, config.Default(), repository(test.lines...))
			if diff := cmp.Diff(test.want, outline(layout)); diff != "" {
				t.Errorf("layout (-want +got):\n%s", diff)
			}
		})
	}
}

func TestConfiguredLayout(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, file string
		lines      []string
		want       []string
		findings   string
	}{
		{"captures", "targets: [{path: 'apps/{app}/overlays/{env}'}]",
			[]string{"apps/shop/overlays/dev", "apps/shop/overlays/at23", "apps/shop/base", "apps/web/overlays/prod component", "other/overlays/dev"},
			[]string{"apps/shop/overlays/dev = shop@dev", "apps/shop/base: no path of targets matches it",
				`apps/shop/overlays/at23: its environment "at23" is not known: add it to order`,
				"apps/web/overlays/prod: is a component", "other/overlays/dev: no path of targets matches it", "order: dev"}, ""},
		{"names nobody can guess", "targets: [{path: '{app}/{env}'}]\norder: [at23, [tt02, tt01], production]\nenvironments: {production: {aliases: [prod]}}",
			[]string{"shop/at23", "shop/tt02", "shop/prod", "shop/production", "shop/base"},
			[]string{"shop/at23 = shop@at23", "shop/prod = shop@production", "shop/production = shop@production", "shop/tt02 = shop@tt02",
				`shop/base: its environment "base" is not known: add it to order`, "order: at23 tt01 tt02 production"}, ""},
		{"parts of segments, the longest environment", "targets: [{path: '{app}-{env}'}]\norder: [dev, prod, prod-eu]",
			[]string{"web-shop-dev", "web-prod-eu", "web-prod"},
			[]string{"web-prod = web@prod", "web-prod-eu = web@prod-eu", "web-shop-dev = web-shop@dev", "order: dev prod prod-eu"}, ""},
		{"any depth, fixed names, the first rule wins", "targets: [{path: 'x/**', app: x, environment: dev}, {path: '**/{env}', app: y}, {path: ., environment: prod}]",
			[]string{"x", "x/a/dev", "a/b/dev", "kustomization.yaml: {namePrefix: a}"},
			[]string{". = all@prod", "a/b/dev = y@dev", "x = x@dev", "x/a/dev = x@dev", "order: dev prod"}, ""},
		{"kinds", "targets: [{path: 'k/{env}', kind: kustomize}, {path: 'm/{env}', kind: manifests}, {path: 'any/{env}'}]",
			[]string{"k/dev", "k/prod/a.yaml", "m/dev", "m/prod/a.yaml", "any/dev", "any/prod/a.yaml", "any/qa/values.yaml: a: b"},
			[]string{"any/dev = all@dev", "any/prod = all@prod manifests", "k/dev = all@dev", "m/prod = all@prod manifests",
				"m/dev: no path of targets matches it", "order: dev prod"}, ""},
		{"exclusion, and a path that matches nothing", "targets: [{path: 'apps/{env}'}, {path: 'gone/{env}'}]\nexclude: ['apps/d*']",
			[]string{"apps/dev", "apps/prod"}, []string{"apps/prod = all@prod", "apps/dev: is excluded by apps/d*", "order: prod"},
			".sluice.yaml:1:40: no directory with a kustomization or manifests matches \"gone/{env}\" [layout/unmatched]"},
		{"detection with names and exclusions of the file", "order: [eins, zwei]\nexclude: [legacy/**]",
			[]string{"shop/eins", "shop/zwei", "shop/dev", "legacy/eins", "legacy/zwei"},
			[]string{"shop/eins = shop@eins", "shop/zwei = shop@zwei", "legacy/eins: is excluded by legacy/**", "legacy/zwei: is excluded by legacy/**",
				"shop/dev: no environment in its path", "order: eins zwei"}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c, findings := config.Parse(config.FileName, []byte(test.file))
			if len(findings) > 0 {
				t.Fatalf("configuration:\n%s", findings)
			}
			layout, found := layoutOf(t, c, repository(test.lines...))
			if diff := cmp.Diff(test.want, outline(layout)); diff != "" {
				t.Errorf("layout (-want +got):\n%s", diff)
			}
			if found != test.findings {
				t.Errorf("findings:\n%s", found)
			}
		})
	}
}

func TestNoTargets(t *testing.T) {
	t.Parallel()
	for file, want := range map[string][]string{
		"":                               {"no environments found", "dev, test, qa, staging, prod or production", "targets: [{path: ", "[layout/none]"},
		"order: [at23]":                  {"exactly the name of an environment (at23)"},
		"targets: [{path: 'a/{env}'}]\n": {".sluice.yaml:1:10: ", "correct the paths of targets", "[layout/unmatched]"},
	} {
		c, _ := config.Parse(config.FileName, []byte(file))
		layout, findings := layoutOf(t, c, repository("elsewhere"))
		if len(layout.Targets) > 0 || len(layout.NonTargets) != 1 {
			t.Errorf("%q: layout %+v", file, layout)
		}
		for _, text := range want {
			if !strings.Contains(findings, text) {
				t.Errorf("%q: findings lack %q:\n%s", file, text, findings)
			}
		}
	}
}
