package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/sluice-dev/sluice/internal/gate"
	"github.com/sluice-dev/sluice/internal/git"
	"github.com/sluice-dev/sluice/internal/github"
	"github.com/sluice-dev/sluice/internal/pipeline"
	"github.com/sluice-dev/sluice/internal/promote"
	"github.com/sluice-dev/sluice/internal/report"
)

// promotionRun says which promotions are brought up to date on GitHub. Where a token, a server and an address of the run are given,
// they are those of in and env.
type promotionRun struct {
	repo     *git.Repo
	client   *github.Client
	env      github.Env // Repo and ServerURL; RunURL where there is one
	branch   string     // the default branch
	from, to string     // environments; "" for every step of the order
	apps     []string   // nil for all
	reason   string     // why a stage is skipped; "" where none is
	only     []string   // what alone is promoted; nil for everything
	id       string     // names the comment and the check run
	gate     report.Gate
	cache    string // directory of the cache; "" for none
	now      time.Time
	log      *slog.Logger
	// rendered renders and checks; nil is [Command.runCheck].
	rendered func(context.Context, checkRun) (*report.Report, error)
}

// opener brings promotion pull requests up to date. It is level-triggered: it reads the state of the default branch, of the
// promotion branches and of their pull requests, and does what is missing. Whatever an earlier run did or left undone, the end is the
// same.
type opener struct {
	*Command
	promotionRun
	login    string
	main     string // the default branch's commit, read once: everything that is promoted is of it
	tree     *git.Tree
	planned  *pipeline.PromotionPlan
	keeper   *gatekeeper
	gated    map[edgeKey]pipeline.GatedEdge
	open     map[string][]github.PullRequest // by branch
	branches map[string]string               // commits of the promotion branches
	carried  map[string][]github.PullRequest // by commit that they brought
	notes    []string
	tally    *tally         // of all that is done in this run
	undo     *rollbackOrder // what is taken back instead of promoted; nil for promotions
	part     *chosenPart    // what alone is promoted; nil for everything
	insists  bool           // a person asks for this just now: that one closed it before does not count
}

type edgeKey struct{ app, from, to, target string }

func keyOf(e pipeline.PromotionEdge) edgeKey { return edgeKey{e.App, e.From, e.To, e.FromTarget} }

// openPromotions brings the promotion pull requests up to date, and gives the plan with what became of each. One unit that fails
// does not keep the others from being done: the error joins what went wrong.
func (c *Command) openPromotions(ctx context.Context, run promotionRun) (*pipeline.PromotionPlan, error) {
	if err := (promoteOptions{from: run.from, to: run.to, only: run.only}).checkOnly(); err != nil {
		return nil, err // whoever asks, by a flag or in a comment
	}
	run.reason = strings.Join(strings.Fields(run.reason), " ") // as the record says it
	o := &opener{
		Command: c, promotionRun: run, tally: new(tally), gated: make(map[edgeKey]pipeline.GatedEdge),
		open: make(map[string][]github.PullRequest), carried: make(map[string][]github.PullRequest),
	}
	if o.rendered == nil {
		o.rendered = c.runCheck
	}
	if err := o.prepare(ctx); err != nil {
		return nil, err
	}
	var err error
	if o.part, err = choosePart(ctx, o.repo, o.client, o.main, o.only); err != nil {
		return nil, err
	}
	o.insists = o.part != nil
	if err := o.plan(ctx); err != nil {
		return nil, err
	}
	units := o.planned.Units(o.planned.Config.Promotion)
	if err := o.fetchBranches(ctx, units); err != nil {
		return nil, err
	}
	var errs []error
	o.planned.Edges = []pipeline.PromotionEdge{}
	for _, unit := range units {
		if o.spent() && len(o.open[unit.Branch]) == 0 {
			o.leave(unit)
			continue
		}
		done, err := o.reconcile(ctx, unit)
		if err != nil {
			errs = append(errs, fmt.Errorf("promote %s from %s to %s: %w", unit.Name, unit.From, unit.To, err))
		}
		o.planned.Edges = append(o.planned.Edges, done.unit.Edges...)
		if hopeless(ctx, err) {
			break
		}
	}
	if !hopeless(ctx, errors.Join(errs...)) { // one unit that fails keeps nothing else from being done
		more, err := o.standing(ctx, units)
		if errs = append(errs, err); !hopeless(ctx, err) {
			errs = append(errs, o.mendAll(ctx))
		}
		if errors.Join(errs...) == nil {
			errs = append(errs, o.sweep(ctx, append(units, more...)))
		}
	}
	o.tellLeft()
	o.planned.Notes = append(o.planned.Notes, o.notes...)
	return o.planned, errors.Join(errs...)
}

