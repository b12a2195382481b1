package finding

// WaiverKind says who takes it that a finding stays.
type WaiverKind string

// The kinds of waivers.
const (
	ByException WaiverKind = "exception" // the configuration, with an owner and a date
	ByComment   WaiverKind = "comment"   // a comment at the finding's line
	ByPolicy    WaiverKind = "policy"    // the repository's own policies, by a rule named exception
)

// Waiver says why a finding does not count. It is shown with the finding, never instead of it.
type Waiver struct {
	Kind   WaiverKind `json:"kind"`
	Reason string     `json:"reason"`
	Owner  string     `json:"owner,omitempty"` // of an exception
	Until  string     `json:"until,omitempty"` // the last day on which an exception holds, as 2026-12-31
	Pos               // where it stands
}

// waiver gives what two findings must agree in to be one; the zero value for a finding that counts.
func (f Finding) waiver() Waiver {
	if f.Waiver == nil {
		return Waiver{}
	}
	return *f.Waiver
}

// Split parts a list into the findings that count and those that are waived.
func (l List) Split() (counting, waived List) {
	for _, f := range l {
		if f.Waiver == nil {
			counting = append(counting, f)
		} else {
			waived = append(waived, f)
		}
	}
	return counting, waived
}
