// Package finding is the currency of sluice: what a check has to say about the user's files, as data.
//
// A [Finding] names a rule, a severity, a source position, the object and field it is about, and the targets it
// concerns, each with a [State] (new, existing, fixed). Findings are returned, never printed: the views of package
// report decide how they look. What broke in sluice's own machinery is an error, not a finding.
package finding

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Pos is a place in a file of the repository. The zero value means "not known".
type Pos struct {
	File   string `json:"file,omitempty"`   // slash-separated path from the repository's root
	Line   int    `json:"line,omitempty"`   // 1-based; 0 when only the file is known
	Column int    `json:"column,omitempty"` // 1-based, in runes; 0 when only the line is known
}

// String gives file:line:column, leaving out what is not known.
func (p Pos) String() string {
	switch {
	case p.Line == 0:
		return p.File
	case p.Column == 0:
		return fmt.Sprintf("%s:%d", p.File, p.Line)
	default:
		return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
	}
}

// Compare orders positions by file, line and column.
func (p Pos) Compare(q Pos) int {
	return cmp.Or(cmp.Compare(p.File, q.File), cmp.Compare(p.Line, q.Line), cmp.Compare(p.Column, q.Column))
}

// State says how a finding on head relates to base, per target.
type State string

// The states of a finding in one target.
const (
	New      State = "new"      // head has it, base did not
	Existing State = "existing" // both have it
	Fixed    State = "fixed"    // base had it, head does not
)

// TargetState is one target that a finding concerns.
type TargetState struct {
	ID    string `json:"id"`
	State State  `json:"state"`
}

// Finding is one problem. Its JSON form is part of the command line's contract.
type Finding struct {
	Rule     string   `json:"rule"` // "<area>/<name>", such as "render/remote-base"
	Severity Severity `json:"severity"`
	Message  string   `json:"message"` // one sentence or more: what is wrong, and what to do; no final newline
	Pos
	Object  string        `json:"object,omitempty"` // identity as manifest.ID prints it
	Path    string        `json:"path,omitempty"`   // field path with keyed lists: spec.containers[name=web].image
	Targets []TargetState `json:"targets,omitempty"`
	Waiver  *Waiver       `json:"waiver,omitempty"` // nil: the finding counts
	// Excerpt is the line that the finding names; "" where it is not known, or may hold what must not be shown.
	Excerpt string `json:"excerpt,omitempty"`
}

// String gives the one-line form: file:line:column: message [rule].
func (f Finding) String() string {
	if at := f.Pos.String(); at != "" {
		return fmt.Sprintf("%s: %s [%s]", at, f.Message, f.Rule)
	}
	return fmt.Sprintf("%s [%s]", f.Message, f.Rule)
}

// In returns a copy of f that concerns exactly one target.
func (f Finding) In(target string, state State) Finding {
	f.Targets = []TargetState{{ID: target, State: state}}
	return f
}

// Has reports whether f is in state s in any of its targets. A finding that names no target (about the
// configuration, say) counts as new.
func (f Finding) Has(s State) bool {
	if len(f.Targets) == 0 {
		return s == New
	}
	return slices.ContainsFunc(f.Targets, func(t TargetState) bool { return t.State == s })
}

// Compare orders findings: severest first, then by position, rule, object, path and message.
func Compare(a, b Finding) int {
	return cmp.Or(
		cmp.Compare(b.Severity, a.Severity),
		a.Pos.Compare(b.Pos),
		strings.Compare(a.Rule, b.Rule),
		strings.Compare(a.Object, b.Object),
		strings.Compare(a.Path, b.Path),
		strings.Compare(a.Message, b.Message),
	)
}
