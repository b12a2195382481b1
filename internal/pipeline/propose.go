package pipeline

import (
	"context"
	"slices"

	"github.com/sluice-dev/sluice/internal/finding"
	"github.com/sluice-dev/sluice/internal/plan"
)

// propose loads the rules that head brings, where the change touches policies: they do not bind yet, but what they would
// find is shown, so that a change of rules is never silently green.
func (j *judge) propose(ctx context.Context, r rules) (finding.List, error) {
	c := j.check
	touched := slices.ContainsFunc(c.Changed, func(file string) bool { return inPolicies(j.cfg, file) })
	cfg := j.cfg
	if r.head != nil {
		cfg = r.head
	}
	if c.Base.Tree == nil || (!touched && r.head == nil) {
		return nil, nil
	}
	proposed, problems, err := c.newRulebook(ctx, c.Head.Tree, cfg, j.schemas)
	j.proposed = proposed
	return problems, err
}

// proposals gives what only the rules of head find in one target, as notices.
func (j *judge) proposals(ctx context.Context, target plan.Target, head Rendering, bound finding.List) (finding.List, error) {
	if j.proposed == nil || head.Failed {
		return nil, nil
	}
	others, err := j.around(ctx, j.proposed, target, head.Objects, true)
	if err != nil {
		return nil, err
	}
	result, err := j.proposed.check(ctx, target, head.Objects, others)
	if err != nil {
		return nil, err
	}
	var out finding.List
	for _, f := range finding.Pair(target.ID, bound, j.settle(result.Findings, target, head, j.head)) {
		if f.Has(finding.New) && f.Waiver == nil {
			f.Severity = finding.Notice
			f.Message += " (found by a rule that this change brings)"
			out = append(out, f)
		}
	}
	return out, nil
}
