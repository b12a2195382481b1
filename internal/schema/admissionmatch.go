package schema

import (
	"fmt"
	"slices"
	"strings"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	kubeschema "k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/admission"

	"github.com/sluice-dev/sluice/internal/manifest"
)

// admissionRequest is the creation of an object, or its update where base has it.
type admissionRequest struct {
	object     *manifest.Object
	now, old   *unstructured.Unstructured // old is nil where the object is created
	kind       kubeschema.GroupVersionKind
	resource   kubeschema.GroupVersionResource
	attributes admission.Attributes
}

func newAdmissionRequest(o, old *manifest.Object, d *Definition) *admissionRequest {
	// A policy's message could tell what a Secret holds: the policy does not see it.
	r := &admissionRequest{object: o, now: &unstructured.Unstructured{Object: runtime.DeepCopyJSON(o.Concealed(old))}}
	r.kind = kubeschema.GroupVersionKind{Group: o.ID.Group, Version: o.Version, Kind: o.ID.Kind}
	r.resource, _ = meta.UnsafeGuessKindToResource(r.kind)
	if d != nil && d.plural != "" {
		r.resource.Resource = d.plural
	}
	operation := admission.Create
	var before runtime.Object
	if old != nil && old.Value() != nil {
		r.old = &unstructured.Unstructured{Object: runtime.DeepCopyJSON(old.Concealed(nil))}
		before, operation = r.old, admission.Update
	}
	r.attributes = admission.NewAttributesRecord(r.now, before, r.kind, o.ID.Namespace, o.ID.Name, r.resource, "", operation, nil, false, nil)
	return r
}

// matches reports whether a policy looks at a request. unknown says why that cannot be told from the repository.
func (b boundPolicy) matches(r *admissionRequest, around *surroundings) (matched bool, unknown string) {
	if b.policy.constraints == nil {
		return false, ""
	}
	for _, m := range []*admissionv1.MatchResources{b.policy.constraints, b.binding.MatchResources} {
		if m == nil {
			continue
		}
		ok, why := r.matches(m, around)
		if !ok {
			return false, ""
		}
		if why != "" {
			unknown = why
		}
	}
	return true, unknown
}

func (r *admissionRequest) matches(m *admissionv1.MatchResources, around *surroundings) (matched bool, unknown string) {
	rule := func(n admissionv1.NamedRuleWithOperations) bool { return r.matchesRule(n, m.MatchPolicy) }
	if slices.ContainsFunc(m.ExcludeResourceRules, rule) || len(m.ResourceRules) > 0 && !slices.ContainsFunc(m.ResourceRules, rule) {
		return false, ""
	}
	if !selects(m.ObjectSelector, r.now.GetLabels()) && (r.old == nil || !selects(m.ObjectSelector, r.old.GetLabels())) {
		return false, ""
	}
	return r.inNamespace(m.NamespaceSelector, around)
}

// inNamespace applies a selector of namespaces. A cluster-wide object is not subject to it, but for a Namespace.
func (r *admissionRequest) inNamespace(s *metav1.LabelSelector, around *surroundings) (matched bool, unknown string) {
	if s == nil || len(s.MatchLabels)+len(s.MatchExpressions) == 0 {
		return true, ""
	}
	name := r.object.ID.Namespace
	if r.kind.Kind == "Namespace" && r.kind.Group == "" {
		name = r.object.ID.Name
		set := labels.Merge(r.now.GetLabels(), labels.Set{corev1.LabelMetadataName: name})
		return selects(s, set), ""
	}
	if name == "" {
		return true, "" // of a namespaced object without one nothing is known, and it is held to the policy
	}
	if ns := around.namespaces[name]; ns != nil {
		return selects(s, ns.Labels), ""
	}
	if onlyName(s) {
		return selects(s, map[string]string{corev1.LabelMetadataName: name}), ""
	}
	return true, fmt.Sprintf("it selects namespaces by their labels, and the Namespace %s stands neither with it nor with what lies in it", name)
}

// onlyName reports whether a selector looks at nothing but a namespace's name.
func onlyName(s *metav1.LabelSelector) bool {
	for label := range s.MatchLabels {
		if label != corev1.LabelMetadataName {
			return false
		}
	}
	return !slices.ContainsFunc(s.MatchExpressions, func(e metav1.LabelSelectorRequirement) bool { return e.Key != corev1.LabelMetadataName })
}

// selects applies a selector of labels; one that is not valid selects everything, so that nothing escapes by it.
func selects(s *metav1.LabelSelector, set map[string]string) bool {
	if s == nil {
		return true
	}
	selector, err := metav1.LabelSelectorAsSelector(s)
	return err != nil || selector.Matches(labels.Set(set))
}

// matchesRule reports whether a rule names the request's operation and resource. With the match policy Equivalent any version of
// the resource is meant.
func (r *admissionRequest) matchesRule(n admissionv1.NamedRuleWithOperations, policy *admissionv1.MatchPolicyType) bool {
	has := func(list []string, name string) bool {
		return slices.Contains(list, "*") || slices.Contains(list, name)
	}
	operation := func(o admissionv1.OperationType) bool {
		return o == admissionv1.OperationAll || string(o) == string(r.attributes.GetOperation())
	}
	exact := policy != nil && *policy == admissionv1.Exact
	resource := func(name string) bool {
		return name == "*" || name == "*/*" || strings.TrimSuffix(name, "/*") == r.resource.Resource && !strings.HasSuffix(name, "/*")
	}
	scope := n.Scope == nil || *n.Scope == admissionv1.AllScopes || (*n.Scope == admissionv1.NamespacedScope) == (r.object.ID.Namespace != "")
	return slices.ContainsFunc(n.Operations, operation) && has(n.APIGroups, r.kind.Group) && (!exact || has(n.APIVersions, r.kind.Version)) &&
		slices.ContainsFunc(n.Resources, resource) && scope && (len(n.ResourceNames) == 0 || slices.Contains(n.ResourceNames, r.object.ID.Name))
}
