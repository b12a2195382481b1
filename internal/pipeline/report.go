package pipeline

import (
	"slices"

	"github.com/sluice-dev/sluice/internal/finding"
	"github.com/sluice-dev/sluice/internal/report"
)

// report joins what was found into one value, which is not finished.
func (c *Check) report(r rules, s *scene, j *judge, judgements []judgement, problems finding.List) *report.Report {
	out := &report.Report{
		Base: c.Base.Commit, Head: c.Head.Commit, Gate: c.Gate,
		Environments: s.head.Layout.Environments,
	}
	if c.Scope.All {
		out.NonTargets = s.head.Layout.NonTargets
	}
	lists := []finding.List{problems}
	for _, judged := range judgements {
		out.Targets = append(out.Targets, judged.target)
		lists = append(lists, hideTexts(judged.findings, judged.sensitive))
		for _, change := range judged.changes {
			change.shown.Risks = change.risks
			out.Changes = append(out.Changes, change.shown)
		}
		if judged.blind {
			out.Unchecked = append(out.Unchecked, judged.target.ID)
		}
		out.Coverage.Add(judged.coverage)
		out.Quiet.Add(judged.quiet)
	}
	hidden := DiffOptions(j.cfg)
	out.Findings = j.head.quote(hideSensitive(finding.Join(lists...), hidden), hidden)
	if j.blind {
		out.Unchecked = append(out.Unchecked, "the repository's policies: they could not be loaded")
	}
	slices.Sort(out.Unchecked) // as the order of targets means nothing where shards are joined
	out.Notes = append(c.notes(r), j.beside.leftOut()...)
	return out
}

// unaffected counts the targets in scope on either side.
func (c *Check) unaffected(s *scene) int {
	n := 0
	for _, t := range append(missing(s.base.Layout.Targets, s.head.Layout.Targets), s.head.Layout.Targets...) {
		if c.Scope.covers(t) {
			n++
		}
	}
	return n
}

func (c *Check) notes(r rules) []string {
	var notes []string
	if c.Scope.DiffOnly {
		notes = append(notes, "nothing was checked: this is the difference only")
	}
	if c.Base.Tree == nil {
		notes = append(notes, "there is nothing to compare with: every finding counts as new")
	}
	if n := len(c.Scope.Environments) + len(c.Scope.Apps); n > 0 {
		notes = append(notes, "this is a part of the repository only: --env or --app was given")
	}
	return notes
}
