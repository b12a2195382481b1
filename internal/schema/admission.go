package schema

import (
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/sluice-dev/sluice/internal/finding"
	"github.com/sluice-dev/sluice/internal/manifest"
)

// The rules about ValidatingAdmissionPolicies. What one of them denies has the rule "admission/NAME", NAME being the policy's.
const (
	RuleAdmissionInvalid = "schema/invalid-admission-policy" // a policy that cannot be read or compiled
	RuleAdmissionSkipped = "schema/admission-skipped"        // what only a cluster can evaluate
)

// Admission is the ValidatingAdmissionPolicies of a cluster, with their bindings and what they look at. It is safe for
// concurrent use.
type Admission struct {
	bound    []boundPolicy
	objects  []*manifest.Object // where parameters and namespaces are looked up
	problems []admissionProblem
}

type boundPolicy struct {
	policy  *admissionPolicy
	binding admissionv1.ValidatingAdmissionPolicyBindingSpec
}

type admissionProblem struct {
	object  *manifest.Object
	message string
}

// NewAdmission reads the policies and bindings among the objects of a cluster; nil where there are none. Of several of one
// name all count.
func NewAdmission(objects []*manifest.Object) *Admission {
	a := &Admission{objects: objects}
	policies := make(map[string][]*admissionPolicy)
	for _, o := range objects {
		if !isAdmission(o, "ValidatingAdmissionPolicy") {
			continue
		}
		var spec admissionv1.ValidatingAdmissionPolicySpec
		err := readSpec(o, &spec)
		if err == nil {
			var p *admissionPolicy
			if p, err = compileAdmission(o, spec); err == nil {
				policies[o.ID.Name] = append(policies[o.ID.Name], p)
				continue
			}
		}
		a.problems = append(a.problems, admissionProblem{o, err.Error()})
	}
	for _, o := range objects {
		if !isAdmission(o, "ValidatingAdmissionPolicyBinding") {
			continue
		}
		var spec admissionv1.ValidatingAdmissionPolicyBindingSpec
		if err := readSpec(o, &spec); err != nil {
			a.problems = append(a.problems, admissionProblem{o, err.Error()})
			continue
		}
		for _, p := range policies[spec.PolicyName] {
			a.bound = append(a.bound, boundPolicy{p, spec})
		}
	}
	if len(a.bound)+len(a.problems) == 0 {
		return nil
	}
	return a
}

// IsAdmission reports whether an object is a ValidatingAdmissionPolicy or the binding of one.
func IsAdmission(o *manifest.Object) bool {
	return isAdmission(o, "ValidatingAdmissionPolicy") || isAdmission(o, "ValidatingAdmissionPolicyBinding")
}

func isAdmission(o *manifest.Object, kind string) bool {
	return o.ID.Group == "admissionregistration.k8s.io" && o.ID.Kind == kind
}

// readSpec decodes the spec of an object. The forms of v1beta1 and v1alpha1 are those of v1.
func readSpec(o *manifest.Object, into any) error {
	text, err := json.Marshal(o.Value()["spec"])
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}

// admit evaluates the policies that bind an object.
func (c checker) admit(o *manifest.Object, a *Admission) (out finding.List) {
	if a == nil || o.Value() == nil {
		return nil
	}
	defer func() {
		if r := recover(); r != nil { // the libraries are not ours, and the policy is anybody's
			out = append(out, c.about(o, RuleAdmissionInvalid, finding.Error, "", fmt.Sprintf("the ValidatingAdmissionPolicies cannot be evaluated: %v", r)))
		}
	}()
	for _, p := range a.problems {
		if p.object == o || p.object.ID == o.ID {
			out = append(out, c.about(o, RuleAdmissionInvalid, finding.Error, "", "this "+o.ID.Kind+" cannot be used: "+p.message))
		}
	}
	if o.ID.Group == "admissionregistration.k8s.io" {
		return out // the API server does not hold them to each other
	}
	if len(a.bound) == 0 {
		return out
	}
	written, others := c.forms(o)
	r := newAdmissionRequest(o, c.old[o.ID], written, others)
	for _, b := range a.bound {
		m, matched := b.matches(r, c.around)
		if !matched {
			continue
		}
		seen, unknown := c.convert(r, m.form)
		denied, skipped := []string(nil), []string{cmp.Or(m.unknown, unknown)}
		if skipped[0] == "" {
			denied, skipped = b.evaluate(seen, c.around)
		}
		for _, message := range denied {
			out = append(out, c.about(o, "admission/"+ruleName(b.policy.object.ID.Name), b.severity(), "",
				fmt.Sprintf("ValidatingAdmissionPolicy %s: %s", b.policy.object.ID.Name, message)))
		}
		for _, why := range skipped { // said of the policy, once: join drops what is said again
			out = append(out, c.about(b.policy.object, RuleAdmissionSkipped, finding.Notice, "", "this policy is not evaluated in full: "+why))
		}
	}
	return out
}

// severity is what a binding makes of a denial.
func (b boundPolicy) severity() finding.Severity {
	switch actions := b.binding.ValidationActions; {
	case slices.Contains(actions, admissionv1.Deny) || len(actions) == 0:
		return finding.Error
	case slices.Contains(actions, admissionv1.Warn):
		return finding.Warning
	default:
		return finding.Notice
	}
}

var notInRule = regexp.MustCompile(`[^a-z0-9]+`)

// ruleName makes the name of a policy a part of a rule's.
func ruleName(name string) string {
	return strings.Trim(notInRule.ReplaceAllString(strings.ToLower(name), "-"), "-")
}

// surroundings are the objects that policies look at besides the one that is admitted.
type surroundings struct {
	objects    []*manifest.Object
	namespaces map[string]*corev1.Namespace
}

// surroundingsOf joins the objects of a cluster and those of a target.
func surroundingsOf(a *Admission, objects []*manifest.Object) *surroundings {
	s := &surroundings{namespaces: make(map[string]*corev1.Namespace)}
	if a == nil {
		return s
	}
	s.objects = slices.Concat(objects, a.objects)
	for _, o := range s.objects {
		if o.ID.Kind != "Namespace" || o.ID.Group != "" || s.namespaces[o.ID.Name] != nil {
			continue
		}
		var ns corev1.Namespace
		if text, err := json.Marshal(o.Value()); err == nil && json.Unmarshal(text, &ns) == nil {
			if ns.Labels == nil {
				ns.Labels = make(map[string]string)
			}
			ns.Labels[corev1.LabelMetadataName] = o.ID.Name // the API server sets it
			s.namespaces[o.ID.Name] = &ns
		}
	}
	return s
}
