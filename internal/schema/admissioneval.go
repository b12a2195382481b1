package schema

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/admission"
	plugin "k8s.io/apiserver/pkg/admission/plugin/cel"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"k8s.io/apiserver/pkg/cel/environment"

	"github.com/sluice-dev/sluice/internal/manifest"
)

// admissionPolicy is a compiled ValidatingAdmissionPolicy.
type admissionPolicy struct {
	object      *manifest.Object
	constraints *admissionv1.MatchResources
	paramKind   *admissionv1.ParamKind
	ignores     bool // errors of evaluation: failurePolicy is Ignore
	conditions  plugin.ConditionEvaluator
	validations []admissionValidation
	live        bool // its match conditions need a cluster
}

type admissionValidation struct {
	expression, message string
	condition           plugin.ConditionEvaluator
	messages            plugin.ConditionEvaluator // nil without a message expression
	live                bool                      // it needs a cluster
	namespace           bool                      // it looks at the Namespace
}

// expression implements plugin.NamedExpressionAccessor.
type expression struct {
	name, text string
	types      []*cel.Type
}

func (e expression) GetExpression() string    { return e.text }
func (e expression) GetName() string          { return e.name }
func (e expression) ReturnTypes() []*cel.Type { return e.types }

var (
	liveName      = regexp.MustCompile(`\b(authorizer|userInfo)\b`)
	namespaceName = regexp.MustCompile(`\bnamespaceObject\b`)
	variableName  = regexp.MustCompile(`\bvariables\.(\w+)`)
)

// mentions reports whether an expression, or a variable that it uses, has a name that the pattern finds.
func mentions(text string, variables map[string]string, pattern *regexp.Regexp) bool {
	for _, m := range variableName.FindAllStringSubmatch(text, -1) {
		if used, ok := variables[m[1]]; ok {
			rest := make(map[string]string) // a variable uses only those before it: no circle is possible, and none is followed
			for name, other := range variables {
				if name != m[1] {
					rest[name] = other
				}
			}
			if mentions(used, rest, pattern) {
				return true
			}
		}
	}
	return pattern.MatchString(text)
}

// maxAdmission bounds the expressions of a policy of each sort, as the API server does for match conditions.
const maxAdmission = 64

// compileAdmission compiles a policy as k8s.io/apiserver/pkg/admission/plugin/policy/validating does.
func compileAdmission(o *manifest.Object, spec admissionv1.ValidatingAdmissionPolicySpec) (*admissionPolicy, error) {
	if len(spec.Variables) > maxAdmission || len(spec.MatchConditions) > maxAdmission || len(spec.Validations) > maxAdmission {
		return nil, fmt.Errorf("it has more than %d variables, conditions or validations", maxAdmission)
	}
	p := &admissionPolicy{object: o, constraints: spec.MatchConstraints, paramKind: spec.ParamKind}
	p.ignores = spec.FailurePolicy != nil && *spec.FailurePolicy == admissionv1.Ignore
	compiler, err := plugin.NewCompositedCompiler(environment.MustBaseEnvSet(environment.DefaultCompatibilityVersion()))
	if err != nil {
		return nil, err
	}
	with := plugin.OptionalVariableDeclarations{HasParams: spec.ParamKind != nil, HasAuthorizer: true}
	var problem error
	compile := func(what string, list ...plugin.ExpressionAccessor) plugin.ConditionEvaluator {
		evaluator := compiler.CompileCondition(list, with, environment.StoredExpressions)
		if errs := evaluator.CompilationErrors(); len(errs) > 0 && problem == nil {
			problem = fmt.Errorf("%s: %s", what, explainCompilation(errs[0].Error()))
		}
		return evaluator
	}
	variables := make(map[string]string)
	for _, v := range spec.Variables {
		variables[v.Name] = v.Expression
		result := compiler.CompileAndStoreVariable(expression{v.Name, v.Expression, []*cel.Type{cel.AnyType, cel.DynType}}, with, environment.StoredExpressions)
		if result.Error != nil {
			return nil, fmt.Errorf("the variable %s: %s", v.Name, explainCompilation(result.Error.Detail))
		}
	}
	var conditions []plugin.ExpressionAccessor
	for _, m := range spec.MatchConditions {
		conditions = append(conditions, expression{m.Name, m.Expression, []*cel.Type{cel.BoolType}})
		p.live = p.live || mentions(m.Expression, variables, liveName)
	}
	p.conditions = compile("a match condition", conditions...)
	for i, v := range spec.Validations {
		made := admissionValidation{expression: v.Expression, message: v.Message}
		made.live, made.namespace = mentions(v.Expression, variables, liveName), mentions(v.Expression, variables, namespaceName)
		made.condition = compile(fmt.Sprintf("spec.validations[%d].expression", i), expression{text: v.Expression, types: []*cel.Type{cel.BoolType}})
		if v.MessageExpression != "" && !mentions(v.MessageExpression, variables, liveName) {
			made.messages = compile(fmt.Sprintf("spec.validations[%d].messageExpression", i), expression{text: v.MessageExpression, types: []*cel.Type{cel.StringType}})
		}
		p.validations = append(p.validations, made)
	}
	return p, problem
}