// isOurBranch reports whether a branch is one of those that sluice makes.
func isOurBranch(name string) bool {
	return strings.HasPrefix(name, promote.BranchPrefix) || strings.HasPrefix(name, promote.PartBranchPrefix) || strings.HasPrefix(name, promote.RollbackBranchPrefix)
}

// hopeless reports whether nothing else can be done after an error either: there is no time, no call, no permission or no token left.
func hopeless(ctx context.Context, err error) bool {
	if refused := new(github.RefusedError); errors.As(err, &refused) && refused.Status == http.StatusUnauthorized {
		return true
	}
	return ctx.Err() != nil || errors.As(err, new(*github.LimitError)) || errors.As(err, new(*github.PermissionError))
}

// maxWritten and maxCalls bound for how many units one run writes, and what that may cost until it begins with another. One costs some 13 calls, half of
// which make something, one more for each commit that it carries and asks after, and for labels, reviewers and assignees: fifty at most. GitHub allows
// the token of a workflow 1,000 calls an hour, and anybody some 500 that make something
// (https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api). Only what comes further counts, for that is not written
// again: so the next run comes to the units after it, whatever fails each time and whatever is only kept as it is.
const (
	maxWritten = 20
	maxCalls   = 255
)

// tally counts the units of a run.
type tally struct {
	written int     // for which something was made that need not be made again
	calls   int     // that those took
	left    int     // that have something to promote and are left to the next run
	lacking []*work // about which nothing is to be done, and which lack something
}

// count takes note of a unit that was written, and of the calls that it took.
func (t *tally) count(calls int) {
	t.written++
	t.calls += calls
}

// spent reports whether this run has written for as many units as one may.
func (o *opener) spent() bool { return o.tally.written >= maxWritten || o.tally.calls >= maxCalls }

// leave leaves a unit without a pull request to the next run.
func (o *opener) leave(unit pipeline.Unit) {
	for _, e := range unit.Edges {
		e.PullRequest = pipeline.PullRequest{State: pipeline.PullNone}
		o.planned.Edges = append(o.planned.Edges, e)
	}
	if len(unit.Moving()) > 0 {
		o.tally.left++
	}
}

// tellLeft says how many units with something to promote are left to the next run.
func (o *opener) tellLeft() {
	if o.tally.left > 0 {
		o.notes = append(o.notes, fmt.Sprintf("%d promotions were opened or changed, as many as one run does within GitHub's limits. "+
			"Up to %d more are left to the next run, by a push or by schedule", o.tally.written, o.tally.left))
	}
}

// prepare reads the state of everything.
func (o *opener) prepare(ctx context.Context) (err error) {
	if o.login, err = o.client.Login(ctx); err != nil {
		return err
	}
	if o.main, err = o.client.Branch(ctx, o.branch); err != nil {
		return err
	}
	if o.main == "" {
		return fmt.Errorf("there is no branch %q on GitHub", o.branch)
	}
	if err := o.repo.EnsureHistory(ctx, o.main); err != nil {
		return err
	}
	if o.tree, err = o.repo.Tree(ctx, o.main); err != nil {
		return err
	}
	pulls, err := o.client.OpenPulls(ctx)
	if err != nil {
		return err
	}
	for _, p := range pulls {
		if isOurBranch(p.Branch) {
			o.open[p.Branch] = append(o.open[p.Branch], p)
		}
	}
	list, err := o.client.Branches(ctx, "sluice/")
	if err != nil {
		return err
	}
	o.branches = make(map[string]string)
	for name, tip := range list {
		if isOurBranch(name) {
			o.branches[name] = tip
		}
	}
	return nil
}

// plan computes what is to be promoted.
func (o *opener) plan(ctx context.Context) (err error) {
	if o.keeper, err = newGatekeeper(ctx, o.repo, o.client, o.main, o.now); err != nil {
		return err
	}
	promotion, err := o.promotion(ctx, o.main)
	if err != nil {
		return err
	}
	o.planned, err = runPromotion(ctx, promotion)
	return err
}

