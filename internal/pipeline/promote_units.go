package pipeline

import (
	"slices"
	"strings"

	"github.com/sluice-dev/sluice/internal/config"
	"github.com/sluice-dev/sluice/internal/promote"
)

// Unit is what one pull request carries: one application, or all of them, on one step of the promotion order.
type Unit struct {
	Name     string // the application, or "all"
	From, To string // environments; To names several as "prod-eu+prod-us" where one pull request goes to all of a stage
	Branch   string
	Part     string // what alone is promoted, as [PromotionEdge.Only] says it; "" for everything
	Edges    []PromotionEdge
}

// everything is the name of a unit that carries all applications.
const everything = "all"

// Units groups a plan's edges into pull requests, in the order of the edges.
func (p *PromotionPlan) Units(settings config.Promotion) []Unit {
	var out []Unit
	at := make(map[[3]string]int)
	for _, e := range p.Edges {
		name, to := e.App, e.To
		if settings.Group == config.GroupEnvironment {
			name = everything
		}
		if settings.FanOut == config.FanOutTogether {
			to = p.stageOf(e)
		}
		key := [3]string{name, e.From, to}
		i, known := at[key]
		if !known {
			i, at[key] = len(out), len(out)
			out = append(out, Unit{Name: name, From: e.From, To: to, Part: e.Only, Branch: promote.PartBranch(name, e.From, to, e.Only)})
		}
		out[i].Edges = append(out[i].Edges, e)
	}
	return out
}

// stageOf names all environments of the stage that an edge leads to.
func (p *PromotionPlan) stageOf(e PromotionEdge) string {
	for _, stage := range p.stages {
		if slices.Contains(stage, e.To) && !slices.Contains(stage, e.From) {
			return strings.Join(stage, "+")
		}
	}
	return e.To
}

// Files gives what the unit changes.
func (u Unit) Files() (out []PromotedFile) {
	for _, e := range u.Edges {
		out = append(out, e.Files...)
	}
	return eachOnce(out)
}

// eachOnce drops what several edges write alike: a copy of a shared directory that is new to several applications.
func eachOnce(files []PromotedFile) (out []PromotedFile) {
	seen := make(map[string]bool)
	for _, f := range files {
		if !seen[f.Path] {
			out = append(out, f)
		}
		seen[f.Path] = true
	}
	return out
}

// Conflicts gives what a person must settle.
func (u Unit) Conflicts() (out []promote.Conflict) {
	for _, e := range u.Edges {
		out = append(out, e.Conflicts...)
	}
	return out
}

// Empty reports whether there is nothing to promote, and nothing to settle.
func (u Unit) Empty() bool { return len(u.Files()) == 0 && len(u.Conflicts()) == 0 }

// Moving gives the edges on which something is promoted, or to be settled.
func (u Unit) Moving() (out []PromotionEdge) {
	for _, e := range u.Edges {
		if len(e.Files) > 0 || len(e.Conflicts) > 0 {
			out = append(out, e)
		}
	}
	return out
}

// Record is what the unit's commit says of itself. Its source is the newest of its edges'.
func (u Unit) Record(source string) promote.Record {
	r := promote.Record{Source: source, Part: u.Part}
	for _, e := range u.Moving() {
		step := promote.Step{App: e.App, From: e.From, To: e.To}
		if !slices.Contains(r.Steps, step) {
			r.Steps = append(r.Steps, step)
		}
	}
	return r
}

// Carries reports whether a record is one of the unit's: of its applications, on its step, and of the same part.
func (u Unit) Carries(r promote.Record) bool {
	if r.Part != u.Part {
		return false
	}
	for _, step := range r.Steps {
		ours := slices.ContainsFunc(u.Edges, func(e PromotionEdge) bool { return step.From == e.From && step.To == e.To && step.App == e.App })
		if !ours && u.Name != everything {
			return false
		}
	}
	return len(r.Steps) > 0
}

// Fill gives a template with {app}, {from} and {to} filled in.
func (u Unit) Fill(template string) string {
	return strings.NewReplacer("{app}", u.Name, "{from}", u.From, "{to}", strings.ReplaceAll(u.To, "+", ", ")).Replace(template)
}
