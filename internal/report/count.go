package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-dev/sluice/internal/diff"
	"github.com/sluice-dev/sluice/internal/finding"
)

// tally counts what happened, in one target, one environment or all.
type tally struct {
	targets, failed, removed int // targets; failed on head; gone on head
	added                    int // targets that base has not
	changed                  int // targets in which something changes
	actions                  map[diff.Action]int
	findings                 map[finding.Severity]int // new ones
	restarts, pods           int                      // workloads whose pods are replaced, and how many pods
	cpu, memory              int64                    // by which requests grow: millicores, bytes
}

func newTally() *tally {
	return &tally{actions: make(map[diff.Action]int), findings: make(map[finding.Severity]int)}
}

func (t *tally) changes() int {
	return t.actions[diff.Added] + t.actions[diff.Removed] + t.actions[diff.Changed] + t.actions[diff.Renamed]
}

// byEnvironment counts per environment, in the order of views.
func (r *Report) byEnvironment() (environments []string, tallies map[string]*tally) {
	tallies = make(map[string]*tally)
	of := make(map[string]string, len(r.Targets))
	for _, t := range r.Targets {
		of[t.ID] = t.Environment
		if tallies[t.Environment] == nil {
			tallies[t.Environment] = newTally()
			environments = append(environments, t.Environment)
		}
		e := tallies[t.Environment]
		e.targets++
		switch t.Status {
		case Failed:
			e.failed++
		case Removed:
			e.removed++
		}
		if t.Base == Absent && t.Status != Removed {
			e.added++
		}
	}
	seen := make(map[string]bool)
	for _, c := range r.Changes {
		if e := tallies[of[c.Target]]; e != nil {
			e.actions[shownAction(c)]++
			if c.Effect.Restarts {
				e.restarts++
				e.pods += c.Effect.Pods
			}
			e.cpu += c.Effect.CPU
			e.memory += c.Effect.Memory
			if !seen[c.Target] {
				seen[c.Target] = true
				e.changed++
			}
		}
	}
	for _, f := range r.Findings {
		in := make(map[string]bool)
		for _, t := range f.Targets {
			if t.State == finding.New {
				in[of[t.ID]] = true
			}
		}
		for environment := range in {
			if e := tallies[environment]; e != nil {
				e.findings[f.Severity]++
			}
		}
	}
	return environments, tallies
}

// total counts over the whole report.
func (r *Report) total() *tally {
	all := newTally()
	_, tallies := r.byEnvironment()
	for _, t := range tallies {
		all.targets += t.targets
		all.failed += t.failed
		all.removed += t.removed
		all.changed += t.changed
		for action, n := range t.actions {
			all.actions[action] += n
		}
	}
	for _, f := range r.Findings {
		if f.Has(finding.New) {
			all.findings[f.Severity]++
		}
	}
	return all
}

// inState gives the findings that have a state somewhere, in the report's order.
func (r *Report) inState(state finding.State) finding.List {
	var out finding.List
	for _, f := range r.Findings {
		if f.Has(state) {
			out = append(out, f)
		}
	}
	return out
}

// isRisk tells findings that speak of what the change will do from those about what is wrong: all of lint, and the new ones of
// a rule that stands for one of lint's.
func (r *Report) isRisk() func(finding.Finding) bool {
	rules := make(map[string]bool)
	for _, c := range r.Changes {
		for _, rule := range c.Risks {
			rules[rule] = true
		}
	}
	return func(f finding.Finding) bool {
		return f.Has(finding.New) && (strings.HasPrefix(f.Rule, "lint/") || rules[f.Rule])
	}
}

// plural gives "1 object", "4,812 objects".
func plural(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	if strings.HasSuffix(one, "y") {
		return thousands(n) + " " + strings.TrimSuffix(one, "y") + "ies"
	}
	return thousands(n) + " " + one + "s"
}

