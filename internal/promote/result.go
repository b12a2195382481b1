package promote

import (
	"cmp"
	"slices"
	"strings"
)

// marks are the lengths of a result's lists.
type marks struct{ taken, withheld, conflicts, findings int }

func (r *Result) mark() marks {
	return marks{len(r.Taken), len(r.Withheld), len(r.Conflicts), len(r.Findings)}
}

func (r *Result) restore(m marks) {
	r.Taken = r.Taken[:m.taken]
	r.Withheld, r.Conflicts, r.Findings = r.Withheld[:m.withheld], r.Conflicts[:m.conflicts], r.Findings[:m.findings]
}

func (r *Result) sort() {
	slices.SortStableFunc(r.Edits, func(a, b Edit) int { return strings.Compare(a.Path, b.Path) })
	slices.SortStableFunc(r.Taken, func(a, b Taken) int {
		return cmp.Or(strings.Compare(a.File, b.File), strings.Compare(a.Path, b.Path))
	})
	slices.SortStableFunc(r.Withheld, func(a, b Withheld) int {
		return cmp.Or(strings.Compare(a.File, b.File), strings.Compare(a.Path, b.Path))
	})
	slices.SortStableFunc(r.Conflicts, func(a, b Conflict) int {
		return cmp.Or(strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), strings.Compare(a.Path, b.Path))
	})
	r.Findings.Sort()
}
