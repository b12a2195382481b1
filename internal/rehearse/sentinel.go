package rehearse

import (
	"context"
	"encoding/json"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/sluice-dev/sluice/internal/manifest"
)

// The API server notices admission policies a moment after it has stored them. It reads those of a kind in the order in which they
// were stored, so one that is stored last tells by what it does to one name: once it is in effect, so are the others.

// sentinel begins the names of the policies that tell, and of the object that they look for.
const sentinel = "sluice-sentinel"

// awaitPolicies waits until the policies that were stored are in effect.
func (s *stage) awaitPolicies(ctx context.Context, sc *scene) error {
	s.mu.Lock()
	name := fmt.Sprintf("%s-%d", sentinel, len(s.stored))
	s.mu.Unlock()
	for _, version := range s.storedVersions(sc, "MutatingAdmissionPolicy") {
		if err := s.awaitSentinel(ctx, "MutatingAdmissionPolicy", version, name, mutates(name)); err != nil {
			return err
		}
	}
	// The last: what mutates is in effect, and with it what is judged.
	return s.awaitSentinel(ctx, "ValidatingAdmissionPolicy", "v1", name, refuses(name))
}

// storedVersions gives the first version in which the pieces of a kind were stored, if any was: policies of all versions take effect
// together.
func (s *stage) storedVersions(sc *scene, kind string) []string {
	for _, p := range sc.pieces {
		if _, stored := s.has(p.object.ID); stored && p.isPolicy() && p.object.ID.Kind == kind {
			return []string{p.object.Version}
		}
	}
	return nil
}

// onCreate is the part that the sentinels share: they look at one ConfigMap.
func onCreate(spec map[string]any) map[string]any {
	spec["matchConstraints"] = map[string]any{"resourceRules": []any{map[string]any{
		"apiGroups": []any{""}, "apiVersions": []any{"v1"}, "operations": []any{"CREATE"}, "resources": []any{"configmaps"},
	}}}
	return spec
}

func refuses(name string) map[string]any {
	return onCreate(map[string]any{"validations": []any{map[string]any{"expression": "object.metadata.name != '" + name + "'"}}})
}

func mutates(name string) map[string]any {
	return onCreate(map[string]any{
		"matchConditions":    []any{map[string]any{"name": "sentinel", "expression": "object.metadata.name == '" + name + "'"}},
		"failurePolicy":      "Fail",
		"reinvocationPolicy": "Never",
		"mutations": []any{map[string]any{"patchType": "ApplyConfiguration", "applyConfiguration": map[string]any{
			"expression": `Object{metadata: Object.metadata{labels: {"` + sentinel + `": "seen"}}}`,
		}}},
	})
}

// awaitSentinel stores a policy with a specification, bound to everything, and waits until it refuses or changes the ConfigMap of its
// name.
func (s *stage) awaitSentinel(ctx context.Context, kind, version, name string, spec map[string]any) error {
	const group = "admissionregistration.k8s.io"
	binding := map[string]any{"policyName": name}
	if kind == "ValidatingAdmissionPolicy" {
		binding["validationActions"] = []any{"Deny"}
	}
	for _, o := range []struct {
		kind string
		spec map[string]any
	}{{kind, spec}, {kind + "Binding", binding}} {
		r, ok, err := s.api.resource(ctx, group, version, o.kind)
		if err != nil || !ok {
			return err
		}
		body, err := json.Marshal(map[string]any{
			"apiVersion": group + "/" + version, "kind": o.kind, "metadata": map[string]any{"name": name}, "spec": o.spec,
		})
		if err != nil {
			return err
		}
		if err := s.api.apply(ctx, r, manifest.ID{Name: name}, body, true, false); err != nil {
			return fmt.Errorf("store a policy to see when policies judge: %w", err)
		}
	}
	maps, _, err := s.api.resource(ctx, "", "v1", "ConfigMap")
	if err != nil {
		return err
	}
	probe := fmt.Appendf(nil, `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":%q}}`, name)
	heeded, err := poll(ctx, establishTimeout, func(ctx context.Context) (bool, error) {
		object, err := s.api.applied(ctx, maps, manifest.ID{Namespace: metav1.NamespaceDefault, Name: name}, probe, true, true)
		if err == nil {
			return object.GetLabels()[sentinel] != "", nil
		}
		outcome, broken := answer(err, piece{object: &manifest.Object{}}, false, false)
		return len(outcome.findings) > 0, broken
	})
	if err == nil && !heeded {
		err = fmt.Errorf("the API server did not heed its admission policies within %s", establishTimeout)
	}
	return err
}