func thousands(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// severities gives "2 errors, 1 warning", "" for none.
func severities(counts map[finding.Severity]int) string {
	var parts []string
	for _, s := range []finding.Severity{finding.Error, finding.Warning, finding.Notice} {
		if n := counts[s]; n > 0 {
			parts = append(parts, plural(n, s.String()))
		}
	}
	return strings.Join(parts, ", ")
}

// actionCounts gives "3 changed, 1 added", "" for none.
func actionCounts(counts map[diff.Action]int) string {
	var parts []string
	for _, a := range []diff.Action{diff.Changed, diff.Added, diff.Removed, diff.Renamed} {
		if n := counts[a]; n > 0 {
			parts = append(parts, thousands(n)+" "+string(a))
		}
	}
	return strings.Join(parts, ", ")
}

// CoverageLine says in one line what was checked and what was not:
// "4,812 objects: 4,790 validated, 22 without schema (FooBar.example.com/v1 ×20, …), 31 policy rules".
func (r *Report) CoverageLine() string {
	c := r.Coverage
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s validated", plural(c.Objects, "object"), thousands(c.Validated))
	if len(c.Kubernetes) > 0 {
		fmt.Fprintf(&b, " for Kubernetes %s", strings.Join(c.Kubernetes, ", "))
	}
	if c.Unknown > 0 {
		fmt.Fprintf(&b, ", %s without schema", thousands(c.Unknown))
		kinds := slices.SortedFunc(maps.Keys(c.UnknownKinds), func(a, b string) int {
			return cmp.Or(cmp.Compare(c.UnknownKinds[b], c.UnknownKinds[a]), strings.Compare(a, b))
		})
		const shown = 5
		var parts []string
		for i, kind := range kinds {
			if i == shown {
				parts = append(parts, fmt.Sprintf("and %d more kinds", len(kinds)-shown))
				break
			}
			parts = append(parts, fmt.Sprintf("%s ×%s", shorten(kind, 100), thousands(c.UnknownKinds[kind])))
		}
		if len(parts) > 0 {
			fmt.Fprintf(&b, " (%s)", strings.Join(parts, ", "))
		}
	}
	if skipped := c.Objects - c.Validated - c.Unknown; skipped > 0 {
		fmt.Fprintf(&b, ", %s not validated", thousands(skipped))
	}
	fmt.Fprintf(&b, ", %s", plural(c.Policies, "policy rule"))
	b.WriteString(r.waivedCounts())
	b.WriteString(c.rehearsal())
	b.WriteString(c.remotes())
	if r.FormOnly > 0 {
		fmt.Fprintf(&b, "; %s differ in form only", plural(r.FormOnly, "object"))
		if r.FormOnlyRestarts > 0 {
			fmt.Fprintf(&b, " (the pods of %s restart: a list has another order)", thousands(r.FormOnlyRestarts))
		}
	}
	var ignored []string
	if r.IgnoredObjects > 0 {
		ignored = append(ignored, plural(r.IgnoredObjects, "changed object"))
	}
	if r.IgnoredFields > 0 {
		ignored = append(ignored, plural(r.IgnoredFields, "changed field"))
	}
	if len(ignored) > 0 {
		fmt.Fprintf(&b, "; ignored by diff.ignore: %s", strings.Join(ignored, ", "))
	}
	return b.String()
}

// remotes says what was rendered from other repositories: "; 2 remote bases, each pinned to a commit (github.com/acme/base@0123456 in 3
// targets, …)".
func (c Coverage) remotes() string {
	if len(c.Remotes) == 0 {
		return ""
	}
	const shown = 3
	var parts []string
	for i, name := range slices.Sorted(maps.Keys(c.Remotes)) {
		if i == shown {
			parts = append(parts, fmt.Sprintf("and %d more", len(c.Remotes)-shown))
			break
		}
		repository, commit, _ := strings.Cut(name, "@")
		parts = append(parts, fmt.Sprintf("%s@%.7s in %s", shorten(repository, 100), commit, plural(c.Remotes[name], "target")))
	}
	return fmt.Sprintf("; %s, pinned to a commit (%s)", plural(len(c.Remotes), "remote base"), strings.Join(parts, ", "))
}

// rehearsal says what a real API server judged: "; 812 and 3 removals rehearsed on Kubernetes v1.37.0 (2 webhooks have …)".
func (c Coverage) rehearsal() string {
	if len(c.RehearsedOn) == 0 {
		return ""
	}
	var what []string
	if c.Rehearsed > 0 || c.RehearsedRemovals == 0 {
		what = append(what, thousands(c.Rehearsed))
	}
	if c.RehearsedRemovals > 0 {
		what = append(what, plural(c.RehearsedRemovals, "removal"))
	}
	text := "; " + strings.Join(what, " and ") + " rehearsed on Kubernetes " + strings.Join(c.RehearsedOn, ", ")
	var parts []string
	for _, why := range slices.Sorted(maps.Keys(c.NotRehearsed)) {
		parts = append(parts, thousands(c.NotRehearsed[why])+" "+why)
	}
	if len(parts) > 0 {
		text += " (" + strings.Join(parts, "; ") + ")"
	}
	return text
}

// Headline is the verdict in one sentence, without markup; it holds nothing from the repository.
func (r *Report) Headline() string {
	t := r.total()
	switch {
	case r.Verdict == Incomplete && t.failed > 0:
		return fmt.Sprintf("Incomplete: %s could not be rendered", plural(t.failed, "target"))
	case r.Verdict == Incomplete:
		return "Incomplete: not everything could be checked"
	case r.Verdict == Fail:
		return plural(r.gating(), "finding") + " must be fixed"
	case r.Verdict != Pass:
		return "This report is not finished"
	case r.Base == "":
		return plural(len(r.Targets), "target") + ": no objections"
	case t.changes() == 0:
		return "Nothing changes in what is deployed"
	}
	return fmt.Sprintf("%s in %s: no objections", plural(t.changes(), "change"), plural(t.changed, "target"))
}

func (r *Report) gating() (n int) {
	for _, f := range r.Findings {
		if r.Gates(f) {
			n++
		}
	}
	return n
}

// environmentCounts gives "prod, staging (4), dev (6)" for targets of the report, in its order.
func (r *Report) environmentCounts(ids []string, name func(string) string) string {
	in := make(map[string]int)
	var order []string
	wanted := make(map[string]bool, len(ids))
	for _, id := range ids {
		wanted[id] = true
	}
	for _, t := range r.Targets {
		if wanted[t.ID] {
			if in[t.Environment] == 0 {
				order = append(order, t.Environment)
			}
			in[t.Environment]++
		}
	}
	const shown = 12
	var parts []string
	for i, environment := range order {
		if i == shown {
			parts = append(parts, "and "+plural(len(order)-shown, "more environment"))
			break
		}
		label := "no environment"
		if environment != "" {
			label = name(environment)
		}
		if n := in[environment]; n > 1 {
			label += " (" + thousands(n) + ")"
		}
		parts = append(parts, label)
	}
	return strings.Join(parts, ", ")
}
