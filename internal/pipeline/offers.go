package pipeline

import (
	"context"
	"strings"

	"github.com/sluice-dev/sluice/internal/plan"
)

// Offer is a field that a later environment changed first, such as a hotfix of the night: the first environment of the application is
// behind on it, and whatever is promoted next would not have it.
type Offer struct {
	App        string `json:"app"`
	From       string `json:"from"` // the environment that has it
	To         string `json:"to"`   // the one that it is offered to
	FromTarget string `json:"from_target"`
	File       string `json:"file"` // of the environment that it is offered to
	Path       string `json:"path"` // field path; "" for the whole file
	Value      string `json:"value"`
	Has        string `json:"has"` // what there is instead
	// Conflict says that both sides have changed it since they were equal: to take it is a person's decision.
	Conflict bool `json:"conflict,omitempty"`
	// Commit is the one that changed it there, "" where nobody knows; Since its time, RFC 3339, which the caller adds.
	Commit string `json:"commit,omitempty"`
	Since  string `json:"since,omitempty"`
}

// Command is how the offer is taken, with all else that its commit changed.
func (o Offer) Command() string {
	only := ""
	if o.Commit != "" {
		only = " --only commit=" + o.Commit[:min(len(o.Commit), 10)]
	}
	return "sluice promote --from " + o.From + " --to " + o.To + " --app " + o.App + only + " --reason WHY"
}

// Offers gives what later environments changed first. What they went back to is none: a rollback is no news to whom it came from. The
// errors are those of Run.
func (p *Promotion) Offers(ctx context.Context) ([]Offer, error) {
	back := *p
	back.back, back.Gates, back.Only, back.Directories = true, nil, nil, nil
	planned, err := back.Run(ctx)
	if err != nil {
		return nil, err
	}
	out := []Offer{}
	for _, e := range planned.Edges {
		offer := Offer{App: e.App, From: e.From, To: e.To, FromTarget: e.FromTarget}
		for _, f := range e.Files {
			for _, t := range f.taken {
				if t.Again {
					continue
				}
				o := offer
				o.File, o.Path, o.Value, o.Has, o.Commit = t.File, t.Path, t.Is, t.Was, t.Commit
				if o.Commit == "" {
					o.Commit = planned.newestOf(f.From)
				}
				out = append(out, o)
			}
		}
		for _, c := range e.Conflicts {
			if c.Again || c.Theirs == "" && c.Ours == "" {
				continue // no news, or a file that cannot be merged: the way forward says so
			}
			o := offer
			o.File, o.Path, o.Value, o.Has, o.Commit, o.Conflict = c.File, c.Path, c.Theirs, c.Ours, c.Commit, true
			out = append(out, o)
		}
	}
	return out, nil
}

// newestOf gives the commit that changed a file last; "" where nobody knows.
func (p *PromotionPlan) newestOf(file string) string {
	versions, _, err := p.history.Versions(file)
	if err != nil || len(versions) == 0 {
		return ""
	}
	return versions[len(versions)-1].Commit
}

// backSteps gives the pairs of environments along which a change is offered back: from each stage but the first that an application is
// in to the first environment that it is in.
func (f *edgeFinder) backSteps(targets map[string][]plan.Target) (steps [][2]string) {
	first := ""
	for _, stage := range f.stages {
		next := ""
		for _, name := range stage {
			switch {
			case targets[name] == nil:
			case first == "":
				next = name
			default:
				steps = append(steps, [2]string{name, first})
			}
			if next != "" {
				break
			}
		}
		if first == "" {
			first = next
		}
	}
	return steps
}

// OfferText tells an offer in a sentence.
func (o Offer) OfferText() string {
	what := o.File
	if o.Path != "" {
		what += " " + o.Path
	}
	has := func(value string) string {
		if value = strings.TrimSpace(value); value == "" {
			return "another state"
		}
		if first, _, more := strings.Cut(value, "\n"); more {
			value = first + " …"
		}
		return value
	}
	text := o.App + ": " + o.From + " changed it first: " + what + " is " + has(o.Value) + " there, and " + has(o.Has) + " in " + o.To
	if o.Path == "" {
		text = o.App + ": " + o.From + " changed it first: " + what + ", as a whole"
	}
	if o.Conflict {
		return text + "; both have changed it"
	}
	return text
}
