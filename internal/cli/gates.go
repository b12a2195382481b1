package cli

import (
	"context"
	"slices"
	"time"

	"github.com/sluice-dev/sluice/internal/config"
	"github.com/sluice-dev/sluice/internal/gate"
	"github.com/sluice-dev/sluice/internal/git"
	"github.com/sluice-dev/sluice/internal/github"
	"github.com/sluice-dev/sluice/internal/pipeline"
)

const (
	// maxCandidates bounds the commits of the main line among which one is chosen to be promoted.
	maxCandidates = 100
	// maxAsked bounds, for one state of a source, the commits that GitHub is asked about: the newest. What is older could only
	// lengthen a soak.
	maxAsked = 20
)

// gatekeeper finds out what the gates of edges say. It asks GitHub about each commit once in a run.
type gatekeeper struct {
	client *github.Client // nil: GitHub is not asked, and gates that ask it are closed
	line   *pipeline.SourceLine
	now    time.Time
	said   map[askedOf]gate.Reading[gate.Signal]
}

type askedOf struct {
	commit string
	kinds  github.SignalKinds
}

// newGatekeeper makes one for promotions of what a commit of the main line holds.
func newGatekeeper(ctx context.Context, repo *git.Repo, client *github.Client, head string, now time.Time) (*gatekeeper, error) {
	line, err := repo.Mainline(ctx, head, maxCandidates)
	if err != nil {
		return nil, err
	}
	return &gatekeeper{
		client: client, now: now, said: make(map[askedOf]gate.Reading[gate.Signal]),
		line: &pipeline.SourceLine{Commits: line, Open: func(ctx context.Context, commit string) (pipeline.Tree, error) {
			return repo.Tree(ctx, commit)
		}},
	}, nil
}

// candidates gives the commits that could be promoted along an edge, the newest first, and what their gates say: those that
// brought the source into its present state, or one before it, since the one that was promoted last ("" where nobody knows). Behind
// the first whose source gates are open there is no need to look: see [gate.Choose].
func (k *gatekeeper) candidates(ctx context.Context, e pipeline.GatedEdge, promoted string, pull *gate.Pull) (out []gate.Candidate, err error) {
	states, err := k.line.States(ctx, e.FromTarget)
	if err != nil {
		return nil, err
	}
	for _, state := range states {
		if slices.Contains(state.Commits, promoted) {
			break
		}
		e.Source = state.Commit()
		result := k.ofState(ctx, e, state, pull)
		out = append(out, gate.Candidate{Commit: e.Source, Result: result})
		if result.SourceOpen() {
			break
		}
	}
	return out, ctx.Err()
}

// evaluate says what the gates of an edge say for its source commit.
func (k *gatekeeper) evaluate(ctx context.Context, e pipeline.GatedEdge, pull *gate.Pull) (gate.Result, error) {
	state := pipeline.SourceState{Commits: []string{e.Source}}
	if kinds(e.Rules) != (github.SignalKinds{}) && k.client != nil {
		states, err := k.line.States(ctx, e.FromTarget)
		if err != nil {
			return gate.Result{}, err
		}
		if i := slices.IndexFunc(states, func(s pipeline.SourceState) bool { return slices.Contains(s.Commits, e.Source) }); i >= 0 {
			state = states[i]
		}
	}
	return k.ofState(ctx, e, state, pull), ctx.Err()
}

func (k *gatekeeper) ofState(ctx context.Context, e pipeline.GatedEdge, state pipeline.SourceState, pull *gate.Pull) gate.Result {
	in := e.Input(k.now)
	in.Pull = pull
	in.Signals = gate.Known[gate.Signal]()
	if wanted := kinds(e.Rules); wanted != (github.SignalKinds{}) {
		for _, commit := range state.Commits[:min(len(state.Commits), maxAsked)] {
			said := k.signals(ctx, askedOf{commit, wanted})
			if !said.Read {
				in.Signals = said
				break
			}
			in.Signals.Items = append(in.Signals.Items, said.Items...)
		}
	}
	return gate.Evaluate(in)
}

// kinds says what the gates of an edge ask for.
func kinds(rules []config.GateRule) (out github.SignalKinds) {
	for _, rule := range rules {
		out.Statuses = out.Statuses || len(rule.Statuses) > 0
		out.Deployments = out.Deployments || len(rule.Deployments) > 0
	}
	return out
}

// signals asks GitHub what was said of a commit. A failure is remembered too: it would be the same for the next edge.
func (k *gatekeeper) signals(ctx context.Context, of askedOf) gate.Reading[gate.Signal] {
	if k.client == nil {
		return gate.Unknown[gate.Signal]("GitHub is not asked here")
	}
	if said, ok := k.said[of]; ok {
		return said
	}
	said := gate.Known[gate.Signal]()
	list, err := k.client.Signals(ctx, of.commit, of.kinds)
	if err != nil {
		said = gate.Unknown[gate.Signal](err.Error())
	}
	for _, s := range list {
		said.Items = append(said.Items, gate.Signal{
			Kind: gate.Kind(s.Kind), Name: s.Name, State: gate.SignalState(s.State), At: s.At, Commit: of.commit, URL: s.URL,
		})
	}
	k.said[of] = said
	return said
}

// pullOf reads what gates look at in a promotion pull request. Reviews are read only where a rule asks for approvals.
func (k *gatekeeper) pullOf(ctx context.Context, number int, head string, labels []string, rules []config.GateRule) *gate.Pull {
	pull := &gate.Pull{Head: head, Labels: gate.Known(labels...)}
	if !slices.ContainsFunc(rules, func(r config.GateRule) bool { return r.Approvals > 0 }) || k.client == nil {
		return pull
	}
	reviews, err := k.client.Reviews(ctx, number)
	if err != nil {
		pull.Reviews = gate.Unknown[gate.Review](err.Error())
		return pull
	}
	pull.Reviews = gate.Known[gate.Review]()
	for _, r := range reviews {
		pull.Reviews.Items = append(pull.Reviews.Items, gate.Review(r))
	}
	return pull
}
