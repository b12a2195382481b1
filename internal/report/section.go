package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aymanbagabas/go-udiff/lcs"

	"github.com/sluice-dev/sluice/internal/diff"
	"github.com/sluice-dev/sluice/internal/finding"
	"github.com/sluice-dev/sluice/internal/manifest"
)

// section is what views show as one change: what happens to one object in several targets, or the same to several
// objects. What all its targets share is one part; what differs between them are others.
type section struct {
	action         diff.Action
	objects        []manifest.ID // the different ones, in the report's order; their namespaces left out where they differ
	was            string        // for one renamed object
	generated      bool          // its name ends in a hash of its content, which is left out
	targets        []string      // in the report's order
	risks          []risk
	parts          []part
	added, removed int // lines, in the first target
	index          map[manifest.ID]int
}

// risk is a rule that finds a section's change risky, with the targets in which it does.
type risk struct {
	rule    string
	targets []string
}

// part is a piece of diff that some targets of a section have in common.
type part struct {
	targets []string
	diff    string
	// against is the part that diff compares with, where an object comes or goes everywhere in slightly different forms:
	// "-" is what the other part has. nil where diff compares base and head.
	against *part
}

// shownNames is how many objects a title names.
const shownNames = 3

// title names the object, or counts the objects: "Deployment shop/web", "20 × Deployment (api, web, worker, …)".
func (s section) title() string {
	if len(s.objects) == 1 {
		id := s.objects[0]
		id.Group = shownGroup(id.Group)
		return id.String()
	}
	var names []string
	for i, o := range s.objects {
		if i == shownNames {
			names = append(names, "…")
			break
		}
		names = append(names, o.Name)
	}
	kind := manifest.ID{Group: shownGroup(s.objects[0].Group), Kind: s.objects[0].Kind}
	return fmt.Sprintf("%d × %s (%s)", len(s.objects), strings.TrimSpace(kind.String()), strings.Join(names, ", "))
}

// shownGroup leaves out the groups that come with Kubernetes: everybody knows a Deployment.
func shownGroup(group string) string {
	switch group {
	case "apps", "batch", "autoscaling", "policy", "extensions":
		return ""
	}
	if strings.HasSuffix(group, ".k8s.io") {
		return ""
	}
	return group
}

// isGenerated reports whether the object is known by a name without the hash that kustomize gave it.
func isGenerated(c Change) bool {
	if c.Action != diff.Renamed {
		return false
	}
	was, _ := diff.BaseName(c.Was)
	is, _ := diff.BaseName(c.Name)
	return was == is
}

// shownAction is what happened in the words of views: a new hash in a name is a change, no renaming.
func shownAction(c Change) diff.Action {
	if isGenerated(c) {
		return diff.Changed
	}
	return c.Action
}

// sections gathers the report's changes, in its order: those that reach the last environment first.
func (r *Report) sections() []section {
	targets := make(map[string]Target, len(r.Targets))
	for _, t := range r.Targets {
		targets[t.ID] = t
	}
	type group struct {
		changes []Change
		objects []string // what identifies the group's objects across environments
		has     map[string]bool
	}
	groups := make(map[string]*group)
	var order []*group
	for _, c := range r.Changes {
		g := groups[c.GroupID]
		if g == nil {
			g = &group{has: make(map[string]bool)}
			groups[c.GroupID] = g
			order = append(order, g)
		}
		g.changes = append(g.changes, c)
		if key := objectKey(c, targets[c.Target]); !g.has[key] {
			g.has[key] = true
			g.objects = append(g.objects, key)
		}
	}
	// Groups about the same objects make one section.
	clusters := make(map[string][]*group)
	var keys []string
	for _, g := range order {
		slices.Sort(g.objects)
		key := strings.Join(g.objects, "\x00") + "\x00" + string(shownAction(g.changes[0]))
		if clusters[key] == nil {
			keys = append(keys, key)
		}
		clusters[key] = append(clusters[key], g)
	}
	rank, generated := r.targetOrder(), r.generated()
	out := make([]section, 0, len(keys))
	for _, key := range keys {
		var s section
		variants := make([]variant, 0, len(clusters[key]))
		for _, g := range clusters[key] {
			v := variant{change: g.changes[0], target: targets[g.changes[0].Target], generated: generated[g.changes[0].Target]}
			for _, c := range g.changes {
				s.put(c)
				v.targets = append(v.targets, c.Target)
			}
			variants = append(variants, v)
		}
		first := variants[0].change
		s.action, s.added, s.removed, s.generated = shownAction(first), first.Added, first.Removed, isGenerated(first)
		if len(s.objects) == 1 && !s.generated {
			s.was = first.Was
		}
		byRank := func(a, b string) int { return rank[a] - rank[b] }
		slices.SortFunc(s.targets, byRank)
		s.targets = slices.Compact(s.targets)
		s.parts = parts(variants)
		for i := range s.parts {
			slices.SortFunc(s.parts[i].targets, byRank)
			s.parts[i].targets = slices.Compact(s.parts[i].targets)
		}
		slices.SortStableFunc(s.parts, func(a, b part) int { // what all have, then what the last environment has
			if len(a.targets) == len(s.targets) != (len(b.targets) == len(s.targets)) {
				return len(b.targets) - len(a.targets)
			}
			return rank[a.targets[0]] - rank[b.targets[0]]
		})
		out = append(out, s)
	}
	last := r.last()
	weight := func(s section) int { // what reaches the last environment first, and of that what is risky
		w := 0
		if last == "" || !slices.ContainsFunc(s.targets, func(id string) bool { return targets[id].Environment == last }) {
			w += 2
		}
		if len(s.risks) == 0 {
			w++
		}
		return w
	}
	slices.SortStableFunc(out, func(a, b section) int { return weight(a) - weight(b) })
	return out
}