// evaluate gives what a policy denies about a request, and what of it only a cluster can evaluate.
func (b boundPolicy) evaluate(r *admissionRequest, around *surroundings) (denied, skipped []string) {
	params, unknown := b.params(r, around)
	if unknown != "" {
		return nil, []string{unknown}
	}
	if b.policy.live {
		return nil, []string{"its match conditions look at the user or the authorizer"}
	}
	namespace := around.namespaces[r.object.ID.Namespace]
	for _, param := range params {
		found, left := b.policy.evaluate(r, param, namespace)
		denied, skipped = append(denied, found...), append(skipped, left...)
	}
	return denied, skipped
}

func (p *admissionPolicy) evaluate(r *admissionRequest, params runtime.Object, namespace *corev1.Namespace) (denied, skipped []string) {
	e := &evaluation{r: r, params: params, namespace: namespace, budget: celconfig.RuntimeCELCostBudget}
	e.attributes = &admission.VersionedAttributes{Attributes: r.attributes, VersionedKind: r.kind}
	e.attributes.VersionedObject.Set(r.now)
	if r.old != nil {
		e.attributes.VersionedOldObject.Set(r.old)
	}
	results, err := e.run(p.conditions)
	failed := err
	for _, result := range results {
		if result.Error != nil {
			failed = result.Error
		} else if result.EvalResult != types.True {
			return nil, nil
		}
	}
	if failed != nil {
		return p.failure(failed), nil
	}
	for _, v := range p.validations {
		switch {
		case v.live:
			skipped = append(skipped, fmt.Sprintf("%s looks at the user or the authorizer", quote(v.expression)))
		case v.namespace && namespace == nil && r.object.ID.Namespace != "":
			skipped = append(skipped, fmt.Sprintf("%s looks at the Namespace %s, which stands neither with it nor with what lies in it", quote(v.expression), r.object.ID.Namespace))
		default:
			denied = append(denied, p.validate(e, v)...)
		}
	}
	return denied, skipped
}

func (p *admissionPolicy) validate(e *evaluation, v admissionValidation) []string {
	results, err := e.run(v.condition)
	switch {
	case err != nil:
		return p.failure(err)
	case len(results) == 0:
		return nil
	case results[0].Error != nil:
		return p.failure(results[0].Error)
	case results[0].EvalResult == types.True:
		return nil
	}
	if v.messages != nil {
		if texts, err := e.run(v.messages); err == nil && len(texts) == 1 && texts[0].Error == nil {
			if text, ok := texts[0].EvalResult.Value().(string); ok && strings.TrimSpace(text) != "" && !strings.Contains(text, "\n") {
				return []string{strings.TrimSpace(text)}
			}
		}
	}
	if v.message != "" {
		return []string{strings.TrimSpace(v.message)}
	}
	return []string{"failed expression: " + strings.TrimSpace(v.expression)}
}

// failure is what an error of evaluation counts as.
func (p *admissionPolicy) failure(err error) []string {
	if p.ignores {
		return nil
	}
	return []string{"it cannot be evaluated, and so refuses: " + err.Error()}
}

// evaluation is one request in the hands of one policy. All its expressions share Kubernetes' budget.
type evaluation struct {
	r          *admissionRequest
	attributes *admission.VersionedAttributes
	params     runtime.Object
	namespace  *corev1.Namespace
	budget     int64
}

func (e *evaluation) run(condition plugin.ConditionEvaluator) ([]plugin.EvaluationResult, error) {
	request := plugin.CreateAdmissionRequest(e.attributes.Attributes, metav1.GroupVersionResource(e.r.resource), metav1.GroupVersionKind(e.r.kind))
	bindings := plugin.OptionalVariableBindings{VersionedParams: e.params}
	results, left, err := condition.ForInput(context.Background(), e.attributes, request, bindings, plugin.CreateNamespaceObject(e.namespace), e.budget)
	e.budget = left
	return results, err
}

// params gives the parameters that a binding names: one nil where the policy takes none.
func (b boundPolicy) params(r *admissionRequest, around *surroundings) (params []runtime.Object, unknown string) {
	kind, ref := b.policy.paramKind, b.binding.ParamRef
	if kind == nil || ref == nil {
		return []runtime.Object{nil}, ""
	}
	for _, o := range around.objects {
		if o.APIVersion() != kind.APIVersion || o.ID.Kind != kind.Kind || o.Value() == nil {
			continue
		}
		namespace := ref.Namespace
		if namespace == "" && o.ID.Namespace != "" {
			namespace = r.object.ID.Namespace
		}
		param := &unstructured.Unstructured{Object: runtime.DeepCopyJSON(o.Concealed(nil))}
		if o.ID.Namespace != namespace && o.ID.Namespace != "" || ref.Name != "" && o.ID.Name != ref.Name || ref.Selector != nil && !selects(ref.Selector, param.GetLabels()) {
			continue
		}
		params = append(params, param)
	}
	if len(params) == 0 && (ref.ParameterNotFoundAction == nil || *ref.ParameterNotFoundAction == admissionv1.DenyAction) {
		return nil, fmt.Sprintf("its parameters do not stand with it: %s %s", kind.Kind, ref.Name)
	}
	return params, ""
}
