package pipeline

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice/internal/config"
	"github.com/sluice-dev/sluice/internal/finding"
	"github.com/sluice-dev/sluice/internal/manifest"
	"github.com/sluice-dev/sluice/internal/plan"
	"github.com/sluice-dev/sluice/internal/report"
	"github.com/sluice-dev/sluice/internal/schema"
)

// Rehearsal is what one target renders on both sides, for a real API server to judge.
type Rehearsal struct {
	Target     plan.Target
	Kubernetes string             // the minor version of the environment's clusters: "1.37"
	Base, Head []*manifest.Object // as rendered
	Around     []*manifest.Object // what the target needs and does not render: definitions, admission policies
}

// Rehearsed is what the API server said.
type Rehearsed struct {
	Base, Head finding.List   // with object and field, without lines
	Gone       finding.List   // the same about the removal of what head no longer has: object, field and file are base's
	Objects    int            // of head, that were judged
	Removed    int            // of base, whose removal was judged
	LeftOut    map[string]int // of head, or of what it removes: why they were not → how many
	Server     string         // version of the API server: "v1.37.0"
	Incomplete bool           // something was not judged that should have been; the findings say why
}

// rehearsal gives what is to be rehearsed of a target; nil where nothing is. A target whose sides are the same has nothing to
// rehearse, unless every target is asked for and there is no base. Of one that is removed, base is applied and removed. Where base
// does not render, head is rehearsed alone, so that all of it is new.
func (j *judge) rehearsal(sel plan.Selection, base, head Rendering) *rehearsal {
	if j.check.Scope.DiffOnly || j.how.Provider == "" || !j.cfg.Rehearses(sel.Target.Environment) {
		return nil
	}
	if head.Failed || sel.Base && sel.Same || base.Failed && !sel.Head {
		return nil
	}
	return &rehearsal{base: base, head: head}
}

// rehearsal keeps the renderings of a target until all of them are rehearsed.
type rehearsal struct{ base, head Rendering }

// rehearse has an API server judge the targets that change, and adds what it says to what is known of them. Whether and how
// is up to the configuration that binds, never to what a pull request proposes.
func (j *judge) rehearse(ctx context.Context, judgements []judgement) error {
	var targets []Rehearsal
	var whose []*judgement
	for i := range judgements {
		if judgements[i].rehearsal == nil {
			continue
		}
		r, err := j.cast(ctx, &judgements[i])
		if err != nil {
			return err
		}
		targets, whose = append(targets, r), append(whose, &judgements[i])
	}
	if len(targets) == 0 {
		return nil
	}
	results, err := j.check.Workshop.Rehearse(ctx, j.how, targets)
	if err != nil {
		return fmt.Errorf("rehearse: %w", err)
	}
	for i, result := range results {
		j.applaud(whose[i], result)
	}
	return nil
}

// applaud adds the result of a rehearsal to the judgement of its target.
func (j *judge) applaud(out *judgement, result Rehearsed) {
	target, base, head := out.target.Target, out.rehearsal.base, out.rehearsal.head
	var before finding.List
	if out.target.Status != report.Removed { // what a removed target once broke is of no interest
		before = j.settle(result.Base, target, base, j.base)
	}
	after := j.settle(result.Head, target, head, j.head)
	gone := j.settleRemovals(result.Gone, target, base)
	out.findings = append(out.findings, finding.Pair(target.ID, before, j.bindSuppressions(before, after))...)
	for _, f := range gone {
		out.findings = append(out.findings, f.In(target.ID, finding.New)) // on base it was there: it cannot have failed to go
	}
	out.blind = out.blind || result.Incomplete && blocking(append(after, gone...))
	out.coverage.Rehearsed, out.coverage.RehearsedRemovals = result.Objects, result.Removed
	out.coverage.NotRehearsed = result.LeftOut
	if result.Server != "" {
		out.coverage.RehearsedOn = []string{result.Server}
	}
	out.rehearsal = nil
}

