package schema

import (
	"fmt"
	"maps"
	"math"
	"math/bits"
	"regexp"
	"slices"

	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	structuralcel "k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel/model"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"k8s.io/apiserver/pkg/cel"
	"k8s.io/apiserver/pkg/cel/environment"
)

// What the rules of a schema may cost at most, estimated for the largest objects that fit it: one rule, and all together.
// Source: StaticEstimatedCostLimit and StaticEstimatedCRDCostLimit in
// k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation, whose import would add 21 MB to the program.
const (
	maxRuleCost   = 10_000_000
	maxSchemaCost = 100_000_000
)

// unbounded is the number of values that a place of a schema may hold, where nothing limits it.
const unbounded = math.MaxUint64

// costs compiles the CEL rules of a schema and says which do not compile or may cost too much.
func costs(root *structuralschema.Structural, path *field.Path) []problem {
	w := coster{environment: environment.MustBaseEnvSet(environment.DefaultCompatibilityVersion())}
	w.walk(root, func() *cel.DeclType { return model.SchemaDeclType(root, true) }, 1, path)
	if w.total > maxSchemaCost && len(w.found) == 0 {
		w.found = append(w.found, problem{path.String(), fmt.Sprintf(
			"the validation rules of this schema may cost %s together: limit the length of lists, maps and texts with maxItems, maxProperties and maxLength", excess(w.total, maxSchemaCost))})
	}
	return w.found
}

func excess(cost, limit uint64) string {
	if factor := cost / limit; factor < 100 {
		return fmt.Sprintf("%.1f times what Kubernetes allows", float64(cost)/float64(limit))
	}
	return "more than 100 times what Kubernetes allows"
}

// compilation is what CEL says of an expression: its first error, then a picture of the place.
var compilation = regexp.MustCompile(`ERROR: <input>:(\d+):(\d+): ([^\n]*)`)

func explainCompilation(text string) string {
	if m := compilation.FindStringSubmatch(text); m != nil {
		return fmt.Sprintf("%s (line %s, column %s of the expression)", m[3], m[1], m[2])
	}
	return text
}

// coster walks a schema to where its rules are.
type coster struct {
	environment *environment.EnvSet
	total       uint64
	found       []problem
}

// walk visits a schema. typeOf gives its CEL type, which is costly and not needed where there are no rules; count is how
// many such values an object may hold.
func (w *coster) walk(s *structuralschema.Structural, typeOf func() *cel.DeclType, count uint64, path *field.Path) {
	if len(s.XValidations) > 0 {
		w.rules(s, typeOf(), count, path.Child("x-kubernetes-validations"))
	}
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		child := s.Properties[name]
		typ := func() *cel.DeclType { return model.SchemaDeclType(&child, child.XEmbeddedResource) }
		w.walk(&child, typ, count, path.Child("properties").Key(name))
	}
	if child := s.Items; child != nil {
		typ := func() *cel.DeclType { return model.SchemaDeclType(child, child.XEmbeddedResource) }
		w.walk(child, typ, times(count, limitOf(s, func(v *structuralschema.ValueValidation) *int64 { return v.MaxItems })), path.Child("items"))
	}
	if s.AdditionalProperties != nil && s.AdditionalProperties.Structural != nil {
		child := s.AdditionalProperties.Structural
		typ := func() *cel.DeclType { return model.SchemaDeclType(child, child.XEmbeddedResource) }
		w.walk(child, typ, times(count, limitOf(s, func(v *structuralschema.ValueValidation) *int64 { return v.MaxProperties })), path.Child("additionalProperties"))
	}
}

func limitOf(s *structuralschema.Structural, limit func(*structuralschema.ValueValidation) *int64) uint64 {
	if s.ValueValidation == nil {
		return unbounded
	}
	if n := limit(s.ValueValidation); n != nil && *n >= 0 {
		return uint64(*n)
	}
	return unbounded
}

// times multiplies; what is too large is unbounded.
func times(a, b uint64) uint64 {
	high, low := bits.Mul64(a, b)
	if high > 0 {
		return unbounded
	}
	return low
}

func (w *coster) rules(s *structuralschema.Structural, typ *cel.DeclType, count uint64, path *field.Path) {
	results, err := structuralcel.Compile(s, typ, celconfig.PerCallLimit, w.environment, structuralcel.NewExpressionsEnvLoader())
	if err != nil {
		w.found = append(w.found, problem{path.String(), "the validation rules cannot be compiled: " + err.Error()})
		return
	}
	for i, result := range results {
		rule := path.Index(i).Child("rule").String()
		if count == unbounded {
			count = result.MaxCardinality
		}
		cost := times(result.MaxCost, count)
		w.total += min(cost, unbounded-w.total)
		switch {
		case result.Error != nil:
			w.found = append(w.found, problem{rule, "this validation rule is wrong: " + explainCompilation(result.Error.Detail)})
		case cost > maxRuleCost:
			w.found = append(w.found, problem{rule, fmt.Sprintf(
				"this validation rule may cost %s: limit the length of lists, maps and texts with maxItems, maxProperties and maxLength", excess(cost, maxRuleCost))})
		case result.MessageExpressionError != nil:
			w.found = append(w.found, problem{path.Index(i).Child("messageExpression").String(), "this message expression is wrong: " + explainCompilation(result.MessageExpressionError.Detail)})
		}
	}
}
