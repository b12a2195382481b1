package pipeline

import (
	"slices"
	"testing"
	"testing/fstest"

	"github.com/sluice-dev/sluice/internal/config"
	"github.com/sluice-dev/sluice/internal/manifest"
	"github.com/sluice-dev/sluice/internal/plan"
	"github.com/sluice-dev/sluice/internal/schema"
)

const admissionPolicy = `apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: p}
spec:
  matchConstraints: {resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [configmaps]}]}
  validations: [{expression: "true"}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: p}
spec: {policyName: p, validationActions: [Deny]}
`

// TestSameVerdict holds the shortcut to its conditions: base's verdict is head's only where nothing about it can differ.
func TestSameVerdict(t *testing.T) {
	t.Parallel()
	policies, problems := manifest.Parse("p.yaml", []byte(admissionPolicy))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	empty := memory{fstest.MapFS{}}
	target := config.Target{ID: "app", Dir: "app", Environment: "prod"}
	for name, test := range map[string]struct {
		same, touched, lacking bool
		base, head             []*manifest.Object // admission policies of the environment
		want                   bool
	}{
		"nothing differs":                      {same: true, want: true},
		"the renderings differ":                {same: false},
		"a definition changes":                 {same: true, touched: true},
		"a chart may change a definition":      {same: true, lacking: true},
		"an admission policy on both sides":    {same: true, base: policies, head: policies},
		"an admission policy that base had":    {same: true, base: policies},
		"an admission policy that head brings": {same: true, head: policies},
	} {
		j := &judge{check: &Check{Base: Side{Tree: empty}, Head: Side{Tree: empty}}, facts: &facts{touched: test.touched}}
		j.clusters = &clusters{judge: j, known: map[clusterKey]*cluster{
			{"prod", false}: rendered(test.base), {"prod", true}: rendered(test.head),
		}}
		got, err := j.sameVerdict(t.Context(), plan.Selection{Target: target, Base: true, Head: true, Same: test.same}, inspection{lacking: test.lacking}, nil)
		if err != nil || got != test.want {
			t.Errorf("%s: %t, %v; want %t", name, got, err, test.want)
		}
	}
}

// rendered is a cluster whose targets with policies are rendered.
func rendered(objects []*manifest.Object) *cluster {
	c := &cluster{objects: objects}
	c.once.Do(func() {})
	c.compile.Do(func() { c.bound = schema.NewAdmission(objects) })
	return c
}

// TestFilesWithPolicies looks at base and at what the change touches only, and finds what reading both sides would.
func TestFilesWithPolicies(t *testing.T) {
	t.Parallel()
	policy, other := &fstest.MapFile{Data: []byte(admissionPolicy)}, &fstest.MapFile{Data: []byte("kind: ConfigMap\n")}
	c := &Check{
		Base:    Side{Tree: memory{fstest.MapFS{"kept.yaml": policy, "gone.yaml": policy, "loses.yaml": policy, "gets.yaml": other, "text.md": policy}}},
		Head:    Side{Tree: memory{fstest.MapFS{"kept.yaml": policy, "loses.yaml": other, "gets.yaml": policy, "new.yaml": policy, "text.md": policy}}},
		Changed: []string{"gets.yaml", "gone.yaml", "loses.yaml", "new.yaml"},
	}
	f := &facts{check: c}
	if got, want := f.policies(false), []string{"gone.yaml", "kept.yaml", "loses.yaml"}; !slices.Equal(got, want) {
		t.Errorf("on base: %q, want %q", got, want)
	}
	if got, want := f.policies(true), []string{"gets.yaml", "kept.yaml", "new.yaml"}; !slices.Equal(got, want) {
		t.Errorf("on head: %q, want %q", got, want)
	}
}
