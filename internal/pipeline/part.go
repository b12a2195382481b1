package pipeline

import (
	"context"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice/internal/promote"
)

// Only is the part of a promotion that alone is promoted.
type Only struct {
	promote.Part
	// Before is the tree before the change that is promoted, whose own tree is the promotion's source. Nil where the part names files and
	// fields.
	Before Tree
	// Again says that a person asked for the part before, perhaps of more applications than are promoted now: files that none of them has are no
	// mistake then.
	Again bool
}

// partOf gives the part as it is for one edge.
func (m *merger) partOf(e edge) (*promote.Part, error) {
	only := m.run.Only
	if only == nil {
		return nil, nil
	}
	part := only.Part
	if only.Before == nil {
		return &part, nil
	}
	quiet := *m
	var err error
	if part.Before, _, err = quiet.files(only.Before, e.source); err != nil {
		return nil, err
	}
	part.Now, _, err = quiet.files(m.run.Target.Tree, e.source)
	return &part, err
}

// missing refuses a part that names files which neither side of any edge has.
func (o *Only) missing(seen map[string]bool) error {
	if o == nil || o.Again {
		return nil
	}
	var missing []string
	for _, name := range o.Named() {
		if !seen[name] && !slices.Contains(missing, name) {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return refuse("--only: no application that is promoted has a file %s of its own, in either environment: paths start at the repository's root, "+
			"and what environments share is not promoted", strings.Join(missing, " or "))
	}
	return nil
}

// PartName says in one line what alone is promoted.
func PartName(part string) string { return strings.ReplaceAll(part, "\n", ", ") }

// partsOn gives the commits that promoted only a part along an edge, and of which commit of the source each did.
func (p *Promotion) partsOn(e edge) (map[string]string, error) {
	if p.Recorded == nil {
		return nil, nil
	}
	out := make(map[string]string)
	records, err := p.Recorded()
	for _, r := range records {
		if r.Part != "" && slices.Contains(r.Steps, promote.Step{App: e.app, From: e.from, To: e.to}) {
			out[r.Commit] = r.Source
		}
	}
	return out, err
}

// isBefore asks [Promotion.IsBefore], of two commits once. Nil: nobody knows.
func (m *merger) isBefore(ctx context.Context) func(a, b string) bool {
	if m.run.IsBefore == nil {
		return nil
	}
	return func(a, b string) bool {
		known, ok := m.order[[2]string{a, b}]
		if !ok {
			known = m.run.IsBefore(ctx, a, b)
			m.order[[2]string{a, b}] = known
		}
		return known
	}
}

// byParts gives the commits that promoted only a part: what the source changed before them may still be to come.
func (p *Promotion) byParts() (map[string]bool, error) {
	out := make(map[string]bool)
	if p.Recorded == nil {
		return out, nil
	}
	records, err := p.Recorded()
	for _, r := range records {
		if r.Part != "" && r.Part != promote.RollbackPart {
			out[r.Commit] = true
		}
	}
	return out, err
}
