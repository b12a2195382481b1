package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice/internal/config"
	"github.com/sluice-dev/sluice/internal/gate"
	"github.com/sluice-dev/sluice/internal/git"
	"github.com/sluice-dev/sluice/internal/github"
	"github.com/sluice-dev/sluice/internal/pipeline"
	"github.com/sluice-dev/sluice/internal/promote"
)

// inquiry asks GitHub what a plan on a laptop cannot know: which promotions have an open pull request, and what was said of the source.
type inquiry struct {
	repo   *git.Repo
	gated  map[edgeKey]pipeline.GatedEdge
	client *github.Client
	login  string
	pulls  []github.PullRequest
	status bool // of a status, which tells of pull requests
	// unasked says why nobody was asked; nil where GitHub was.
	unasked error
}

// inquire finds GitHub, and has a promotion remember the gates that it is asked about. A repository that is on no GitHub, a token that is missing and a
// server that does not answer are no errors: what is not known is said.
func (c *Command) inquire(ctx context.Context, repo *git.Repo, opts promoteOptions, promotion *pipeline.Promotion) *inquiry {
	q := &inquiry{repo: repo, gated: make(map[edgeKey]pipeline.GatedEdge)}
	promotion.Gates = func(_ context.Context, e pipeline.GatedEdge) (gate.Result, error) {
		q.gated[edgeKey{e.App, e.From, e.To, e.FromTarget.ID}] = e
		return gate.Evaluate(e.Input(promotion.Now)), nil
	}
	name, api, token := c.findGitHub(ctx, repo, opts.github)
	switch {
	case name == "":
		q.unasked = errors.New("the remote origin is no GitHub repository")
	case token == "":
		q.unasked = errors.New("there is no token in GITHUB_TOKEN or GH_TOKEN")
	default:
		if q.client, q.unasked = github.New(github.Options{Repo: name, Token: token, APIURL: api}); q.unasked == nil {
			q.unasked = q.read(ctx)
		}
	}
	return q
}

// matters reports whether GitHub has something to say of an edge.
func (q *inquiry) matters(e pipeline.PromotionEdge) bool {
	rules := q.gated[keyOf(e)].Rules
	asks := func(r config.GateRule) bool { return r.Approvals > 0 }
	return e.Moves() && (q.status || kinds(rules) != (github.SignalKinds{}) || slices.ContainsFunc(rules, asks))
}

func (q *inquiry) read(ctx context.Context) (err error) {
	if q.login, err = q.client.Login(ctx); err != nil {
		return err
	}
	q.pulls, err = q.client.OpenPulls(ctx)
	q.pulls = slices.DeleteFunc(q.pulls, func(p github.PullRequest) bool {
		return !isOurBranch(p.Branch) || !strings.EqualFold(p.Author, q.login)
	})
	return err
}

// complete adds to a plan what GitHub says. Where it was not asked although that matters, a note says so.
func (q *inquiry) complete(ctx context.Context, promotion *pipeline.Promotion, planned *pipeline.PromotionPlan) error {
	if q.unasked != nil {
		if slices.ContainsFunc(planned.Edges, q.matters) {
			planned.Notes = append(planned.Notes,
				fmt.Sprintf("GitHub was not asked, so open pull requests are not shown, and gates that look at it are closed: %v", q.unasked))
		}
		return ctx.Err()
	}
	keeper, err := newGatekeeper(ctx, q.repo, q.client, promotion.Target.Commit, promotion.Now)
	if err != nil {
		return err
	}
	pullOf := make(map[edgeKey]github.PullRequest)
	var heads []string
	for _, unit := range planned.Units(planned.Config.Promotion) {
		i := slices.IndexFunc(q.pulls, func(p github.PullRequest) bool { return p.Branch == unit.Branch })
		if i < 0 {
			continue
		}
		heads = append(heads, q.pulls[i].Head)
		for _, e := range unit.Edges {
			pullOf[keyOf(e)] = q.pulls[i]
		}
	}
	unfetched := errors.New("only a status tells of it")
	if q.status {
		planned.Notes = append(planned.Notes, q.others(planned, promotion.Apps)...)
		unfetched = q.repo.EnsureHistory(ctx, heads...)
		if unfetched != nil && len(heads) > 0 {
			planned.Notes = append(planned.Notes, fmt.Sprintf("the promotion branches cannot be fetched, so gates are shown for the newest source: %v", unfetched))
		}
	}
	for i := range planned.Edges {
		e := &planned.Edges[i]
		pull, open := pullOf[keyOf(*e)]
		if open {
			e.PullRequest = pipeline.PullRequest{Number: pull.Number, URL: pull.URL, State: pipeline.PullOpen}
		}
		asked, known := q.gated[keyOf(*e)]
		if !known || !e.Moves() {
			continue
		}
		var of *gate.Pull
		if open {
			of = keeper.pullOf(ctx, pull.Number, pull.Head, pull.Labels, asked.Rules)
		}
		if open && unfetched == nil {
			if asked, err = q.pinned(ctx, promotion, e, asked, pull.Head); err != nil {
				return err
			}
		}
		result, err := keeper.evaluate(ctx, asked, of)
		if err != nil {
			return err
		}
		e.SetGates(result)
	}
	return ctx.Err()
}

// pinned gives what is asked about an edge as its open pull request has it, whose branch is at head: of the commit of the source that is promoted
// there. That may be an earlier one than the newest, for it is the newest whose gates were open.
func (q *inquiry) pinned(ctx context.Context, promotion *pipeline.Promotion, e *pipeline.PromotionEdge, asked pipeline.GatedEdge, head string) (pipeline.GatedEdge, error) {
	main := promotion.Target.Commit
	record, made, err := recordOn(ctx, q.repo, main, head)
	if err != nil || !made || record.Source == e.Source {
		e.PullRequest.Source = record.Source
		return asked, err
	}
	if !q.repo.IsAncestor(ctx, record.Source, main) {
		return asked, ctx.Err() // this clone is behind, and so is the rest of what it says
	}
	e.PullRequest.Source = record.Source
	then, err := preparePromotion(ctx, q.repo, main, record.Source)
	if err != nil {
		return asked, err
	}
	then.From, then.To, then.Apps, then.Now = e.From, e.To, []string{e.App}, promotion.Now
	then.Gates = func(_ context.Context, of pipeline.GatedEdge) (gate.Result, error) {
		if of.FromTarget.ID == e.FromTarget {
			asked = of
		}
		return gate.Evaluate(of.Input(then.Now)), nil
	}
	_, err = runPromotion(ctx, then)
	return asked, err
}

// others tells of the open pull requests that are no whole step of the order: parts, skipped stages, steps back and rollbacks. With apps, only of
// those of these applications, and of all of an environment.
func (q *inquiry) others(planned *pipeline.PromotionPlan, apps []string) (notes []string) {
	units := planned.Units(planned.Config.Promotion)
	for _, p := range q.pulls {
		isUnit := slices.ContainsFunc(units, func(u pipeline.Unit) bool { return u.Branch == p.Branch })
		isOther := len(apps) > 0 && !slices.ContainsFunc(append([]string{"all"}, apps...), func(app string) bool { return promote.IsOf(p.Branch, app) })
		if !isUnit && !isOther {
			notes = append(notes, fmt.Sprintf("pull request #%d is open too: %s %s", p.Number, p.Title, p.URL))
		}
	}
	return notes
}
