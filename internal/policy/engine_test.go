package policy_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-dev/sluice/internal/finding"
	"github.com/sluice-dev/sluice/internal/manifest"
	"github.com/sluice-dev/sluice/internal/policy"
)

func lines(findings finding.List) []string {
	var out []string
	for _, f := range findings {
		out = append(out, f.Severity.String()+" "+f.Rule+" "+f.File+" "+f.Object+" "+f.Path)
	}
	return out
}

const privileged = `apiVersion: v1
kind: Pod
metadata: {name: p, namespace: n}
spec:
  securityContext: {runAsNonRoot: true}
  containers:
  - {name: c, image: "a:1", securityContext: {privileged: true}, resources: {limits: {cpu: 1, memory: 1Gi}}}
`

func TestBundles(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		opts policy.Options
		want []string
	}{
		"default": {policy.Options{}, []string{"error policy/privileged pod.yaml Pod n/p spec.containers[name=c].securityContext.privileged"}},
		"none":    {policy.Options{Bundles: []string{}}, nil},
		"practice": {policy.Options{Bundles: []string{"practice"}}, []string{
			"warning policy/image-digest pod.yaml Pod n/p spec.containers[name=c].image",
			"warning policy/network-policy pod.yaml Pod n/p ",
		}},
		"disabled": {policy.Options{Disable: []string{"policy/priv*"}}, nil},
		"severity": {policy.Options{Severities: map[string]finding.Severity{"policy/*": finding.Notice}}, []string{
			"notice policy/privileged pod.yaml Pod n/p spec.containers[name=c].securityContext.privileged",
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, lines(check(t, builtin(t, tt.opts), privileged))); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// A rule in several bundles has the highest of their severities.
func TestSeverityOfBundles(t *testing.T) {
	t.Parallel()
	severity := func(bundles ...string) string {
		for _, r := range builtin(t, policy.Options{Bundles: bundles}).Rules() {
			if r.ID == "policy/run-as-non-root" {
				return r.Severity.String()
			}
		}
		return "absent"
	}
	got := []string{severity("default"), severity("baseline"), severity("default", "restricted"), severity("restricted", "default")}
	if want := []string{"warning", "absent", "error", "error"}; !cmp.Equal(got, want) {
		t.Error(cmp.Diff(want, got))
	}
}

func TestOptionsThatMatchNothing(t *testing.T) {
	t.Parallel()
	set, err := policy.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	_, problems, err := policy.New(t.Context(), policy.Options{
		Bundles: []string{"default", "strict"}, Disable: []string{"policy/priviledged", "policy/[a"},
		Severities: map[string]finding.Severity{"lint/*": finding.Error},
	}, set)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range problems {
		got = append(got, f.String())
	}
	want := []string{
		`bundles: there is no bundle "strict": default, practice, baseline, restricted are known [policy/no-such-bundle]`,
		`disable: "policy/[a" is not a pattern: * stands for any text without a slash, ? for a character, [ab] for one of several [policy/no-such-rule]`,
		`disable: "policy/priviledged" matches no rule [policy/no-such-rule]`,
		`severities: "lint/*" matches no rule [policy/no-such-rule]`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// Rules over all objects of a target say which object they are about.
func TestRulesOverATarget(t *testing.T) {
	t.Parallel()
	engine := builtin(t, policy.Options{Disable: []string{"policy/r*", "policy/image-tag"}})
	want := []string{
		"warning policy/fixed-replicas pod.yaml Deployment.apps shop/web spec.replicas",
		"warning policy/ingress-tls pod.yaml Ingress.networking.k8s.io shop/web spec.rules[0].host",
		"warning policy/selects-nothing pod.yaml NetworkPolicy.networking.k8s.io shop/web spec.podSelector",
		"warning policy/selects-nothing pod.yaml PodDisruptionBudget.policy shop/web spec.selector",
		"warning policy/service-without-pods pod.yaml Service shop/web spec.selector",
		"error policy/selector-mismatch pod.yaml Deployment.apps shop/web spec.selector",
		"notice policy/disruption-budget pod.yaml Deployment.apps shop/web spec.replicas",
	}
	got := lines(check(t, engine, related))
	if diff := cmp.Diff(want, got, cmp.Transformer("set", func(l []string) map[string]bool {
		m := make(map[string]bool)
		for _, s := range l {
			m[s] = true
		}
		return m
	})); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// Rules about a whole target are evaluated together, over the objects that any of them looks at: what one says must not depend on
// which others are chosen.
func TestRulesOverATargetPickTheirKinds(t *testing.T) {
	t.Parallel()
	const objects = `{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {replicas: 2, template: {metadata: {labels: {app: web}}}}}
---
{apiVersion: batch/v1, kind: Job, metadata: {name: once, namespace: other}, spec: {template: {metadata: {labels: {app: once}}}}}
---
{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: none}, spec: {replicas: 3, selector: {app: web, matchLabels: {app: api}}}}
---
{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: web}, spec: {replicas: 2, scaleTargetRef: {kind: Deployment, name: web}}}
---
{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: none}, spec: {podSelector: {matchLabels: {app: api}}}}
---
{apiVersion: v1, kind: Service, metadata: {name: none}, spec: {replicas: 2, selector: {app: api}, template: {metadata: {labels: {app: api}}}}}
---
{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: a}, spec: {rules: [{host: example.com}], selector: {app: api}}}
---
{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: b}, spec: {rules: [{host: example.com}], podSelector: {app: api}}}
`
	bundles := []string{"default", "practice"}
	said := make(map[string]int)
	for _, line := range lines(check(t, builtin(t, policy.Options{Bundles: bundles}), objects)) {
		said[line]++
	}
	alone := make(map[string]int)
	rules := []string{"disruption-budget", "fixed-replicas", "network-policy", "selects-nothing", "service-without-pods", "unique-host"}
	for _, rule := range rules {
		var others []string
		for _, r := range builtin(t, policy.Options{Bundles: bundles}).Rules() {
			if r.ID != "policy/"+rule {
				others = append(others, r.ID)
			}
		}
		found := lines(check(t, builtin(t, policy.Options{Bundles: bundles, Disable: others}), objects))
		if len(found) == 0 {
			t.Errorf("%s finds nothing here, so this proves nothing about it", rule)
		}
		for _, line := range found {
			alone[line]++
		}
	}
	maps.DeleteFunc(said, func(line string, _ int) bool {
		return !slices.ContainsFunc(rules, func(rule string) bool { return strings.Contains(line, " policy/"+rule+" ") })
	})
	if diff := cmp.Diff(alone, said); diff != "" {
		t.Errorf("alone and together (-alone +together)\n%s", diff)
	}
}

// The same object in another file is found there: what is remembered about its text does not carry the file.
func TestSameObjectInAnotherFile(t *testing.T) {
	t.Parallel()
	engine := builtin(t, policy.Options{})
	for _, file := range []string{"base/pod.yaml", "prod/pod.yaml", "base/pod.yaml"} {
		objects, _ := manifest.Parse(file, []byte(privileged))
		result, err := engine.Check(t.Context(), objects)
		if err != nil {
			t.Fatal(err)
		}
		if len(result.Findings) != 1 || result.Findings[0].File != file {
			t.Errorf("%s: %q", file, result.Findings)
		}
	}
}

// Every kind that a rule about workloads is evaluated for has a pod, as policies/workload.rego sees it.
func TestWorkloadKinds(t *testing.T) {
	t.Parallel()
	engine := builtin(t, policy.Options{})
	container := `{containers: [{name: c, image: "a:1", securityContext: {privileged: true}}]}`
	for _, object := range []string{
		"apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec: " + container,
		"apiVersion: v1\nkind: PodTemplate\nmetadata: {name: x}\ntemplate: {spec: " + container + "}",
		"apiVersion: v1\nkind: ReplicationController\nmetadata: {name: x}\nspec: {template: {spec: " + container + "}}",
		"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\nspec: {template: {spec: " + container + "}}",
		"apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: x}\nspec: {template: {spec: " + container + "}}",
		"apiVersion: apps/v1\nkind: DaemonSet\nmetadata: {name: x}\nspec: {template: {spec: " + container + "}}",
		"apiVersion: apps/v1\nkind: ReplicaSet\nmetadata: {name: x}\nspec: {template: {spec: " + container + "}}",
		"apiVersion: batch/v1\nkind: Job\nmetadata: {name: x}\nspec: {template: {spec: " + container + "}}",
		"apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: x}\nspec: {jobTemplate: {spec: {template: {spec: " + container + "}}}}",
	} {
		found := false
		for _, f := range check(t, engine, object) {
			found = found || f.Rule == "policy/privileged"
		}
		if !found {
			t.Errorf("no finding in\n%s", object)
		}
	}
}

// An engine serves several targets at once, and says the same to each.
func TestConcurrentChecks(t *testing.T) {
	t.Parallel()
	engine := builtin(t, policy.Options{})
	objects := sample(t, 60)
	want, err := builtin(t, policy.Options{}).Check(t.Context(), objects)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 8 {
		t.Run(strconv.Itoa(i), func(t *testing.T) {
			t.Parallel()
			got, err := engine.Check(t.Context(), objects)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// The end of the context ends a check with its error, whatever the rules do.
func TestContextEnds(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := builtin(t, policy.Options{}).Check(ctx, sample(t, 10)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}

// The cost of rules over all objects of a target grows with their number, not with its square.
func TestLargeTarget(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	engine := builtin(t, policy.Options{Bundles: allBundles})
	took := func(n int) time.Duration {
		objects := sample(t, n)
		best := time.Hour
		for range 3 {
			before := cpu(t)
			result, err := engine.Check(t.Context(), objects)
			if err != nil || result.Incomplete {
				t.Fatalf("%v, incomplete: %.500s", err, result.Findings)
			}
			best = min(best, cpu(t)-before) // from the second time on, of these rules alone
		}
		return best
	}
	small, large := took(250), took(2_000)
	t.Logf("250 objects: %s, 2,000 objects: %s", small, large)
	if large > 24*small {
		t.Errorf("8 times as many objects took %.0f times as long", float64(large)/float64(small))
	}
}
