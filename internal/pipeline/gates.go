package pipeline

import (
	"context"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/sluice-dev/sluice/internal/config"
	"github.com/sluice-dev/sluice/internal/gate"
	"github.com/sluice-dev/sluice/internal/plan"
)

// GatedEdge is an edge whose gates are asked for.
type GatedEdge struct {
	App, From, To string
	FromTarget    plan.Target
	Source        string            // the commit that would be promoted
	Rules         []config.GateRule // of the edge
	Holds         []config.Hold     // that hold this source
}

// Input gives what package gate takes of it. Signals and the pull request are the caller's to add.
func (e GatedEdge) Input(now time.Time) gate.Input {
	return gate.Input{App: e.App, From: e.From, To: e.To, Rules: e.Rules, Now: now, Holds: e.Holds}
}

// SetGates puts what the gates say into the edge's form for people and programs.
func (e *PromotionEdge) SetGates(r gate.Result) {
	e.Gate, e.Gates = string(r.State), []Gate{}
	for _, g := range r.Gates {
		shown := Gate{Name: g.Name, Open: g.Open, Reason: g.Reason}
		if !g.Until.IsZero() {
			shown.Until = g.Until.UTC().Format(time.RFC3339)
		}
		e.Gates = append(e.Gates, shown)
	}
}

// readHolds reads what people hold. Where it cannot be read, nothing is promoted: the error is a *ConfigError.
func readHolds(tree Tree) ([]config.Hold, error) {
	data, err := fs.ReadFile(tree, config.HoldsName)
	if err != nil {
		if _, there := tree.OID(config.HoldsName); there {
			return nil, fmt.Errorf("read %s: %w", config.HoldsName, err)
		}
		return nil, nil
	}
	holds, problems := config.ParseHolds(config.HoldsName, data)
	if len(problems) > 0 {
		return nil, &ConfigError{problems}
	}
	return holds, nil
}

// held gives the holds that stop an edge: those of any source, and those whose source is still what it was. What is not later than that
// source ends no hold: to promote an earlier state of it would bring back what was taken back. One whose commit cannot be read still holds.
func (m *merger) held(ctx context.Context, e edge) (out []config.Hold, err error) {
	for _, hold := range config.HoldsOf(m.holds, e.app, e.from, e.to) {
		if hold.Source != "" && m.run.At != nil {
			then, err := m.run.At(ctx, string(hold.Source))
			switch {
			case ctx.Err() != nil:
				return nil, ctx.Err()
			case err != nil:
				hold.Reason += config.PlainText(fmt.Sprintf(" [its source %.10s cannot be read, so nobody knows whether it has changed]", hold.Source))
			case sameDirectories(then, m.run.Source.Tree, e.sourceDirs()):
			case m.run.IsBefore != nil && m.run.IsBefore(ctx, string(hold.Source), m.run.Source.Commit):
				continue
			default:
				hold.Reason += config.PlainText(fmt.Sprintf(" [its source is %.10s, and %.10s is not later]", hold.Source, m.run.Source.Commit))
			}
		}
		out = append(out, hold)
	}
	return out, ctx.Err()
}

// sameDirectories reports whether directories have the same content in two trees.
func sameDirectories(a, b Tree, dirs []string) bool {
	return !slices.ContainsFunc(dirs, func(dir string) bool { return !sameDirectory(a, b, dir) })
}

// sameDirectory reports whether a directory has the same content in two trees.
func sameDirectory(a, b Tree, dir string) bool {
	x, inA := a.OID(dir)
	y, inB := b.OID(dir)
	return inA == inB && x == y
}

// gates asks for the gates of an edge. Where nobody can be asked, those that ask are closed.
func (m *merger) gates(ctx context.Context, cfg *config.Config, e edge) (gate.Result, error) {
	held, err := m.held(ctx, e)
	if err != nil {
		return gate.Result{}, err
	}
	asked := GatedEdge{
		App: e.app, From: e.from, To: e.to, FromTarget: e.source, Source: m.run.Source.Commit, Rules: cfg.GatesFor(e.app, e.from, e.to), Holds: held,
	}
	if m.run.Gates == nil {
		return gate.Evaluate(asked.Input(m.run.Now)), nil
	}
	return m.run.Gates(ctx, asked)
}
