package cli

import (
	"cmp"
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

func (w *work) perform(ctx context.Context, step pipeline.Step) error {
	switch step {
	case pipeline.StepCommit:
		return w.commit(ctx)
	case pipeline.StepOpen:
		return w.openPull(ctx)
	case pipeline.StepPublish:
		return w.publishAll(ctx)
	case pipeline.StepGate:
		return w.publishGate(ctx)
	case pipeline.StepDiverge:
		return w.client.Say(ctx, w.pull.Number, w.id+"-diverged", "Somebody else has pushed to this branch, so it is theirs: sluice does not touch it any more, and does not "+
			"bring it up to date. Merge it, or close it and delete the branch: then sluice opens a new pull request when the source changes, or a rollback is asked for again.")
	case pipeline.StepClose:
		return w.close(ctx)
	case pipeline.StepDelete:
		return w.client.DeleteBranch(ctx, w.unit.Branch, w.is.Tip)
	}
	return fmt.Errorf("unknown step %q", step)
}

// commit appends a commit with the promotion, or makes the branch with it. Where the default branch has changed files that the
// branch touches, it is merged in by the same commit, so that the pull request has no conflict.
func (w *work) commit(ctx context.Context) error {
	parents, base := []string{w.main}, w.tree
	if w.is.Tip != "" && !w.repo.IsAncestor(ctx, w.is.Tip, w.main) {
		moved, err := w.mainMoved(ctx)
		if err != nil {
			return err
		}
		if parents, base = []string{w.is.Tip}, w.tipTree; moved {
			parents, base = []string{w.is.Tip, w.main}, w.tree
		}
	}
	files, err := w.changes(ctx, base)
	if err != nil {
		return err
	}
	files = slices.DeleteFunc(files, func(f github.NewFile) bool {
		_, there := base.OID(f.Path)
		return f.Deleted && !there
	})
	describe := w.message
	if w.back != nil {
		describe = w.rollbackMessage
	}
	message, record, err := describe(ctx)
	if err != nil {
		return err
	}
	id, err := w.client.Commit(ctx, github.NewCommit{Message: message, Parents: parents, BaseTree: base.ID, Files: files, TreeKey: promote.TrailerTree})
	if err != nil {
		return err
	}
	if w.is.Tip == "" {
		err = w.client.CreateBranch(ctx, w.unit.Branch, id)
	} else {
		err = w.client.MoveBranch(ctx, w.unit.Branch, id)
	}
	if err != nil {
		return err
	}
	w.is.Tip, w.branches[w.unit.Branch], w.made = id, id, true
	w.ours = append(w.ours, madeCommit{id, record})
	return nil
}

// mainMoved reports whether the default branch has changed files that the promotion or its branch touches, since they parted.
func (w *work) mainMoved(ctx context.Context) (bool, error) {
	base, ok := w.repo.MergeBase(ctx, w.is.Tip, w.main)
	if !ok {
		return true, nil
	}
	tree, err := w.repo.Tree(ctx, base)
	if err != nil {
		return false, err
	}
	names := git.Changed(tree, w.tipTree)
	for _, f := range w.unit.Files() {
		names = append(names, f.Path)
	}
	return slices.ContainsFunc(names, func(name string) bool {
		then, _ := tree.OID(name)
		now, _ := w.tree.OID(name)
		return then != now
	}), nil
}

// openPull opens the pull request. What it shows is published afterwards, so its body is no more than a beginning.
func (w *work) openPull(ctx context.Context) error {
	pull, err := w.client.CreatePull(ctx, github.NewPull{
		Title: w.title(), Body: "The evidence follows in a moment.", Branch: w.unit.Branch, Base: w.branch, Draft: w.wantsDraft(),
	})
	if err != nil {
		return err
	}
	if !strings.EqualFold(pull.Author, w.login) {
		return fmt.Errorf("open a pull request from branch %q: %w", w.unit.Branch, github.ErrMoved)
	}
	w.pull = pull
	w.open[w.unit.Branch] = append(w.open[w.unit.Branch], pull)
	w.outcome.Number, w.outcome.URL = pull.Number, pull.URL
	return nil
}

func (w *work) wantsDraft() bool {
	return w.settings.Draft == config.DraftAlways || len(w.unit.Conflicts()) > 0 || w.back != nil && !w.back.Restored()
}

func (w *work) title() string {
	if w.back != nil {
		return rollbackTitle(w.unit)
	}
	title := report.Visible(w.unit.Fill(string(w.settings.Title)))
	if w.unit.Part != "" {
		title += " (" + tellPart(w.unit.Part) + ")"
	}
	return title
}

// close closes the pull request, with the reason, because there is nothing to promote any more.
func (w *work) close(ctx context.Context) error {
	now, err := w.client.PullsOf(ctx, w.unit.Branch)
	if err != nil {
		return err
	}
	if i := slices.IndexFunc(now, func(p github.PullRequest) bool { return p.Number == w.pull.Number }); i >= 0 && !now[i].Open {
		return fmt.Errorf("close pull request %d: %w", w.pull.Number, github.ErrMoved)
	}
	why := fmt.Sprintf("There is nothing left to promote: what %s changed was taken back, or %s has it already. sluice closes this pull request and deletes its branch.",
		report.Code(w.unit.From), report.Code(w.unit.To))
	if err := w.client.Say(ctx, w.pull.Number, w.id+"-closed", why); err != nil {
		return err
	}
	_, rest, _ := strings.Cut(w.pull.Body, "\n")
	whole := closeMarker + "\n" + rest // it was taken before, so it is asked for twice: no later run could bring it back
	if err := w.client.ClosePull(ctx, w.pull.Number, []string{whole, whole, closeMarker}); err != nil {
		return err
	}
	w.outcome.State = pipeline.PullNone
	return nil
}

// gateState sums up the gates of the unit's edges for a commit status.
func (w *work) gateState() github.Status {
	s := github.Status{Context: "sluice/gate", State: "success", Description: "All gates are open", URL: w.env.RunURL}
	for _, e := range w.unit.Moving() {
		for _, g := range e.Gates {
			if g.Open {
				continue
			}
			if s.State == "success" {
				s.State, s.Description = "pending", g.Name+": "+g.Reason
				if g.Until != "" {
					s.Description += ", until " + g.Until
				}
			}
		}
	}
	if w.back != nil {
		s.Description = "A rollback waits for no gate"
	} else if s.State == "success" && !slices.ContainsFunc(w.unit.Moving(), func(e pipeline.PromotionEdge) bool { return len(e.Gates) > 0 }) {
		s.Description = "No gates are configured"
	}
	return s
}

func (w *work) publishGate(ctx context.Context) error {
	return w.client.SetStatus(ctx, cmp.Or(w.is.Tip, w.pull.Head), w.gateState())
}

// closeGate shows on a pull request that is left to the next run that a gate has closed meanwhile. One that has opened waits with the rest: what it
// opened for may not be on the branch yet.
func (w *work) closeGate(ctx context.Context) error {
	if w.pull.Number == 0 || w.gateState().State == "success" {
		return nil
	}
	return w.publishGate(ctx)
}