// last is the environment that everything is promoted to; "" where there is no order.
func (r *Report) last() string {
	if n := len(r.Environments); n > 0 {
		return r.Environments[n-1]
	}
	return ""
}

// put adds one change's object, target and risks.
func (s *section) put(c Change) {
	id := c.ID()
	if isGenerated(c) {
		id.Name, _ = diff.BaseName(id.Name)
	}
	if s.index == nil {
		s.index = make(map[manifest.ID]int)
	}
	key := id
	key.Namespace = ""
	if at, ok := s.index[key]; !ok {
		s.index[key] = len(s.objects)
		s.objects = append(s.objects, id)
	} else if s.objects[at].Namespace != id.Namespace {
		s.objects[at].Namespace = ""
	}
	s.targets = append(s.targets, c.Target)
	for _, rule := range c.Risks {
		i := slices.IndexFunc(s.risks, func(r risk) bool { return r.rule == rule })
		if i < 0 {
			i = len(s.risks)
			s.risks = append(s.risks, risk{rule: rule})
		}
		s.risks[i].targets = append(s.risks[i].targets, c.Target)
	}
}

// objectKey identifies an object across environments: its name without hash and environment.
func objectKey(c Change, t Target) string {
	name, _ := diff.BaseName(c.Name)
	var n names
	if len(t.Environment) >= 2 {
		n = names{{t.Environment, "‹environment›"}}
	}
	return strings.Join([]string{c.Group, c.Kind, n.normalise(name)}, "\x00")
}

// variant is one form of a section's change, with the targets that have it.
type variant struct {
	change    Change
	target    Target
	targets   []string
	generated []Change // of the target, which the change may name
}

// parts cuts the variants into hunks and gathers those that the same variants have.
func parts(variants []variant) []part {
	first := variants[0].change
	if len(variants) == 1 {
		return []part{{targets: variants[0].targets, diff: first.Diff}}
	}
	if first.Action == diff.Added || first.Action == diff.Removed {
		return wholeParts(variants)
	}
	type piece struct {
		text string
		in   []int
	}
	var pieces []*piece
	index := make(map[string]*piece)
	for i, v := range variants {
		names := namesOf(v.change, v.target, v.generated)
		for _, h := range hunks(v.change.Diff) {
			key := names.normalise(changedLines(h))
			p := index[key]
			if p == nil {
				p = &piece{text: h}
				index[key] = p
				pieces = append(pieces, p)
			}
			if !slices.Contains(p.in, i) {
				p.in = append(p.in, i)
			}
		}
	}
	var out []part
	at := make(map[string]int)
	for _, p := range pieces {
		key := fmt.Sprint(p.in)
		i, ok := at[key]
		if !ok {
			i = len(out)
			at[key] = i
			out = append(out, part{})
			for _, v := range p.in {
				out[i].targets = append(out[i].targets, variants[v].targets...)
			}
		}
		out[i].diff += p.text
	}
	return out
}

// wholeParts shows the first form of an object that comes or goes, and of the others how they differ from it, where
// they have most lines in common.
func wholeParts(variants []variant) []part {
	first := &part{targets: variants[0].targets, diff: variants[0].change.Diff}
	out := []part{*first}
	for _, v := range variants[1:] {
		p := part{targets: v.targets, diff: v.change.Diff}
		if text, ok := formDiff(first.diff, p.diff); ok {
			p.diff, p.against = text, first
		}
		out = append(out, p)
	}
	return out
}

// formDiff compares two diffs of whole objects; ok is false where they differ in half of their lines or more.
func formDiff(from, to string) (text string, ok bool) {
	strip := func(whole string) (lines []string) {
		for l := range strings.Lines(whole) {
			lines = append(lines, l[1:])
		}
		return lines
	}
	a, b := strip(from), strip(to)
	edits := lcs.DiffLines(a, b)
	n := 0
	for _, e := range edits {
		n += e.End - e.Start + e.ReplEnd - e.ReplStart
	}
	if 2*n >= len(a)+len(b) {
		return "", false
	}
	var out strings.Builder
	for _, e := range edits {
		for _, l := range a[e.Start:e.End] {
			out.WriteString("-" + l)
		}
		for _, l := range b[e.ReplStart:e.ReplEnd] {
			out.WriteString("+" + l)
		}
	}
	return out.String(), true
}

// hunks cuts a diff before its "@@" lines.
func hunks(text string) []string {
	var out []string
	start := 0
	for i := 0; i < len(text); {
		end := strings.IndexByte(text[i:], '\n')
		if end < 0 {
			break
		}
		if i > start && strings.HasPrefix(text[i:], "@@ ") {
			out = append(out, text[start:i])
			start = i
		}
		i += end + 1
	}
	if start < len(text) {
		out = append(out, text[start:])
	}
	return out
}

// onHead gives the targets in which a finding is, or is new where it is new anywhere.
func onHead(f finding.Finding) []string {
	state := finding.Existing
	if f.Has(finding.New) {
		state = finding.New
	}
	var ids []string
	for _, t := range f.Targets {
		if t.State == state {
			ids = append(ids, t.ID)
		}
	}
	return ids
}
