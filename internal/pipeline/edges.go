package pipeline

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice/internal/config"
	"github.com/sluice-dev/sluice/internal/plan"
)

// RequestError says that what was asked for cannot be: an environment that is unknown, an edge against the order.
type RequestError struct{ Text string }

func (e *RequestError) Error() string { return e.Text }

func refuse(format string, args ...any) error { return &RequestError{fmt.Sprintf(format, args...)} }

// edge is what one application promotes from one target: to one target, or to several of one environment.
type edge struct {
	app, from, to string
	source        plan.Target
	targets       []plan.Target
	versioned     []basePair // the shared directories that the target's environment has copies of
	bases         []basePair // those of them that are promoted along this edge
	fresh         []basePair // those that the source is built from and the target is not, under either name: new, or none of the target's
	copied        bool       // this is the part of an edge that promotes one of them
}

// edgeFinder finds the edges of a layout.
type edgeFinder struct {
	cfg    *config.Config
	layout config.Layout
	stages [][]string
	from   string   // only edges from this environment; "" for all
	to     string   // only edges to this one; "" for all
	apps   []string // only of these; nil for all
	reason string   // why a stage is skipped, or an edge against the order is asked for; "" where none is
	back   bool     // from each later environment to the first one
	notes  []string
}

// edges gives the edges that were asked for, by application, then in promotion order. The error is a *RequestError.
func (f *edgeFinder) edges() ([]edge, error) {
	f.stages = f.cfg.Stages(f.layout.Environments)
	if err := f.check(); err != nil {
		return nil, err
	}
	var out []edge
	for _, app := range f.applications() {
		if len(f.apps) > 0 && !slices.Contains(f.apps, app) {
			continue
		}
		targets := make(map[string][]plan.Target) // by environment
		for _, t := range f.layout.Targets {
			if t.App == app {
				targets[t.Environment] = append(targets[t.Environment], t)
			}
		}
		steps := f.steps(targets)
		if err := f.checkSkipped(app, steps, targets); err != nil {
			return nil, err
		}
		for _, step := range steps {
			out = append(out, f.pair(app, step[0], step[1], targets[step[0]], targets[step[1]])...)
		}
	}
	return out, nil
}

func (f *edgeFinder) applications() []string {
	var apps []string
	for _, t := range f.layout.Targets {
		apps = append(apps, t.App)
	}
	slices.Sort(apps)
	return slices.Compact(apps)
}

// check refuses names that are unknown, and edges that do not lead forward.
func (f *edgeFinder) check() error {
	for _, name := range []string{f.from, f.to} {
		if name != "" && f.stage(name) < 0 {
			return refuse("unknown environment %q: there are %s", name, f.orderText())
		}
	}
	apps := f.applications()
	for _, app := range f.apps {
		if !slices.Contains(apps, app) {
			return refuse("unknown application %q: there are %s", app, strings.Join(apps, ", "))
		}
	}
	last := len(f.stages) - 1
	switch {
	case f.from != "" && f.from == f.to:
		return refuse("%s → %s: that is one environment", f.from, f.to)
	case f.from != "" && f.to != "" && f.stage(f.from) >= f.stage(f.to):
		if f.reason == "" {
			return refuse("%s → %s is against the order of promotion, %s: a promotion leads forward. The order stands in %s, or is detected. "+
				"To offer back what %s has and %s never had, such as a hotfix, say why with --reason",
				f.from, f.to, f.orderText(), config.FileName, f.from, f.to)
		}
	case f.from != "" && f.stage(f.from) == last:
		return refuse("nothing comes after %s in the order of promotion, %s", f.from, f.orderText())
	case f.to != "" && f.stage(f.to) == 0:
		return refuse("nothing comes before %s in the order of promotion, %s", f.to, f.orderText())
	case len(f.stages) < 2:
		return refuse("there is one stage, %s: nothing to promote to", f.orderText())
	}
	return nil
}

// stage gives the place of an environment in the order, -1 for an unknown one.
func (f *edgeFinder) stage(name string) int {
	return slices.IndexFunc(f.stages, func(stage []string) bool { return slices.Contains(stage, name) })
}

func (f *edgeFinder) orderText() string {
	stages := make([]string, len(f.stages))
	for i, stage := range f.stages {
		stages[i] = strings.Join(stage, ", ")
		if len(stage) > 1 {
			stages[i] = "[" + stages[i] + "]"
		}
	}
	return strings.Join(stages, " → ")
}

// steps gives the pairs of environments along which an application is promoted: from each stage that it is in to the next one
// that it is in. A stage of several environments is promoted from its first.
func (f *edgeFinder) steps(targets map[string][]plan.Target) (steps [][2]string) {
	if f.back {
		return f.backSteps(targets)
	}
	if f.from != "" && f.to != "" {
		if targets[f.from] == nil || targets[f.to] == nil {
			return nil
		}
		return [][2]string{{f.from, f.to}}
	}
	var before []string
	for _, stage := range f.stages {
		here := slices.DeleteFunc(slices.Clone(stage), func(name string) bool { return targets[name] == nil })
		if len(here) == 0 {
			continue
		}
		for _, name := range here {
			switch {
			case before == nil, f.to != "" && name != f.to, f.from != "" && !slices.Contains(before, f.from):
			case f.from != "":
				steps = append(steps, [2]string{f.from, name})
			default:
				steps = append(steps, [2]string{before[0], name})
			}
		}
		before = here
	}
	return steps
}

// checkSkipped refuses to pass over a stage that an application is in, where nobody says why.
func (f *edgeFinder) checkSkipped(app string, steps [][2]string, targets map[string][]plan.Target) error {
	if f.reason != "" {
		return nil
	}
	for _, step := range steps {
		for i := f.stage(step[0]) + 1; i < f.stage(step[1]); i++ {
			for _, name := range f.stages[i] {
				if targets[name] != nil {
					return refuse("%s → %s skips %s, where %s is too: for a hotfix, say why with --reason", step[0], step[1], name, app)
				}
			}
		}
	}
	return nil
}

// pair finds which target is promoted to which: by the rest of their paths, where there are several. A single source is the one
// of all targets.
func (f *edgeFinder) pair(app, from, to string, sources, targets []plan.Target) (out []edge) {
	for _, source := range sources {
		out = append(out, edge{app: app, from: from, to: to, source: source})
	}
	for _, target := range targets {
		i := 0
		if len(sources) > 1 {
			i = slices.IndexFunc(sources, func(s plan.Target) bool { return f.rest(s) == f.rest(target) })
		}
		if i < 0 {
			f.notes = append(f.notes, fmt.Sprintf("%s: nothing is promoted to it, for none of the targets of %s in %s has its path", target.ID, app, from))
			continue
		}
		out[i].targets = append(out[i].targets, target)
	}
	return slices.DeleteFunc(out, func(e edge) bool { return len(e.targets) == 0 })
}

// rest is a target's id without the names of its environment.
func (f *edgeFinder) rest(t plan.Target) string {
	names := []string{t.Environment}
	for _, alias := range f.cfg.Environments[config.EnvironmentName(t.Environment)].Aliases {
		names = append(names, string(alias))
	}
	segments := strings.FieldsFunc(t.ID, func(r rune) bool { return strings.ContainsRune("/#", r) })
	for i, segment := range segments {
		if slices.Contains(names, segment) {
			segments[i] = "\x00"
		}
	}
	return strings.Join(segments, "/")
}
