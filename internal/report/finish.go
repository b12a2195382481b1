package report

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice/internal/diff"
	"github.com/sluice-dev/sluice/internal/finding"
	"github.com/sluice-dev/sluice/internal/manifest"
	"github.com/sluice-dev/sluice/internal/plan"
)

// ChangeOf makes the report's form of a change in one target.
func ChangeOf(target string, c diff.Change, risks ...string) Change {
	return Change{
		Target: target,
		Group:  c.ID.Group, Kind: c.ID.Kind, Namespace: c.ID.Namespace, Name: c.ID.Name,
		Action: c.Action, Was: c.Was, Diff: c.Diff, Added: c.Added, Removed: c.Removed, Risks: risks, Effect: diff.EffectOf(c),
	}
}

// ID is the identity of the changed object.
func (c Change) ID() manifest.ID {
	return manifest.ID{Group: c.Group, Kind: c.Kind, Namespace: c.Namespace, Name: c.Name}
}

// Finish puts a filled report in its final form: everything in a fixed order (the last environment first), tokens of
// secrets replaced by ordinals, group ids, no nil slices, and the verdict. The same inputs give the same report,
// whatever the order in which they were filled in. Call it once, on the whole: ordinals mean something within one
// report only, so shards are joined before.
func Finish(r *Report) {
	r.Version = Version
	r.Gate.FailOn = cmp.Or(r.Gate.FailOn, "error")
	r.Gate.Findings = cmp.Or(r.Gate.Findings, "new")
	r.noNil()
	r.tellUnused()
	order := r.targetOrder()
	slices.SortStableFunc(r.Targets, func(a, b Target) int { return cmp.Compare(order[a.ID], order[b.ID]) })
	slices.SortStableFunc(r.Changes, func(a, b Change) int {
		return cmp.Or(cmp.Compare(order[a.Target], order[b.Target]), strings.Compare(a.Target, b.Target),
			a.ID().Compare(b.ID()), strings.Compare(string(a.Action), string(b.Action)))
	})
	counting, waived := r.Findings.Split()
	r.Waived = finding.Join(r.Waived, waived)
	if r.Findings = finding.Join(counting); r.Findings == nil {
		r.Findings = finding.List{}
	}
	slices.SortFunc(r.NonTargets, func(a, b plan.NonTarget) int { return strings.Compare(a.Dir, b.Dir) })
	r.numberSecrets()
	r.setGroups()
	r.Verdict = r.verdict()
}

// Tell adds notes. They are sorted, each once: parts of a run have them in any order.
func (r *Report) Tell(notes ...string) {
	r.Notes = append(r.Notes, notes...)
	slices.Sort(r.Notes)
	r.Notes = slices.Compact(r.Notes)
}

func (r *Report) noNil() {
	if r.Targets == nil {
		r.Targets = []Target{}
	}
	if r.Changes == nil {
		r.Changes = []Change{}
	}
	if r.Environments == nil {
		r.Environments = []string{}
	}
	for i := range r.Targets {
		if r.Targets[i].Why == nil {
			r.Targets[i].Why = []string{}
		}
	}
	for i := range r.Changes {
		if r.Changes[i].Risks == nil {
			r.Changes[i].Risks = []string{}
		}
	}
}

// targetOrder gives each target its rank: by environment, the last of the order first and those outside of it at the
// end, then by id.
func (r *Report) targetOrder() map[string]int {
	rank := r.environmentRank()
	sorted := slices.SortedStableFunc(slices.Values(r.Targets), func(a, b Target) int {
		return cmp.Or(cmp.Compare(rank(a.Environment), rank(b.Environment)), strings.Compare(a.Environment, b.Environment), strings.Compare(a.ID, b.ID))
	})
	order := make(map[string]int, len(sorted))
	for i, t := range sorted {
		order[t.ID] = i
	}
	return order
}

func (r *Report) environmentRank() func(string) int {
	return func(environment string) int {
		if i := slices.Index(r.Environments, environment); i >= 0 {
			return -i
		}
		return 1
	}
}

// secretToken is what package diff puts in place of a secret value.
var secretToken = regexp.MustCompile(`⟪secret:[0-9a-f]{16}⟫`)

// numberSecrets replaces the tokens of secret values, which differ from run to run, by ordinals in the order in which
// they appear.
func (r *Report) numberSecrets() {
	ordinals := make(map[string]int)
	number := func(text string) string {
		if !strings.Contains(text, "⟪secret:") {
			return text
		}
		return secretToken.ReplaceAllStringFunc(text, func(token string) string {
			n, ok := ordinals[token]
			if !ok {
				n = len(ordinals) + 1
				ordinals[token] = n
			}
			return fmt.Sprintf("⟪secret %d⟫", n)
		})
	}
	for i := range r.Changes {
		r.Changes[i].Diff = number(r.Changes[i].Diff)
	}
	for _, list := range []finding.List{r.Findings, r.Waived} {
		for i := range list {
			list[i].Message = number(list[i].Message)
		}
	}
	for i := range r.Notes {
		r.Notes[i] = number(r.Notes[i])
	}
	for i := range r.Unchecked {
		r.Unchecked[i] = number(r.Unchecked[i])
	}
}
