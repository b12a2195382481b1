package schema

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync/atomic"

	"github.com/sluice-dev/sluice/internal/crew"
	"github.com/sluice-dev/sluice/internal/finding"
	"github.com/sluice-dev/sluice/internal/manifest"
)

// The rules of this package.
const (
	RuleInvalid       = "schema/invalid"        // a field that the API server would refuse
	RuleUnknownKind   = "schema/unknown-kind"   // objects that no schema describes
	RuleRemovedAPI    = "schema/removed-api"    // an API version that this Kubernetes version no longer serves
	RuleDeprecatedAPI = "schema/deprecated-api" // one that the next two versions of Kubernetes remove
	RuleUnusable      = "schema/unusable"       // there is a schema, and it cannot be used
)

// Rules gives the names of this package's rules. Those of admission policies are named after them, "admission/NAME".
func Rules() []string {
	return []string{
		RuleInvalid, RuleUnknownKind, RuleRemovedAPI, RuleDeprecatedAPI, RuleUnusable, RuleNotBase64, RuleTooLarge,
		RuleInvalidDefinition, RuleAdmissionInvalid, RuleAdmissionSkipped,
	}
}

// Result is what checking a target's objects gives.
type Result struct {
	Findings     finding.List   // sorted; without targets
	Validated    int            // objects that a schema was applied to
	Unknown      int            // objects that were not validated: no schema, or none that can be used
	UnknownKinds map[string]int // those objects by apiVersion and kind: "example.com/v1 FooBar"
}

// Context is what objects are checked with, besides the schemas of Kubernetes. The zero value is nothing more.
type Context struct {
	Custom    *Custom            // definitions of custom resources
	Schemas   External           // schemas of kinds without a definition; may be nil
	Admission *Admission         // admission policies; nil without any
	Old       []*manifest.Object // the objects that these replace: rules may compare both
}

// NeedsContext reports whether [Set.Check] looks at its context for any of the objects: whether one is of a kind that the version
// does not serve itself.
func (s *Set) NeedsContext(version string, objects []*manifest.Object) bool {
	i, ok := s.store.index(version)
	return !ok || slices.ContainsFunc(objects, func(o *manifest.Object) bool {
		_, served := s.store.versions[i].kinds[gvk{o.APIVersion(), o.ID.Kind}]
		return !served
	})
}

// Check validates objects against the schemas of a Kubernetes version, as [Set.Version] takes it; an unknown version is an error.
// Every object is counted, as validated or as unknown. The findings are the same whatever the number of processors.
func (s *Set) Check(version string, objects []*manifest.Object, with Context) (Result, error) {
	minor, err := s.Version(version)
	if err != nil {
		return Result{}, err
	}
	i, _ := s.store.index(minor)
	check := checker{
		set: s, index: i, compiler: s.compilers[i], custom: with.Custom, schemas: with.Schemas,
		around: surroundingsOf(with.Admission, objects), old: make(map[manifest.ID]*manifest.Object),
	}
	for _, o := range with.Old {
		check.old[o.ID] = o
	}
	verdicts := make([]verdict, len(objects))
	each(len(objects), func(n int) {
		verdicts[n] = check.object(objects[n])
		verdicts[n].findings = append(verdicts[n].findings, check.content(objects[n])...)
		verdicts[n].findings = append(verdicts[n].findings, check.admit(objects[n], with.Admission)...)
	})
	return check.join(objects, verdicts), nil
}

// each calls f for 0 to n-1, on all processors.
func each(n int, f func(int)) {
	var next atomic.Int64
	var group crew.Crew
	for range min(runtime.GOMAXPROCS(0), n) {
		group.Go(func() error {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				f(i)
			}
			return nil
		})
	}
	_ = group.Wait() // none of them fails
}

// verdict is what the check of one object gives.
type verdict struct {
	findings finding.List
	unknown  bool
}

// checker checks objects against one Kubernetes version.
type checker struct {
	set      *Set
	index    int // of the version in the store
	compiler *compiler
	custom   *Custom
	schemas  External
	old      map[manifest.ID]*manifest.Object
	around   *surroundings
}

func (c checker) release() *release { return c.compiler.release }

