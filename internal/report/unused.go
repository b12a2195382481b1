package report

import (
	"errors"
	"slices"

	"github.com/sluice-dev/sluice/internal/finding"
)

// Unused says that an exception of the configuration has accepted nothing so far. It is a finding once every target that the exception
// is about was judged: until then one of the rest, in another shard, may need it.
type Unused struct {
	Finding finding.Finding `json:"finding"`
	Left    []string        `json:"left,omitempty"` // targets that were not judged, sorted
}

// ruleUnused is the only rule that may be told so.
const ruleUnused = "policy/unused-exception"

func checkUnused(all []Unused) error {
	for _, u := range all {
		if u.Finding.Rule != ruleUnused || u.Finding.Line < 0 || u.Finding.Column < 0 || u.Finding.Waiver != nil || len(u.Finding.Targets) > 0 {
			return errors.New("what it says of an exception cannot be")
		}
	}
	return nil
}

// joinUnused gives what two parts of a run say: an exception that either part needed is not among them.
func joinUnused(a, b []Unused) (out []Unused) {
	for _, mine := range a {
		for _, other := range b {
			if mine.Finding.Pos != other.Finding.Pos || mine.Finding.Message != other.Finding.Message {
				continue
			}
			mine.Left = slices.DeleteFunc(slices.Clone(mine.Left), func(id string) bool { return !slices.Contains(other.Left, id) })
			out = append(out, mine)
			break
		}
	}
	return out
}

// tellUnused makes findings of the exceptions that nothing is left for.
func (r *Report) tellUnused() {
	for _, u := range r.Unused {
		if len(u.Left) == 0 {
			r.Findings = append(r.Findings, u.Finding)
		}
	}
	r.Unused = nil
}
