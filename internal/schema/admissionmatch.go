package schema

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/admission"

	"github.com/sluice-dev/sluice/internal/manifest"
)

// admissionRequest is the creation of an object, or its update where base has it.
type admissionRequest struct {
	object     *manifest.Object
	now, old   *unstructured.Unstructured // old is nil where the object is created
	form                                  // that the object is written in, or was converted to
	others     []form                     // that the API server serves the resource in, too
	attributes admission.Attributes
}

func newAdmissionRequest(o, old *manifest.Object, written form, others []form) *admissionRequest {
	// A policy's message could tell what a Secret holds: the policy does not see it.
	r := &admissionRequest{object: o, now: &unstructured.Unstructured{Object: runtime.DeepCopyJSON(o.Concealed(old))}, form: written, others: others}
	operation := admission.Create
	var before runtime.Object
	if old != nil && old.Value() != nil {
		r.old = &unstructured.Unstructured{Object: runtime.DeepCopyJSON(old.Concealed(nil))}
		before, operation = r.old, admission.Update
	}
	r.attributes = admission.NewAttributesRecord(r.now, before, r.kind, o.ID.Namespace, o.ID.Name, r.resource, "", operation, nil, false, nil)
	return r
}

// match is how a policy looks at a request.
type match struct {
	form           // that it sees the object in
	unknown string // why it cannot be told from the repository what it sees; "" where it can
}

// matches reports whether a policy looks at a request, and how.
func (b boundPolicy) matches(r *admissionRequest, around *surroundings) (m match, matched bool) {
	if b.policy.constraints == nil {
		return m, false
	}
	if m, matched = r.matches(b.policy.constraints, around); !matched || b.binding.MatchResources == nil {
		return m, matched
	}
	bound, matched := r.matches(b.binding.MatchResources, around)
	m.unknown = cmp.Or(bound.unknown, m.unknown)
	return m, matched
}

func (r *admissionRequest) matches(by *admissionv1.MatchResources, around *surroundings) (m match, matched bool) {
	if f, excluded := r.matchesRules(by.ExcludeResourceRules, by.MatchPolicy); excluded && f.untold == "" {
		return m, false
	}
	m.form = r.form
	if len(by.ResourceRules) > 0 {
		if m.form, matched = r.matchesRules(by.ResourceRules, by.MatchPolicy); !matched {
			return m, false
		}
	}
	if !selects(by.ObjectSelector, r.now.GetLabels()) && (r.old == nil || !selects(by.ObjectSelector, r.old.GetLabels())) {
		return m, false
	}
	matched, m.unknown = r.inNamespace(by.NamespaceSelector, around)
	return m, matched
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

// matchesRules reports whether one of the rules names the request, and in which form of its resource: that in which the object is
// written, or, with the match policy Equivalent, the first of the others that a rule names. Source: matchesResourceRules in
// k8s.io/apiserver/pkg/admission/plugin/policy/matching.
func (r *admissionRequest) matchesRules(rules []admissionv1.NamedRuleWithOperations, policy *admissionv1.MatchPolicyType) (named form, ok bool) {
	for _, rule := range rules {
		if r.matchesRule(rule, r.form) {
			return r.form, true
		}
	}
	if policy != nil && *policy == admissionv1.Exact { // not set is Equivalent
		return form{}, false
	}
	for _, told := range []bool{true, false} {
		for _, rule := range rules {
			for _, other := range r.others {
				if told == (other.untold == "") && r.matchesRule(rule, other) {
					return other, true
				}
			}
		}
	}
	return form{}, false
}

// matchesRule reports whether a rule names the request's operation, and its resource in a form.
func (r *admissionRequest) matchesRule(n admissionv1.NamedRuleWithOperations, f form) bool {
	has := func(list []string, name string) bool {
		return slices.Contains(list, "*") || slices.Contains(list, name)
	}
	operation := func(o admissionv1.OperationType) bool {
		return o == admissionv1.OperationAll || string(o) == string(r.attributes.GetOperation())
	}
	resource := func(name string) bool {
		return name == "*" || name == "*/*" || strings.TrimSuffix(name, "/*") == f.resource.Resource && !strings.HasSuffix(name, "/*")
	}
	version := has(n.APIVersions, f.kind.Version) || f.untold != "" && (!f.served || slices.Contains(n.Resources, f.resource.Resource))
	scope := n.Scope == nil || *n.Scope == admissionv1.AllScopes || (*n.Scope == admissionv1.NamespacedScope) == (r.object.ID.Namespace != "")
	return slices.ContainsFunc(n.Operations, operation) && has(n.APIGroups, f.kind.Group) && version &&
		slices.ContainsFunc(n.Resources, resource) && scope && (len(n.ResourceNames) == 0 || slices.Contains(n.ResourceNames, r.object.ID.Name))
}
