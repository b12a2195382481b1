package rehearse

import (
	"context"
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/sluice-dev/sluice/internal/finding"
	"github.com/sluice-dev/sluice/internal/manifest"
	"github.com/sluice-dev/sluice/internal/schema"
)

// TestAdmissionAgrees holds what package schema says of ValidatingAdmissionPolicies against a real API server: the policies of that
// package's test data are installed, and each object is created or updated by a dry-run. Where sluice evaluates all policies, the
// server denies what it denies, with one of its messages, and nothing else.
func TestAdmissionAgrees(t *testing.T) {
	s := startServer(t)
	c, err := s.client(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	denied, admitted := 0, 0
	for _, name := range []string{"admission", "admission-equivalent"} {
		archive, err := txtar.ParseFile(filepath.Join("..", "schema", "testdata", name+".txtar"))
		if err != nil {
			t.Fatal(err)
		}
		a := admissionCase{c: c, name: name, definitions: objectsOf(t, name, part(archive, "definitions.yaml")), cluster: objectsOf(t, name, part(archive, "admission.yaml"))}
		a.old, a.objects = objectsOf(t, name, part(archive, "old.yaml")), objectsOf(t, name, part(archive, "objects.yaml"))
		d, o := a.compare(t)
		denied, admitted = denied+d, admitted+o
	}
	t.Logf("%d objects denied by both, %d admitted by both", denied, admitted)
	if denied < 5 || admitted < 3 {
		t.Errorf("%d objects denied and %d admitted: the comparison says nothing", denied, admitted)
	}
}

type admissionCase struct {
	c                                  *client
	name                               string
	definitions, cluster, old, objects []*manifest.Object
}

func (a admissionCase) compare(t *testing.T) (denied, admitted int) {
	t.Helper()
	set, err := schema.Kubernetes()
	if err != nil {
		t.Fatal(err)
	}
	var custom []*schema.Definition
	for _, o := range a.definitions {
		d, err := set.Definition(o, "")
		if err != nil {
			t.Fatal(err)
		}
		custom = append(custom, d)
	}
	with := schema.Context{Custom: schema.NewCustom(custom...), Admission: schema.NewAdmission(a.cluster), Old: a.old}
	a.install(t)
	for _, o := range a.objects {
		result, err := set.Check(minorOf(AssetsKubernetes), []*manifest.Object{o}, with)
		if err != nil {
			t.Fatal(err)
		}
		has := func(rule string) bool {
			return slices.ContainsFunc(result.Findings, func(f finding.Finding) bool { return f.Rule == rule })
		}
		if schema.IsAdmission(o) || result.Unknown > 0 || has(schema.RuleAdmissionSkipped) {
			continue // said not to be evaluated
		}
		var ours []string
		for _, f := range result.Findings {
			if strings.HasPrefix(f.Rule, "admission/") && f.Severity == finding.Error {
				_, message, _ := strings.Cut(f.Message, ": ")
				ours = append(ours, message)
			}
		}
		theirs := a.ask(t, o)
		switch agreed := slices.ContainsFunc(ours, func(m string) bool { return theirs != nil && strings.HasSuffix(theirs.Error(), "denied request: "+m) }); {
		case agreed:
			denied++
		case len(ours) == 0 && theirs == nil:
			admitted++
		default:
			t.Errorf("%s: we say %q, the API server %v", o.ID, ours, theirs)
		}
	}
	return denied, admitted
}

// install brings everything but the objects to the server, and waits until its policies are in force.
func (a admissionCase) install(t *testing.T) {
	t.Helper()
	name := "marker-of-" + a.name
	marker := objectsOf(t, "marker", []byte(strings.ReplaceAll(`{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingAdmissionPolicy, metadata: {name: NAME}, spec: {matchConstraints: {resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [configmaps], resourceNames: [NAME]}]}, validations: [{expression: "false"}]}}
---
{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingAdmissionPolicyBinding, metadata: {name: NAME}, spec: {policyName: NAME, validationActions: [Deny]}}
`, "NAME", name)))
	namespaces := slices.DeleteFunc(slices.Clone(a.cluster), func(o *manifest.Object) bool { return o.ID.Kind != "Namespace" })
	for _, o := range namespacesOf(slices.Concat(a.old, a.objects, a.cluster)) {
		if !slices.ContainsFunc(namespaces, func(given *manifest.Object) bool { return o.ID == given.ID }) {
			namespaces = append(namespaces, o)
		}
	}
	stage := newStage(a.c)
	stage.add(Target{ID: "there", Head: slices.Concat(a.definitions, namespaces, a.old)})
	if err := stage.play(t.Context()); err != nil {
		t.Fatal(err)
	}
	if r := stage.acts[0].result(); len(r.Head) > 0 {
		t.Fatal(r.Head)
	}
	for _, o := range slices.Concat(a.cluster, marker) {
		if o.ID.Name != "broken" { // which the server refuses
			applyAs(t, a.c, "cluster", o)
		}
	}
	probe := objectsOf(t, "probe", []byte("{apiVersion: v1, kind: ConfigMap, metadata: {name: "+name+", namespace: default}}\n"))[0]
	deadline := time.Now().Add(time.Minute)
	for a.ask(t, probe) == nil {
		if time.Now().After(deadline) {
			t.Fatal("the API server does not heed the policies")
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// ask has the server admit an object without effect: its creation, or its update where it was there before.
func (a admissionCase) ask(t *testing.T, o *manifest.Object) error {
	t.Helper()
	r, ok, err := a.c.resource(context.Background(), o.ID.Group, o.Version, o.ID.Kind)
	if err != nil || !ok {
		t.Fatalf("%s is not served: %v", o.ID, err)
	}
	if !slices.ContainsFunc(a.old, func(before *manifest.Object) bool { return before.ID == o.ID }) {
		err = a.c.examine(context.Background(), r, o.ID, runtime.DeepCopyJSON(o.Value()))
	} else {
		var body []byte
		if body, err = json.Marshal(o.Value()); err == nil {
			err = a.c.apply(context.Background(), r, o.ID, body, true, true)
		}
	}
	if err != nil && !apierrors.IsForbidden(err) && !apierrors.IsInvalid(err) {
		t.Fatalf("%s: %v", o.ID, err)
	}
	return err
}
