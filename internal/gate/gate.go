// Package gate says whether a promotion may go on: the pure core of `promotion.gates`. What is known of GitHub is given, and
// so is the time.
//
//	result := gate.Evaluate(gate.Input{App: "shop", From: "dev", To: "staging", Rules: cfg.GatesFor("shop", "dev", "staging"), …})
//
// Two kinds of gates. Those of the source (statuses, deployments, soak) say which commit may be promoted: [Choose] finds the
// newest whose gates are open, so that a change every day does not starve a soak of a day. Those of the edge (windows,
// approvals, holds) say whether the promotion may go on now.
//
// A gate that cannot be read is closed: the zero [Reading] is one that was not made.
package gate

import (
	"cmp"
	"fmt"
	"time"

	"github.com/sluice-dev/sluice/internal/config"
)

// HoldLabel on a promotion pull request stops its edges.
const HoldLabel = "sluice/hold"

// State is what the gates of an edge say together.
type State string

// The states.
const (
	Open State = "open" // all gates are open
	Wait State = "wait" // at least one is closed, and may open
	Hold State = "hold" // a person stopped the edge
)

// Input is one edge, one source commit and one pull request, at one moment.
type Input struct {
	App, From, To string
	Rules         []config.GateRule // of the edge: see config.GatesFor
	Now           time.Time
	// Signals are those on the source commit, and on later commits while the source target has the same inputs.
	Signals Reading[Signal]
	// Pull is the promotion pull request; nil while there is none.
	Pull *Pull
	// Holds are those that concern the edge at this source: see config.Holds.
	Holds []config.Hold
}

// Pull is what gates look at in a promotion pull request.
type Pull struct {
	Head    string // the commit that must be approved
	Labels  Reading[string]
	Reviews Reading[Review]
}

// Reading is what was read from outside. Its zero value was not read.
type Reading[T any] struct {
	Items []T
	Read  bool
	Why   string // why it was not read
}

// Known is a reading that succeeded.
func Known[T any](items ...T) Reading[T] { return Reading[T]{Items: items, Read: true} }

// Unknown is a reading that failed.
func Unknown[T any](why string) Reading[T] { return Reading[T]{Why: why} }

func (r Reading[T]) problem() string { return cmp.Or(r.Why, "it was not asked for") }

// Gate is one condition on an edge.
type Gate struct {
	Name   string // "soak 2h"
	Open   bool
	Reason string    // what is known of it, one line
	Until  time.Time // the earliest time at which a closed one can open by itself; zero where nobody can tell
	Source bool      // it says which commit may be promoted
}

// Result is what the gates of an edge say.
type Result struct {
	State State
	Gates []Gate // in the order of the rules, holds last
}

// SourceOpen reports whether the gates that say which commit may be promoted are all open.
func (r Result) SourceOpen() bool {
	for _, g := range r.Gates {
		if g.Source && !g.Open {
			return false
		}
	}
	return true
}

// Until gives the earliest time at which the edge can open by itself; zero where it is open, or waits for somebody.
func (r Result) Until() (latest time.Time) {
	for _, g := range r.Gates {
		switch {
		case g.Open:
		case g.Until.IsZero():
			return time.Time{}
		case g.Until.After(latest):
			latest = g.Until
		}
	}
	return latest
}

// Closed gives the gates that are not open.
func (r Result) Closed() (out []Gate) {
	for _, g := range r.Gates {
		if !g.Open {
			out = append(out, g)
		}
	}
	return out
}

// Evaluate looks at every gate of an edge. The same gate asked for by two rules stands in the result once.
func Evaluate(in Input) Result {
	var out Result
	add := func(g Gate) {
		for _, other := range out.Gates {
			if other.Name == g.Name && other.Reason == g.Reason {
				return
			}
		}
		out.Gates = append(out.Gates, g)
	}
	for _, rule := range in.Rules {
		for _, g := range in.source(rule) {
			add(g)
		}
		if len(rule.Windows.Open)+len(rule.Windows.Frozen) > 0 {
			add(window(rule.Windows, in.Now))
		}
		if rule.Approvals > 0 {
			add(approvals(rule.Approvals, in.Pull))
		}
	}
	held := holds(in)
	for _, g := range held {
		add(g)
	}
	switch {
	case len(held) > 0:
		out.State = Hold
	case len(out.Closed()) > 0:
		out.State = Wait
	default:
		out.State = Open
	}
	return out
}

// holds are the gates that people closed.
func holds(in Input) (out []Gate) {
	for _, hold := range in.Holds {
		out = append(out, Gate{Name: "hold", Reason: hold.String()})
	}
	if in.Pull == nil {
		return out
	}
	if !in.Pull.Labels.Read {
		return append(out, Gate{Name: "hold", Reason: "the labels of the pull request cannot be read: " + in.Pull.Labels.problem()})
	}
	for _, label := range in.Pull.Labels.Items {
		if label == HoldLabel {
			out = append(out, Gate{Name: "hold", Reason: fmt.Sprintf("the pull request has the label %s: take it off to go on", HoldLabel)})
		}
	}
	return out
}
