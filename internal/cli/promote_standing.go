package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice/internal/git"
	"github.com/sluice-dev/sluice/internal/github"
	"github.com/sluice-dev/sluice/internal/pipeline"
	"github.com/sluice-dev/sluice/internal/promote"
)

// standing brings promotions up to date that a person once asked for and that no order of promotion has: of a part, past a stage, or
// against the order. What was asked for stands in the record of the commit on their branch, which is a hint as ever: what is promoted is computed
// anew. It gives the units that it found.
func (o *opener) standing(ctx context.Context, known []pipeline.Unit) (found []pipeline.Unit, err error) {
	if o.from != "" || o.to != "" || len(o.apps) > 0 || o.part != nil {
		return nil, nil // somebody asks for something else
	}
	var errs []error
	for _, branch := range slices.Sorted(maps.Keys(o.branches)) {
		tip := o.branches[branch]
		isKnown := slices.ContainsFunc(known, func(u pipeline.Unit) bool { return u.Branch == branch })
		if isKnown || strings.HasPrefix(branch, promote.RollbackBranchPrefix) {
			continue
		}
		wanted, err := o.stands(ctx, branch, tip)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		record, made, err := recordOn(ctx, o.repo, o.main, tip)
		if err != nil || !wanted || !made {
			errs = append(errs, err)
			continue
		}
		unit, err := o.stand(ctx, branch, record)
		if err != nil {
			errs = append(errs, fmt.Errorf("promote what branch %s asks for: %w", branch, err))
		} else if unit != nil {
			found = append(found, *unit)
		}
		if hopeless(ctx, err) {
			break
		}
	}
	return found, errors.Join(errs...)
}

// stands reports whether a branch has a pull request of ours that is open, or a run was killed before it opened one.
func (o *opener) stands(ctx context.Context, branch, tip string) (bool, error) {
	ours := func(p github.PullRequest) bool { return strings.EqualFold(p.Author, o.login) && p.Base == o.branch }
	if len(o.open[branch]) > 0 {
		return slices.ContainsFunc(o.open[branch], ours), nil
	}
	if err := o.repo.EnsureHistory(ctx, tip); err != nil || o.repo.IsAncestor(ctx, tip, o.main) {
		return false, err
	}
	pulls, err := o.client.PullsOf(ctx, branch)
	return len(pulls) == 0, err
}

// maxOnBranch bounds the commits of a branch of ours that are looked at.
const maxOnBranch = 250

// onlyOurs reports whether nobody but sluice wrote on a branch: what the default branch has not are commits that say so and have the content
// that they were made with, and merges in which nobody wrote.
func (o *opener) onlyOurs(ctx context.Context, tip string) (bool, error) {
	if err := o.repo.EnsureHistory(ctx, tip); err != nil {
		return false, err
	}
	commits, err := o.repo.Commits(ctx, o.main, tip, nil, maxOnBranch)
	for _, c := range commits {
		records := promote.Records(c.Message)
		if made := len(records) == 1 && records[0].Tree == c.Tree; !made && !o.repo.IsPlainMerge(ctx, c) {
			return false, err
		}
	}
	return len(commits) < maxOnBranch, err
}

// recordOn gives the record of the newest commit of ours on a branch that main, a commit of the default branch, has not. made is false where
// there is none.
func recordOn(ctx context.Context, repo *git.Repo, main, tip string) (record promote.Record, made bool, err error) {
	if err := repo.EnsureHistory(ctx, tip); err != nil {
		return record, false, err
	}
	commits, err := repo.Commits(ctx, main, tip, nil, maxOnBranch)
	for _, c := range commits {
		if records := promote.Records(c.Message); len(records) == 1 && records[0].Tree == c.Tree {
			return records[0], true, nil
		}
	}
	return record, false, err
}

// stand brings one of them up to date. It is nil where it cannot be asked for any more: then a note says so, and a person decides about the pull
// request.
func (o *opener) stand(ctx context.Context, branch string, record promote.Record) (*pipeline.Unit, error) {
	sub := *o
	sub.notes, sub.gated, sub.insists = nil, make(map[edgeKey]pipeline.GatedEdge), false
	sub.from, sub.reason = record.Steps[0].From, record.Reason
	for _, step := range record.Steps {
		if step.From != sub.from {
			return nil, nil // no record of ours
		}
		if sub.apps = append(sub.apps, step.App); step == record.Steps[0] {
			sub.to = step.To
		} else if step.To != sub.to {
			sub.to = ""
		}
	}
	var err error
	if record.Part != "" {
		sub.part, err = choosePart(ctx, o.repo, o.client, o.main, strings.Split(record.Part, "\n"))
	}
	if sub.part != nil {
		sub.part.Again = true
	}
	if err == nil {
		err = sub.plan(ctx)
	}
	var units []pipeline.Unit
	if err == nil {
		units = sub.planned.Units(sub.planned.Config.Promotion)
	}
	at := slices.IndexFunc(units, func(u pipeline.Unit) bool { return u.Branch == branch })
	switch refused := new(pipeline.RequestError); {
	case errors.As(err, &refused), errors.As(err, new(*exitError)):
		o.notes = append(o.notes, fmt.Sprintf("branch %s is left alone, for what it promotes cannot be asked for any more: %v", branch, err))
		return nil, nil
	case err != nil || at < 0:
		return nil, err
	}
	done, err := sub.reconcile(ctx, units[at])
	o.notes = append(o.notes, sub.notes...)
	o.planned.Edges = append(o.planned.Edges, done.unit.Edges...)
	return &done.unit, err
}
