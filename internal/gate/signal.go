package gate

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sluice-dev/sluice/internal/config"
)

// Kind is where a signal comes from.
type Kind string

// The kinds.
const (
	Status     Kind = "status" // a commit status or a check run
	Deployment Kind = "deployment"
)

// SignalState is what a signal says.
type SignalState string

// The states of a signal.
const (
	Success SignalState = "success"
	Failure SignalState = "failure" // or an error
	Pending SignalState = "pending" // not done, or it says nothing
)

// Signal is what somebody said of a commit: Argo CD, Flux, a workflow. Every one that was said counts, not the newest alone.
type Signal struct {
	Kind   Kind
	Name   string // the context of a status, the name of a check run, the environment of a deployment
	State  SignalState
	At     time.Time
	Commit string
	URL    string // where people see more; may be ""
}

// source gives the gates of a rule that say which commit may be promoted.
func (in Input) source(rule config.GateRule) (out []Gate) {
	var since time.Time // since when all of them are successful
	closed := false
	look := func(kind Kind, pattern string) {
		g, from := in.signal(kind, pattern)
		closed = closed || !g.Open
		if from.After(since) {
			since = from
		}
		out = append(out, g)
	}
	for _, pattern := range rule.Statuses {
		look(Status, string(pattern))
	}
	for _, pattern := range rule.Deployments {
		look(Deployment, string(pattern))
	}
	if rule.Soak > 0 {
		out = append(out, soak(rule.Soak, since, closed || len(out) == 0, in.Now))
	}
	return out
}

// signal looks at the signals that match a pattern. since is when the last of them became successful.
func (in Input) signal(kind Kind, pattern string) (g Gate, since time.Time) {
	pattern = in.named(pattern)
	g = Gate{Name: string(kind) + " " + pattern, Source: true}
	if !in.Signals.Read {
		g.Reason = "it cannot be read: " + in.Signals.problem()
		return g, since
	}
	names, by := matching(in.Signals.Items, kind, pattern)
	if len(names) == 0 {
		g.Reason = fmt.Sprintf("no %s of this name on the source commit yet", kind)
		return g, since
	}
	for _, name := range names {
		list := by[name]
		switch newest := list[len(list)-1]; newest.State {
		case Success:
		case Failure:
			g.Reason = fmt.Sprintf("%s failed %s", name, stamp(newest.At))
			return g, since
		default:
			g.Reason = fmt.Sprintf("%s is pending since %s", name, stamp(newest.At))
			return g, since
		}
		if from := healthySince(list); from.After(since) {
			since = from
		}
	}
	g.Open, g.Reason = true, "successful since "+stamp(since)
	return g, since
}

// matching gives the signals that match a pattern by their names, each list in the order of time.
func matching(signals []Signal, kind Kind, pattern string) (names []string, by map[string][]Signal) {
	by = make(map[string][]Signal)
	for _, s := range signals {
		if s.Kind == kind && matches(strings.ToLower(pattern), strings.ToLower(s.Name)) {
			by[s.Name] = append(by[s.Name], s)
		}
	}
	for name, list := range by {
		slices.SortStableFunc(list, func(a, b Signal) int { return a.At.Compare(b.At) })
		names = append(names, name)
	}
	slices.Sort(names)
	return names, by
}

// healthySince gives the first success after the last failure, of a list in the order of time whose last is a success. What is
// pending in between is no failure: Argo CD says so whenever it synchronises again.
func healthySince(list []Signal) (since time.Time) {
	for _, s := range list {
		switch {
		case s.State == Failure:
			since = time.Time{}
		case s.State == Success && since.IsZero():
			since = s.At
		}
	}
	return since
}

// soak says whether the source was healthy for long enough.
func soak(want config.Soak, since time.Time, ill bool, now time.Time) Gate {
	g := Gate{Name: "soak " + want.String(), Source: true}
	switch until := since.Add(time.Duration(want)); {
	case ill:
		g.Reason = "it begins when all statuses and deployments are successful"
	case since.IsZero():
		g.Reason = "the statuses do not say since when they are successful"
	case now.Before(until):
		g.Until = until.UTC()
		g.Reason = fmt.Sprintf("healthy since %s, until %s at the earliest", stamp(since), stamp(until))
	default:
		g.Open, g.Reason = true, "healthy since "+stamp(since)
	}
	return g
}

// named puts the names of the edge in place of {app}, {from} and {to}.
func (in Input) named(pattern string) string {
	return strings.NewReplacer("{app}", in.App, "{from}", in.From, "{to}", in.To).Replace(pattern)
}

// matches reports whether a name is what a pattern says, in which * stands for any text.
func matches(pattern, name string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == name
	}
	name, ok := strings.CutPrefix(name, parts[0])
	if !ok {
		return false
	}
	for _, part := range parts[1 : len(parts)-1] {
		_, rest, found := strings.Cut(name, part)
		if !found {
			return false
		}
		name = rest
	}
	return strings.HasSuffix(name, parts[len(parts)-1])
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }
