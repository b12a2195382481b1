package rehearse

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/sluice-dev/sluice/internal/manifest"
)

// The API server notices admission policies a moment after it has stored them. It reads those of a kind in the order in which they
// were stored, so one that is stored last tells: once it is in effect, so are the others. It tells by a warning, since a refusal may be that of
// any policy, and all of them warn, whichever refuses.

// sentinel begins the names of the policies that tell, and of the object that they look for.
const sentinel = "sluice-sentinel"

// awaitPolicies waits until the policies of a side are in effect, by one that looks at a ConfigMap. Where there are policies that
// mutate, it waits for what the last of those does to it.
func (s *stage) awaitPolicies(ctx context.Context, sc *scene) error {
	name := sentinel + "-" + [...]string{base: "base", head: "head"}[sc.side] // that of base is in effect when head's are stored
	silent := "object.metadata.name != '" + name + "'"
	if version := sc.version("MutatingAdmissionPolicy", s); version != "" {
		if _, err := s.storeSentinel(ctx, "MutatingAdmissionPolicy", version, name, marks(name), nil); err != nil {
			return err
		}
		silent += " || !('" + sentinel + "' in object.metadata.?labels.orValue({}))"
	}
	served, err := s.storeSentinel(ctx, "ValidatingAdmissionPolicy", "v1", name, map[string]any{"validations": []any{map[string]any{"expression": silent}}}, []any{"Warn"})
	if err != nil || !served {
		return err
	}
	return s.awaitSentinel(ctx, name)
}

// version gives the first version in which the pieces of a kind were stored, "" where none was: policies of all versions take effect
// together.
func (sc *scene) version(kind string, s *stage) string {
	for _, p := range sc.pieces {
		if _, stored := s.has(p.object.ID); stored && p.isPolicy() && p.object.ID.Kind == kind {
			return p.object.Version
		}
	}
	return ""
}

// marks puts a label on the ConfigMap of a name.
func marks(name string) map[string]any {
	return map[string]any{
		"matchConditions":    []any{map[string]any{"name": "sentinel", "expression": "object.metadata.name == '" + name + "'"}},
		"failurePolicy":      "Fail",
		"reinvocationPolicy": "Never",
		"mutations": []any{map[string]any{"patchType": "ApplyConfiguration", "applyConfiguration": map[string]any{
			"expression": `Object{metadata: Object.metadata{labels: {"` + sentinel + `": "seen"}}}`,
		}}},
	}
}

// storeSentinel stores a policy that looks at new ConfigMaps, bound to all of them; served is false where the server has no such kind.
func (s *stage) storeSentinel(ctx context.Context, kind, version, name string, spec map[string]any, actions []any) (served bool, err error) {
	const group = "admissionregistration.k8s.io"
	spec["matchConstraints"] = map[string]any{"resourceRules": []any{map[string]any{
		"apiGroups": []any{""}, "apiVersions": []any{"v1"}, "operations": []any{"CREATE"}, "resources": []any{"configmaps"},
	}}}
	binding := map[string]any{"policyName": name}
	if actions != nil {
		binding["validationActions"] = actions
	}
	for _, o := range []struct {
		kind string
		spec map[string]any
	}{{kind, spec}, {kind + "Binding", binding}} {
		r, ok, err := s.api.resource(ctx, group, version, o.kind)
		if err != nil || !ok {
			return false, err
		}
		body, err := json.Marshal(map[string]any{
			"apiVersion": group + "/" + version, "kind": o.kind, "metadata": map[string]any{"name": name}, "spec": o.spec,
		})
		if err != nil {
			return false, err
		}
		if err := s.api.apply(ctx, r, manifest.ID{Name: name}, body, true, false); err != nil {
			return false, fmt.Errorf("store a policy to see when policies judge: %w", err)
		}
	}
	return true, nil
}

// awaitSentinel asks for the ConfigMap of a name, without effect, until the API server warns of it by the policy of that name. Where other
// policies refuse it before that one may look, they are given all of the time, which is many times what the server takes.
func (s *stage) awaitSentinel(ctx context.Context, name string) error {
	maps, _, err := s.api.resource(ctx, "", "v1", "ConfigMap")
	if err != nil {
		return err
	}
	probe := fmt.Appendf(nil, `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":%q}}`, name)
	refused := false
	heeded, err := poll(ctx, establishTimeout, func(ctx context.Context) (warned bool, err error) {
		ctx = hearing(ctx, func(warning string) { warned = warned || strings.Contains(warning, "'"+name+"'") })
		err = s.api.apply(ctx, maps, manifest.ID{Namespace: metav1.NamespaceDefault, Name: name}, probe, true, true)
		outcome, broken := answer(err, piece{object: &manifest.Object{}}, false, false)
		if broken == nil { // else the time was over before the server answered
			refused = len(outcome.findings) > 0
		}
		return warned, broken
	})
	if err == nil && !heeded && !refused {
		err = fmt.Errorf("the API server did not heed its admission policies within %s", establishTimeout)
	}
	return err
}
