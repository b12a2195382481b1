package pipeline

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice/internal/config"
	"github.com/sluice-dev/sluice/internal/finding"
	"github.com/sluice-dev/sluice/internal/plan"
)

// leaks says which changed files reach more than one stage of an application at once: a shared base, a component, a values file.
// The later environments then get the change without a promotion. What a promotion changes reaches one environment, so that it is
// never told of one. It goes by what targets are built from, and not by what they render to: shards must agree on it.
func (c *Check) leaks(cfg *config.Config, s *scene, selected []plan.Selection) finding.List {
	stages := cfg.Stages(s.head.Layout.Environments)
	if len(stages) < 2 || c.Base.Tree == nil {
		return nil
	}
	var reached []plan.Target
	for _, sel := range selected {
		if !sel.Same && sel.Base && sel.Head { // what is made or removed as a whole is no leak
			reached = append(reached, sel.Target)
		}
	}
	stageOf := func(environment string) int {
		return slices.IndexFunc(stages, func(stage []string) bool { return slices.Contains(stage, environment) })
	}
	if !severalStages(reached, stageOf) {
		return nil
	}
	before, after := plan.Reaching(s.base, reached, c.Changed), plan.Reaching(s.head, reached, c.Changed)
	var out finding.List
	said := make(map[string]int) // directory and message → place in out
	more := make(map[int]int)
	for _, file := range c.Changed {
		message := leakText(s.head.Layout, stages, stageOf, either(before[file], after[file]))
		if message == "" {
			continue
		}
		key := path.Dir(file) + "\x00" + message
		if i, ok := said[key]; ok {
			more[i]++
			continue
		}
		said[key] = len(out)
		out = append(out, finding.Finding{Rule: "promotion/leak", Severity: finding.Warning, Message: message, Pos: finding.Pos{File: file}})
	}
	for i, n := range more {
		out[i].Message += fmt.Sprintf(". So does the change of %s beside it", count(n, "file"))
	}
	return settleProblems(cfg, out)
}

// severalStages reports whether an application is among targets in more than one stage.
func severalStages(targets []plan.Target, stageOf func(string) int) bool {
	first := make(map[string]int)
	for _, t := range targets {
		stage := stageOf(t.Environment)
		if known, ok := first[t.App]; ok && known != stage && stage >= 0 {
			return true
		}
		if stage >= 0 {
			first[t.App] = stage
		}
	}
	return false
}

func either(a, b []plan.Target) []plan.Target {
	out := slices.Clone(a)
	for _, t := range b {
		if !slices.ContainsFunc(out, func(o plan.Target) bool { return o.ID == t.ID }) {
			out = append(out, t)
		}
	}
	return out
}

// leakText says what a file reaches, "" where that is one stage of each application. Applications that it reaches in the same
// environments are named together.
func leakText(layout config.Layout, stages [][]string, stageOf func(string) int, reached []plan.Target) string {
	environments := make(map[string][]string) // by application, in promotion order
	for _, stage := range stages {
		for _, name := range stage {
			for _, t := range reached {
				if t.Environment == name && !slices.Contains(environments[t.App], name) {
					environments[t.App] = append(environments[t.App], name)
				}
			}
		}
	}
	apps := make(map[string][]string) // by what they have in common
	var parts []string
	for _, app := range slices.Sorted(maps.Keys(environments)) {
		names := environments[app]
		first := stageOf(names[0])
		later := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return stageOf(name) == first })
		if len(later) == 0 {
			continue
		}
		text := fmt.Sprintf(" in %s at once: %s %s it without a promotion", enumerate(names), enumerate(later), singular(len(later), "gets", "get"))
		if skipped := skippedStages(layout, stages, app, names); len(skipped) > 0 {
			text += fmt.Sprintf(", and %s %s skipped", enumerate(skipped), singular(len(skipped), "is", "are"))
		}
		if apps[text] == nil {
			parts = append(parts, text)
		}
		apps[text] = append(apps[text], app)
	}
	for i, text := range parts {
		parts[i] = namedApps(apps[text]) + text
	}
	if len(parts) == 0 {
		return ""
	}
	return "this change reaches " + strings.Join(parts, "; and ")
}

// skippedStages gives the environments that an application has between those that a change reaches, and that it does not reach.
func skippedStages(layout config.Layout, stages [][]string, app string, reached []string) (out []string) {
	within := func(stage []string) bool {
		return slices.ContainsFunc(stage, func(name string) bool { return slices.Contains(reached, name) })
	}
	first, last := slices.IndexFunc(stages, within), 0
	for i, stage := range stages {
		if within(stage) {
			last = i
		}
	}
	for _, stage := range stages[first : last+1] {
		for _, name := range stage {
			has := slices.ContainsFunc(layout.Targets, func(t plan.Target) bool { return t.App == app && t.Environment == name })
			if has && !slices.Contains(reached, name) {
				out = append(out, name)
			}
		}
	}
	return out
}

// mostNamed bounds the applications that a finding names.
const mostNamed = 5

func namedApps(apps []string) string {
	if rest := len(apps) - mostNamed; rest > 0 {
		return strings.Join(apps[:mostNamed], ", ") + " and " + count(rest, "more application")
	}
	return enumerate(apps)
}

func enumerate(names []string) string {
	if len(names) == 1 {
		return names[0]
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}

func singular(n int, one, several string) string {
	if n == 1 {
		return one
	}
	return several
}