// settleRemovals settles findings about objects that head no longer has, and tells where they were on base.
func (j *judge) settleRemovals(findings finding.List, target plan.Target, base Rendering) finding.List {
	out := make(finding.List, 0, len(findings))
	for _, f := range findings {
		if was := j.base.place(f, target, base).Pos; was.Line > 0 {
			f.Message += fmt.Sprintf(" (on base it is at %s:%d:%d)", was.File, was.Line, was.Column)
		}
		out = append(out, j.settleGone(f, target, base)...)
	}
	return out
}

// cast gathers what a target is rehearsed with.
func (j *judge) cast(ctx context.Context, out *judgement) (Rehearsal, error) {
	target := out.target.Target
	r := Rehearsal{Target: target, Base: out.rehearsal.base.Objects, Head: out.rehearsal.head.Objects}
	version, err := j.schemas.Version(string(j.cfg.KubernetesFor(target.Environment)))
	if err != nil {
		return r, err
	}
	r.Kubernetes = version
	objects := append(slices.Clone(r.Base), r.Head...)
	amended, err := j.beside.amended(ctx, target, objects, true)
	if err != nil {
		return r, err
	}
	around, err := j.facts.definitionsFor(target, objects, amended)
	if err != nil {
		return r, err
	}
	_, policies, err := j.clusters.objects(ctx, target.Environment, j.check.Base.Tree == nil)
	if err != nil {
		return r, err
	}
	r.Around = append(around, admissionWithParameters(policies)...)
	return r, nil
}

// admissionWithParameters gives the admission policies among objects, and what they take parameters from.
func admissionWithParameters(objects []*manifest.Object) []*manifest.Object {
	kinds := make(map[string]bool)
	for _, o := range objects {
		spec, _ := o.Value()["spec"].(map[string]any)
		if kind, ok := spec["paramKind"].(map[string]any); ok && admits(o) {
			kinds[fmt.Sprint(kind["apiVersion"], " ", kind["kind"])] = true
		}
	}
	var out []*manifest.Object
	for _, o := range objects {
		if admits(o) || kinds[o.APIVersion()+" "+o.ID.Kind] {
			out = append(out, o)
		}
	}
	return out
}

// admits reports whether an object is an admission policy, or the binding of one: one that refuses, or one that changes what comes
// before it is judged.
func admits(o *manifest.Object) bool {
	return schema.IsAdmission(o) || o.ID.Group == "admissionregistration.k8s.io" && strings.HasPrefix(o.ID.Kind, "MutatingAdmissionPolicy")
}

// definitionsFor gives the definitions that objects of a target need and the target does not render: those of the repository, in the
// order in which they bind its validation, else those of well-known projects. amended are those that other targets change.
func (f *facts) definitionsFor(target plan.Target, objects []*manifest.Object, amended []located) ([]*manifest.Object, error) {
	f.once.Do(f.read)
	rendered := make(map[kind]bool)
	needed := make(map[kind]bool)
	for _, o := range objects {
		needed[kind{o.ID.Group, o.ID.Kind}] = true
		if d, err := f.schemas.Definition(o, ""); err == nil {
			rendered[kind{d.Group, d.Kind}] = true
		}
	}
	var out []*manifest.Object
	take := func(list []located) {
		for _, l := range list {
			if k := l.kind(); needed[k] && !rendered[k] {
				rendered[k] = true
				out = append(out, l.object)
			}
		}
	}
	take(f.binding)
	take(amended)
	take(nearest(f.head, target))
	take(nearest(f.base, target))
	for k := range needed {
		if rendered[k] {
			continue
		}
		object, ok, err := schema.PopularDefinition(k.group, k.name)
		if err != nil {
			return nil, err
		}
		if ok {
			out = append(out, object)
		}
	}
	return out, nil
}

// rehearsalBy gives how changes are rehearsed: as the configuration that binds says, where the command line does not choose.
func (c *Check) rehearsalBy(cfg *config.Config) config.Rehearse {
	how := cfg.Rehearse
	if c.Rehearse != "" {
		how.Provider = c.Rehearse
	}
	return how
}
