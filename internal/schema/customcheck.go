package schema

import (
	"crypto/sha256"
	"fmt"

	"github.com/sluice-dev/sluice/internal/finding"
	"github.com/sluice-dev/sluice/internal/manifest"
)

// The rules about custom resources.
const (
	RuleInvalidDefinition = "schema/invalid-definition" // a CustomResourceDefinition that the API server would refuse
)

// Definition is [ParseDefinition], which it does once for each text of a definition: the same one is in many targets, and on
// both sides.
func (s *Set) Definition(o *manifest.Object, source string) (*Definition, error) {
	type parsed struct {
		definition *Definition
		err        error
	}
	key := sha256.Sum256(append([]byte(source+"\x00"), o.Text...))
	if known, ok := s.definitions.Load(key); ok {
		p := known.(parsed)
		return p.definition, p.err
	}
	d, err := ParseDefinition(o, source)
	known, _ := s.definitions.LoadOrStore(key, parsed{d, err})
	p := known.(parsed)
	return p.definition, p.err
}

// definition says what is wrong with a CustomResourceDefinition that Kubernetes' schema finds no fault with.
func (c checker) definition(o *manifest.Object) finding.List {
	d, err := c.set.Definition(o, o.Origin.File)
	if err != nil {
		return finding.List{c.about(o, RuleInvalidDefinition, finding.Error, "", "this definition cannot be used: "+err.Error())}
	}
	var out finding.List
	for _, p := range d.problems() {
		path := fieldPath(o.Value(), stepsTo(o.Value(), p.path))
		out = append(out, c.about(o, RuleInvalidDefinition, finding.Error, path, path+": "+p.message))
	}
	return out
}

// customObject validates a custom resource by its definition.
func (c checker) customObject(o *manifest.Object, d *Definition) (v verdict) {
	defer func() {
		if r := recover(); r != nil { // the libraries are not ours, and the schema is anybody's
			v = c.unusable(o, d, fmt.Sprint(r))
		}
	}()
	version, served := d.version(o.Version)
	if version == nil || !version.served {
		return c.notServedCustom(o, d, served)
	}
	schema, problems := version.schema()
	if schema == nil {
		return c.unusable(o, d, problems[0].message)
	}
	if version.deprecation != "" {
		v.findings = append(v.findings, c.about(o, RuleDeprecatedAPI, finding.Warning, "apiVersion",
			fmt.Sprintf("%s says that %s %s is deprecated: %s", d.Source, o.APIVersion(), o.ID.Kind, version.deprecation)))
	}
	var old map[string]any
	if before := c.old[o.ID]; before != nil && before.Version == o.Version {
		old = before.Value()
	}
	for _, p := range schema.validate(o.Value(), old, version.hasStatus, version.keepsUnknown) {
		v.findings = append(v.findings, c.about(o, RuleInvalid, finding.Error, p.path, p.message))
	}
	return v
}

func (c checker) unusable(o *manifest.Object, d *Definition, why string) verdict {
	return verdict{unknown: true, findings: finding.List{c.about(o, RuleUnusable, finding.Error, "", fmt.Sprintf(
		"the CustomResourceDefinition of %s in %s cannot be used, so this object was not validated: %s", o.ID.Kind, d.Source, why))}}
}

func (c checker) notServedCustom(o *manifest.Object, d *Definition, served []string) verdict {
	if len(served) == 0 {
		return verdict{unknown: true, findings: finding.List{c.about(o, RuleRemovedAPI, finding.Error, "apiVersion", fmt.Sprintf(
			"the CustomResourceDefinition of %s in %s serves no version at all", o.ID.Kind, d.Source))}}
	}
	return verdict{unknown: true, findings: finding.List{c.about(o, RuleRemovedAPI, finding.Error, "apiVersion", fmt.Sprintf(
		"the CustomResourceDefinition of %s in %s does not serve %s; use %s/%s", o.ID.Kind, d.Source, o.APIVersion(), d.Group, newest(served)))}}
}
