package pipeline

import (
	"context"
	"fmt"
	"slices"

	"github.com/sluice-dev/sluice/internal/config"
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
	remote, unfetched := allowedRemotes(j.cfg, cfg)
	proposed, problems, err := c.newRulebook(ctx, c.Head.Tree, cfg, remote, j.schemas)
	j.proposed = proposed
	return append(problems, unfetched...), err
}

// allowedRemotes gives those policies from elsewhere of a proposed configuration that the one that binds names, too: a change does not
// say what is fetched. Notices tell what was left out.
func allowedRemotes(binding, proposed *config.Config) (allowed []config.PlacedPolicies, notices finding.List) {
	for _, remote := range proposed.RemotePolicies() {
		if slices.Contains(binding.Policies.Remote, remote.RemotePolicies) {
			allowed = append(allowed, remote)
			continue
		}
		notices = append(notices, finding.Finding{
			Rule: "policy/remote", Severity: finding.Notice, Pos: remote.Pos,
			Message: fmt.Sprintf("the policies %s are not fetched before the base branch names them: what they find is not shown here", remote),
		})
	}
	return allowed, notices
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
