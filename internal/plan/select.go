package plan

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice/internal/config"
)

// maxWhy bounds how many chains a selection gives; the rest is counted.
const maxWhy = 5

// Snapshot is one side of a comparison: what it renders, and what that depends on. The zero value is a side that does
// not exist.
type Snapshot struct {
	Layout config.Layout
	Graph  *Graph
}

// Selection is one target to render, and why.
type Selection struct {
	Target Target // as head has it; as base had it where head has it no more
	Base   bool   // it is a target on base
	Head   bool   // it is a target on head
	// Same says that both sides have it and that the change cannot reach it: it renders to the same on both.
	Same bool
	// Why holds the chains through which the change reaches it, shortest first, such as
	// "apps/shop/base/deployment.yaml ← apps/shop/overlays/prod"; after five, "+3 more".
	Why []string
}

// pair is one target on both sides.
type pair struct{ base, head *Target }

// All gives every target of either side, sorted by ID, for the reason given. changed is as [Select] takes it.
func All(base, head Snapshot, changed []string, why string) []Selection {
	how := newReasons(base, head, changed)
	var out []Selection
	for _, p := range pairs(base, head) {
		sel := p.selection([]string{why})
		sel.Same = p.base != nil && p.head != nil && len(how.why(p)) == 0
		out = append(out, sel)
	}
	return out
}

// Select gives the targets that a change can reach, sorted by ID: those whose inputs on either side hold a changed
// path, and those that only one side has, or has otherwise. changed lists the paths of files (and links and
// submodules) that were added, deleted or changed between the sides; a renamed one counts as two.
func Select(base, head Snapshot, changed []string) []Selection {
	how := newReasons(base, head, changed)
	var out []Selection
	for _, p := range pairs(base, head) {
		why := how.why(p)
		if len(why) == 0 {
			continue
		}
		if rest := len(why) - maxWhy; rest > 0 {
			why = append(why[:maxWhy], fmt.Sprintf("+%d more", rest))
		}
		out = append(out, p.selection(why))
	}
	return out
}

func sorted(changed []string) []string {
	changed = slices.Clone(changed)
	slices.Sort(changed)
	return slices.Compact(changed)
}

// reasons says how a change reaches targets.
type reasons struct {
	base, head Snapshot
	changed    []string // sorted
	onBase     map[string]bool
	onHead     map[string]bool
}

func newReasons(base, head Snapshot, changed []string) reasons {
	r := reasons{base: base, head: head, changed: sorted(changed)}
	if base.Graph != nil {
		r.onBase = base.Graph.touched(r.changed)
	}
	if head.Graph != nil {
		r.onHead = head.Graph.touched(r.changed)
	}
	return r
}

// why says how the change reaches a target; nothing where it does not.
func (r reasons) why(p pair) []string {
	var reaches []*reach
	add := func(found *reach) {
		if found != nil {
			reaches = append(reaches, found)
		}
	}
	if p.head != nil {
		add(r.head.Graph.reachIn(r.onHead, *p.head))
	}
	if p.base != nil {
		add(r.base.Graph.reachIn(r.onBase, *p.base))
	}
	return append(p.differences(), chains(reaches, r.changed)...)
}

// pairs joins the targets of both sides by ID.
func pairs(base, head Snapshot) []pair {
	byID := make(map[string]pair)
	for i := range base.Layout.Targets {
		target := &base.Layout.Targets[i]
		byID[target.ID] = pair{base: target}
	}
	for i := range head.Layout.Targets {
		target := &head.Layout.Targets[i]
		p := byID[target.ID]
		p.head = target
		byID[target.ID] = p
	}
	out := make([]pair, 0, len(byID))
	for _, id := range slices.Sorted(maps.Keys(byID)) {
		out = append(out, byID[id])
	}
	return out
}

func (p pair) selection(why []string) Selection {
	s := Selection{Base: p.base != nil, Head: p.head != nil, Why: why}
	if s.Head {
		s.Target = *p.head
	} else {
		s.Target = *p.base
	}
	return s
}

// differences says how the target itself differs between the sides, whatever changed below it.
func (p pair) differences() []string {
	switch {
	case p.base == nil:
		return []string{"is a target on head only"}
	case p.head == nil:
		return []string{"was a target on base only"}
	}
	var out []string
	differ := func(what, was, is string) {
		if was != is {
			out = append(out, fmt.Sprintf("%s was %s, is %s", what, was, is))
		}
	}
	differ("its application", p.base.App, p.head.App)
	differ("its environment", p.base.Environment, p.head.Environment)
	differ("its kind", string(p.base.Kind), string(p.head.Kind))
	return out
}

// chains gives the shortest chain for each changed path that reaches the target on a side, head's first.
func chains(reaches []*reach, changed []string) []string {
	var found [][]string
	for _, name := range changed {
		var best []string
		for _, r := range reaches {
			if chain, ok := r.why(name); ok && (best == nil || len(chain) < len(best)) {
				best = chain
			}
		}
		if best != nil {
			found = append(found, best)
		}
	}
	slices.SortStableFunc(found, func(a, b []string) int {
		return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a[0], b[0]))
	})
	out := make([]string, len(found))
	for i, chain := range found {
		out[i] = chainText(chain)
	}
	return out
}
