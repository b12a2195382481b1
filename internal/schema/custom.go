package schema

import (
	"context"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	structuralcel "k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	structuralmeta "k8s.io/apiextensions-apiserver/pkg/apiserver/schema/objectmeta"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
)

// customSchema validates the objects of one version of a custom resource, as the API server does on create and update.
type customSchema struct {
	structural *structuralschema.Structural
	openapi    validation.SchemaValidator
	cel        *structuralcel.Validator // nil where the schema has no rules
}

// compileCustom compiles a schema, or says what the API server would refuse about it, with paths that start at the version.
// The order of the checks is that of ValidateCustomResourceDefinition in k8s.io/apiextensions-apiserver.
func compileCustom(props *apiextensions.JSONSchemaProps) (*customSchema, []problem) {
	root := field.NewPath("schema", "openAPIV3Schema")
	structural, err := structuralschema.NewStructural(props)
	if err != nil {
		return nil, []problem{{root.String(), "this schema is not structural: " + err.Error()}}
	}
	if errs := structuralschema.ValidateStructural(root, structural); len(errs) > 0 {
		return nil, problemsOf(errs)
	}
	errs, err := defaulting.ValidateDefaults(context.Background(), root, structural, true, true)
	if err != nil {
		return nil, []problem{{root.String(), err.Error()}}
	}
	if len(errs) > 0 {
		return nil, problemsOf(errs)
	}
	if found := costs(structural, root); len(found) > 0 {
		return nil, found
	}
	openapi, _, err := validation.NewSchemaValidator(props)
	if err != nil {
		return nil, []problem{{root.String(), "this schema cannot be used: " + err.Error()}}
	}
	return &customSchema{structural, openapi, structuralcel.NewValidator(structural, true, celconfig.PerCallLimit)}, nil
}

// problemsOf puts errors about a definition's own schema in the form of this package.
func problemsOf(errs field.ErrorList) []problem {
	var out []problem
	for _, err := range errs {
		out = append(out, problem{err.Field, explainField(err)})
	}
	return out
}

// validate gives what the API server would refuse about an object. old is the object that it replaces, for the rules that
// compare both; nil where it is new. Neither is changed. The budget for CEL is Kubernetes' own.
func (s *customSchema) validate(object, old map[string]any, dropStatus, keepsUnknown bool) []problem {
	value := runtime.DeepCopyJSON(object)
	e := customExplainer{schema: s.structural, value: object}
	if !keepsUnknown {
		e.unknown(pruning.PruneWithOptions(value, s.structural, true, structuralschema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true}))
	}
	problem, unknown := structuralmeta.CoerceWithOptions(nil, value, s.structural, true, structuralmeta.CoerceOptions{ReturnUnknownFieldPaths: true})
	e.unknown(unknown)
	if problem != nil {
		e.errors(field.ErrorList{problem})
		return e.found
	}
	if dropStatus {
		delete(value, "status")
	}
	s.fill(value)
	errs := structuralmeta.Validate(context.Background(), nil, value, s.structural, true)
	errs = append(errs, validation.ValidateCustomResource(nil, value, s.openapi)...)
	errs = append(errs, listtype.ValidateListSetsAndMaps(nil, s.structural, value)...)
	if !blocked(errs) {
		errs = append(errs, s.rules(value, old)...)
	}
	e.errors(errs)
	return e.found
}

// fill sets the defaults of the schema, as the API server does before it validates.
func (s *customSchema) fill(value map[string]any) {
	defaulting.PruneNonNullableNullsWithoutDefaults(value, s.structural)
	defaulting.Default(value, s.structural)
}

// rules evaluates x-kubernetes-validations.
func (s *customSchema) rules(value, old map[string]any) field.ErrorList {
	if s.cel == nil {
		return nil
	}
	var before any
	if old != nil {
		filled := runtime.DeepCopyJSON(old)
		pruning.Prune(filled, s.structural, true)
		s.fill(filled)
		before = filled
	}
	errs, _ := s.cel.Validate(context.Background(), nil, s.structural, value, before, celconfig.RuntimeCELCostBudget)
	return errs
}

// blocked reports whether rules must not be evaluated: on an object of the wrong shape they say nothing of use. Source:
// hasBlockingErr in k8s.io/apiextensions-apiserver/pkg/registry/customresource.
func blocked(errs field.ErrorList) bool {
	for _, err := range errs {
		switch err.Type {
		case field.ErrorTypeNotSupported, field.ErrorTypeRequired, field.ErrorTypeTooLong, field.ErrorTypeTooMany, field.ErrorTypeTypeInvalid:
			return true
		}
	}
	return false
}
