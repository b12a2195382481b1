package schema

import (
	"fmt"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/sluice-dev/sluice/internal/finding"
	"github.com/sluice-dev/sluice/internal/manifest"
)

// External validates objects by schemas that the repository keeps besides CustomResourceDefinitions. It is asked for kinds that
// neither Kubernetes nor a definition describes, concurrently.
type External interface {
	// Validate judges an object for a Kubernetes version ("1.37"). It must not change it.
	Validate(version string, o *manifest.Object) Judgement
}

// Judgement is what an [External] says of an object. The zero value: it has no schema for its kind.
type Judgement struct {
	Source   string    // the file of the schema; "" where there is none
	Unusable string    // why the schema cannot be used; "" where it can
	Problems []Problem // what is wrong with the object
}

// Problem is one field of an object that its schema refuses.
type Problem struct {
	Path    string // "" for the object itself
	Message string // with the path
}

// Explain gives what a schema refuses about an object, one problem a field, in the words that all findings have.
func Explain(schema *jsonschema.Schema, o *manifest.Object) []Problem {
	var out []Problem
	for _, p := range problems(schema, o.Value()) {
		out = append(out, Problem{p.path, p.message})
	}
	return out
}

// external judges an object by the repository's own schemas; ok is false where they have none for it.
func (c checker) external(o *manifest.Object) (v verdict, ok bool) {
	if c.schemas == nil {
		return verdict{}, false
	}
	j := c.schemas.Validate(c.release().name, o)
	switch {
	case j.Source == "":
		return verdict{}, false
	case j.Unusable != "":
		return verdict{unknown: true, findings: finding.List{c.about(o, RuleUnusable, finding.Error, "",
			fmt.Sprintf("the schema %s cannot be used, so this object was not validated: %s", j.Source, j.Unusable))}}, true
	}
	for _, p := range j.Problems {
		v.findings = append(v.findings, c.about(o, RuleInvalid, finding.Error, p.Path, p.Message))
	}
	return v, true
}