// promotion sets up the plan of what a commit of the default branch holds. The gates are asked for later, when the pull requests
// are known.
func (o *opener) promotion(ctx context.Context, source string) (*pipeline.Promotion, error) {
	promotion, err := preparePromotion(ctx, o.repo, o.main, o.part.rev(source))
	if err != nil {
		return nil, err
	}
	promotion.Only = o.part.only()
	promotion.From, promotion.To, promotion.Apps, promotion.Reason, promotion.Now = o.from, o.to, o.apps, o.reason, o.now
	promotion.Gates = func(_ context.Context, e pipeline.GatedEdge) (gate.Result, error) {
		o.gated[edgeKey{e.App, e.From, e.To, e.FromTarget.ID}] = e
		return gate.Evaluate(e.Input(o.now)), nil
	}
	return promotion, nil
}

// fetchBranches makes the commits of the units' branches present.
func (o *opener) fetchBranches(ctx context.Context, units []pipeline.Unit) error {
	var tips []string
	for _, unit := range units {
		if tip := o.branches[unit.Branch]; tip != "" {
			tips = append(tips, tip)
		}
	}
	return o.repo.EnsureHistory(ctx, tips...)
}

// maxRetries bounds how often a unit is looked at again when something else changes it meanwhile.
const maxRetries = 4

// reconcile does what is missing for one unit, and gives it with what became of it.
func (o *opener) reconcile(ctx context.Context, unit pipeline.Unit) (*work, error) {
	calls := o.client.Calls()
	for try := 1; ; try++ {
		w := &work{opener: o, unit: unit, earlier: make(map[edgeKey]bool)}
		err := w.run(ctx)
		if errors.Is(err, github.ErrMoved) && try < maxRetries && o.client.Pause(ctx) {
			if err = o.lookAgain(ctx, unit.Branch); err == nil {
				continue
			}
		}
		for i := range w.unit.Edges {
			w.unit.Edges[i].PullRequest = w.outcome
		}
		if w.wrote {
			o.tally.count(o.client.Calls() - calls)
		}
		return w, err
	}
}

// lookAgain reads the state of one unit anew.
func (o *opener) lookAgain(ctx context.Context, branch string) error {
	tip, err := o.client.Branch(ctx, branch)
	if err != nil {
		return err
	}
	delete(o.branches, branch)
	if tip != "" {
		o.branches[branch] = tip
		if err := o.repo.EnsureHistory(ctx, tip); err != nil {
			return err
		}
	}
	pulls, err := o.client.PullsOf(ctx, branch)
	if err != nil {
		return err
	}
	o.open[branch] = slices.DeleteFunc(pulls, func(p github.PullRequest) bool { return !p.Open })
	return nil
}

// sweep deletes branches that no unit has any more, and that hold nothing which the default branch has not: those of merged
// promotions whose application or environment is gone, or which were asked for by hand, and those of merged rollbacks.
func (o *opener) sweep(ctx context.Context, units []pipeline.Unit) error {
	var errs []error
	for branch, tip := range o.branches {
		known := slices.ContainsFunc(units, func(u pipeline.Unit) bool { return u.Branch == branch })
		if known || len(o.open[branch]) > 0 {
			continue
		}
		if over, err := o.isOver(ctx, branch, tip); err != nil || !over {
			errs = append(errs, err)
			continue
		}
		if err := o.client.DeleteBranch(ctx, branch, tip); err != nil && !errors.Is(err, github.ErrMoved) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// isOver reports whether a branch holds nothing that is still wanted: the default branch has it; or its pull request, which may have been
// merged by squash, was merged as the branch is; or a person closed that, and nobody but sluice wrote on the branch.
func (o *opener) isOver(ctx context.Context, branch, tip string) (bool, error) {
	if o.repo.IsAncestor(ctx, tip, o.main) {
		return true, nil
	}
	pulls, err := o.client.PullsOf(ctx, branch)
	i := slices.IndexFunc(pulls, func(p github.PullRequest) bool {
		return !p.Open && p.Head == tip && strings.EqualFold(p.Author, o.login)
	})
	if err != nil || i < 0 || pulls[i].Merged {
		return i >= 0, err
	}
	return o.onlyOurs(ctx, tip)
}