func (c checker) object(o *manifest.Object) verdict {
	g := gvk{o.APIVersion(), o.ID.Kind}
	value := o.Value()
	if value == nil {
		return verdict{unknown: true, findings: finding.List{c.about(o, RuleInvalid, finding.Error, "",
			"this object cannot be read as YAML, so it was not validated")}}
	}
	schema, err := c.compiler.schemaOf(g)
	switch {
	case errors.Is(err, errNotServed):
		if d := c.custom.find(g); d != nil {
			return c.customObject(o, d)
		}
		if v, ok := c.external(o); ok {
			return v
		}
		if v, ok := c.popular(o); ok {
			return v
		}
		return c.notServed(o, g)
	case err != nil:
		return verdict{unknown: true, findings: finding.List{c.about(o, RuleUnusable, finding.Error, "",
			fmt.Sprintf("the schema of %s cannot be used, so this object was not validated: %v", g, err))}}
	}
	var v verdict
	if l := c.set.store.lifeOf(c.index, g); l.removedIn != "" {
		v.findings = append(v.findings, c.about(o, RuleDeprecatedAPI, finding.Warning, "apiVersion",
			fmt.Sprintf("Kubernetes %s no longer serves %s%s", l.removedIn, g, l.advice(g))))
	}
	for _, p := range problems(schema, value) {
		v.findings = append(v.findings, c.about(o, RuleInvalid, finding.Error, p.path, p.message))
	}
	if isDefinition(o) && len(v.findings) == 0 {
		v.findings = c.definition(o)
	}
	return v
}

// notServed says of an object what became of its API. A kind that belongs to nobody we know is not the object's fault:
// join reports such kinds once each.
func (c checker) notServed(o *manifest.Object, g gvk) verdict {
	l := c.set.store.lifeOf(c.index, g)
	v := verdict{unknown: true}
	report := func(rule, path, format string, args ...any) verdict {
		v.findings = finding.List{c.about(o, rule, finding.Error, path, fmt.Sprintf(format, args...))}
		return v
	}
	switch name := c.release().name; {
	case l.servedUntil != "":
		return report(RuleRemovedAPI, "apiVersion", "Kubernetes %s does not serve %s, which it served until %s%s", name, g, l.servedUntil, l.advice(g))
	case l.servedSince != "":
		return report(RuleUnknownKind, "apiVersion", "Kubernetes %s does not serve %s, which exists from %s on%s", name, g, l.servedSince, l.advice(g))
	case !l.builtin:
		return v
	case len(l.similar) == 0 && len(l.replacement) == 0 && !c.set.store.ownsGroup(g.group()):
		return report(RuleUnknownKind, "apiVersion", "%s is no API of Kubernetes, and a custom one needs a dot in its group", g.apiVersion)
	case len(l.similar) == 0:
		return report(RuleRemovedAPI, "apiVersion", "Kubernetes %s does not serve %s%s", name, g, l.advice(g))
	case len(l.replacement) > 0:
		return report(RuleUnknownKind, "apiVersion", "Kubernetes has no %s%s", g, l.advice(g))
	default:
		return report(RuleUnknownKind, "kind", "Kubernetes has no %s%s", g, didYouMean(g.kind, kindNames(l.similar)))
	}
}

func kindNames(kinds []gvk) []string {
	var names []string
	for _, g := range kinds {
		names = append(names, g.kind)
	}
	return names
}

// about makes a finding of an object. The line stays open: it is known to who has the source file.
func (c checker) about(o *manifest.Object, rule string, severity finding.Severity, path, message string) finding.Finding {
	return finding.Finding{
		Rule: rule, Severity: severity, Message: message,
		Pos: finding.Pos{File: o.Origin.File}, Object: o.ID.String(), Path: path,
	}
}

// join counts the verdicts and adds one warning for each kind without a schema. The warning does not say how many objects
// there are (UnknownKinds does), so that it is the same in every target.
func (c checker) join(objects []*manifest.Object, verdicts []verdict) Result {
	r := Result{UnknownKinds: make(map[string]int)}
	silent := make(map[string]bool) // kinds whose objects have no finding of their own
	for i, v := range verdicts {
		for _, f := range v.findings {
			if f.Rule != RuleAdmissionSkipped || !slices.ContainsFunc(r.Findings, func(g finding.Finding) bool { return finding.Compare(f, g) == 0 }) {
				r.Findings = append(r.Findings, f)
			}
		}
		if !v.unknown {
			r.Validated++
			continue
		}
		r.Unknown++
		name := gvk{objects[i].APIVersion(), objects[i].ID.Kind}.String()
		r.UnknownKinds[name]++
		if len(v.findings) == 0 {
			silent[name] = true
		}
	}
	for name := range silent {
		r.Findings = append(r.Findings, finding.Finding{
			Rule: RuleUnknownKind, Severity: finding.Warning, Object: name,
			Message: fmt.Sprintf("objects of %s were not validated: there is no schema for them", name),
		})
	}
	r.Findings.Sort()
	return r
}
