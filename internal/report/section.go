package report

import (
	"fmt"
	"slices"
	"strings"

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
	targets        []string      // in the report's order
	risks          []string
	parts          []part
	added, removed int // lines, in the first target
}

// part is a piece of diff that some targets of a section have in common.
type part struct {
	targets []string
	diff    string
}

// title names the object, or counts the objects.
func (s section) title() string {
	if len(s.objects) == 1 {
		return s.objects[0].String()
	}
	kind := s.objects[0]
	kind.Namespace, kind.Name = "", ""
	var names []string
	for i, o := range s.objects {
		if i == 3 {
			names = append(names, "…")
			break
		}
		names = append(names, o.Name)
	}
	return fmt.Sprintf("%s×%d (%s)", kind.String(), len(s.objects), strings.Join(names, ", "))
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
	}
	groups := make(map[string]*group)
	var order []*group
	for _, c := range r.Changes {
		g := groups[c.GroupID]
		if g == nil {
			g = &group{}
			groups[c.GroupID] = g
			order = append(order, g)
		}
		g.changes = append(g.changes, c)
		if key := objectKey(c, targets[c.Target]); !slices.Contains(g.objects, key) {
			g.objects = append(g.objects, key)
		}
	}
	// Groups about the same objects make one section.
	clusters := make(map[string][]*group)
	var keys []string
	for _, g := range order {
		slices.Sort(g.objects)
		key := strings.Join(g.objects, "\x00") + "\x00" + string(g.changes[0].Action)
		if clusters[key] == nil {
			keys = append(keys, key)
		}
		clusters[key] = append(clusters[key], g)
	}
	rank := r.targetOrder()
	out := make([]section, 0, len(keys))
	for _, key := range keys {
		var s section
		variants := make([]variant, 0, len(clusters[key]))
		for _, g := range clusters[key] {
			v := variant{change: g.changes[0], target: targets[g.changes[0].Target]}
			for _, c := range g.changes {
				s.put(c)
				v.targets = append(v.targets, c.Target)
			}
			variants = append(variants, v)
		}
		s.action, s.added, s.removed = variants[0].change.Action, variants[0].change.Added, variants[0].change.Removed
		if len(s.objects) == 1 {
			s.was = variants[0].change.Was
		}
		byRank := func(a, b string) int { return rank[a] - rank[b] }
		slices.SortFunc(s.targets, byRank)
		s.targets = slices.Compact(s.targets)
		s.parts = parts(variants)
		for i := range s.parts {
			slices.SortFunc(s.parts[i].targets, byRank)
			s.parts[i].targets = slices.Compact(s.parts[i].targets)
		}
		out = append(out, s)
	}
	return out
}

// put adds one change's object, target and risks.
func (s *section) put(c Change) {
	id := c.ID()
	if at := slices.IndexFunc(s.objects, func(o manifest.ID) bool { return o.Name == id.Name && o.Group == id.Group && o.Kind == id.Kind }); at < 0 {
		s.objects = append(s.objects, id)
	} else if s.objects[at].Namespace != id.Namespace {
		s.objects[at].Namespace = ""
	}
	s.targets = append(s.targets, c.Target)
	for _, risk := range c.Risks {
		if !slices.Contains(s.risks, risk) {
			s.risks = append(s.risks, risk)
		}
	}
}

// objectKey identifies an object across environments: its name without hash and environment.
func objectKey(c Change, t Target) string {
	name, _ := diff.BaseName(c.Name)
	n := names{mark: map[string]string{t.Environment: "‹environment›"}, words: []string{t.Environment}}
	if len(t.Environment) < 2 {
		n.words = nil
	}
	return strings.Join([]string{c.Group, c.Kind, n.normalise(name)}, "\x00")
}

// variant is one form of a section's change, with the targets that have it.
type variant struct {
	change  Change
	target  Target
	targets []string
}

// parts cuts the variants into hunks and gathers those that the same variants have.
func parts(variants []variant) []part {
	if len(variants) == 1 {
		return []part{{variants[0].targets, variants[0].change.Diff}}
	}
	type piece struct {
		text string
		in   []int
	}
	var pieces []*piece
	index := make(map[string]*piece)
	for i, v := range variants {
		names := namesOf(v.change, v.target)
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
	slices.SortStableFunc(out, func(a, b part) int { return len(b.targets) - len(a.targets) })
	return out
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
