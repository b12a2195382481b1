package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice/internal/config"
	"github.com/sluice-dev/sluice/internal/git"
	"github.com/sluice-dev/sluice/internal/github"
	"github.com/sluice-dev/sluice/internal/pipeline"
	"github.com/sluice-dev/sluice/internal/promote"
	"github.com/sluice-dev/sluice/internal/report"
)

// openRollback is promote --rollback --open: it opens the pull request of a rollback, or brings it up to date. Its life is that of a
// promotion's, except that it waits for no gate, and that one which a person closed is opened again when it is asked for again.
func (c *Command) openRollback(ctx context.Context, repo *git.Repo, opts promoteOptions, order rollbackOrder) error {
	run, err := c.openingRun(ctx, repo, opts, order.log)
	if err != nil {
		return err
	}
	w, err := c.reconcileRollback(ctx, run, order)
	if err != nil || w.back == nil {
		return err
	}
	w.back.PullRequest = &w.outcome
	if err := c.writeRollback(w.back, opts); err != nil {
		return err
	}
	for _, note := range w.notes {
		fmt.Fprintf(c.Stderr, "note: %s\n", report.Visible(note))
	}
	if !w.back.Restored() || w.outcome.State != pipeline.PullOpen {
		return &exitError{code: ExitFindings}
	}
	return nil
}

// reconcileRollback does what is missing for a rollback, and gives it with what became of it.
func (c *Command) reconcileRollback(ctx context.Context, run promotionRun, order rollbackOrder) (*work, error) {
	o := &opener{Command: c, promotionRun: run, tally: new(tally), open: make(map[string][]github.PullRequest), undo: &order}
	if o.rendered == nil {
		o.rendered = c.runCheck
	}
	if err := o.prepare(ctx); err != nil {
		return nil, err
	}
	if order.rev != "" { // as the clone knows it, which need not stand at the default branch
		var err error
		if order.rev, err = run.repo.Resolve(ctx, order.rev); err != nil {
			return nil, err
		}
	}
	unit := pipeline.Unit{
		Name: order.app, From: order.env, To: order.env, Branch: promote.RollbackBranch(order.app, order.env), Part: promote.RollbackPart,
		Edges: []pipeline.PromotionEdge{{App: order.app, From: order.env, To: order.env}},
	}
	if err := o.fetchBranches(ctx, []pipeline.Unit{unit}); err != nil {
		return nil, err
	}
	return o.reconcile(ctx, unit)
}

// chooseRollback settles what is taken back.
func (w *work) chooseRollback(ctx context.Context) (err error) {
	hold := w.heldAlready()
	if w.back, _, err = w.planRollback(ctx, w.repo, w.main, *w.undo, hold); err != nil {
		return err
	}
	w.settings = w.back.Config.PullFor(w.undo.env)
	if hold.Source == "" {
		hold.Source = config.CommitID(w.main)
	}
	w.unit = w.back.Unit(w.unit.Branch, hold)
	return nil
}

// heldAlready gives the hold that an earlier run has written on the branch, and that the default branch has not: run again, the
// rollback is the same to the second. What is on the branch is only ours here.
func (w *work) heldAlready() config.Hold {
	if w.tipTree == nil || len(w.ours) == 0 || w.is.Diverged {
		return config.Hold{}
	}
	var known []string
	for _, hold := range w.holdsIn(w.tree) {
		known = append(known, hold.Line())
	}
	for _, hold := range slices.Backward(w.holdsIn(w.tipTree)) {
		if hold.Restored != "" && !slices.Contains(known, hold.Line()) {
			return hold
		}
	}
	return config.Hold{}
}

// holdsIn gives the holds of what is taken back. Mistakes in the file are left to the plan, which refuses them.
func (w *work) holdsIn(tree *git.Tree) []config.Hold {
	data, err := tree.ReadFile(config.HoldsName)
	if err != nil {
		return nil
	}
	holds, _ := config.ParseHolds(config.HoldsName, data)
	return config.HoldsOf(holds, w.undo.app, "", w.undo.env)
}

func rollbackTitle(u pipeline.Unit) string {
	return fmt.Sprintf("Roll back %s in %s", report.Inert(u.Name), report.Inert(u.To))
}

// rollbackMessage is that of the commit of a rollback. Its record leads from the environment to itself, so no promotion takes it for its
// base.
func (w *work) rollbackMessage(ctx context.Context) (string, promote.Record, error) {
	record := w.record(ctx)
	record.Reason = w.undo.reason
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n", rollbackTitle(w.unit))
	for _, t := range w.back.Targets {
		fmt.Fprintf(&b, "%s to what it was at %.10s\n", report.Inert(t.ID), t.Restored)
	}
	return b.String() + "\n" + record.Trailers(nil), record, nil
}

// rollbackBody gathers what the body tells.
func (w *work) rollbackBody(_ context.Context, checked *report.Report) ([]string, error) {
	r := report.Rollback{App: w.back.App, Environment: w.back.Environment, Hold: w.back.Hold, HoldsFile: config.HoldsName, Check: checked.Headline()}
	for _, t := range w.back.Targets {
		r.Targets = append(r.Targets, restoredText(t))
	}
	for _, f := range w.back.Files {
		r.Files = append(r.Files, report.RolledBackFile{Path: f.Path, Action: string(f.Action)})
	}
	return report.RollbackBody(r), nil
}
