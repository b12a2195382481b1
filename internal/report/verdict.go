package report

import (
	"slices"
	"strings"

	"github.com/sluice-dev/sluice/internal/finding"
)

// verdict judges the report. What could not be checked is not judged: it wins over findings.
func (r *Report) verdict() Verdict {
	if r.incomplete() {
		return Incomplete
	}
	for _, f := range r.Findings {
		if r.Gates(f) {
			return Fail
		}
	}
	return Pass
}

func (r *Report) incomplete() bool {
	if len(r.Unchecked) > 0 {
		return true
	}
	for _, t := range r.Targets {
		// Of a target without a status nothing is known.
		if t.Status != Rendered && t.Status != Removed && !(t.Status == Failed && r.accepted(t.ID)) {
			return true
		}
	}
	for _, f := range r.Findings {
		if len(f.Targets) == 0 && f.Severity == finding.Error && preventsChecking(f.Rule) {
			return true
		}
	}
	return false
}

// accepted reports whether base's configuration takes it that a target goes unchecked: it has lowered the severity of every
// render rule that says why the target failed.
func (r *Report) accepted(target string) bool {
	said := false
	for _, f := range r.Findings {
		here := slices.ContainsFunc(f.Targets, func(t finding.TargetState) bool { return t.ID == target && t.State != finding.Fixed })
		if !here {
			continue
		}
		if f.Severity == finding.Error {
			return false
		}
		said = said || strings.HasPrefix(f.Rule, "render/") && f.Severity == finding.Warning
	}
	return said
}

// preventsChecking reports whether an error of the rule means that something was not rendered. One that names targets
// shows in their status.
func preventsChecking(rule string) bool {
	return strings.HasPrefix(rule, "render/") || strings.HasPrefix(rule, "git/") || strings.HasPrefix(rule, "manifest/")
}

// Gates reports whether a finding makes the verdict fail.
func (r *Report) Gates(f finding.Finding) bool {
	switch r.Gate.FailOn {
	case "never":
		return false
	case "error":
		if f.Severity < finding.Error {
			return false
		}
	default: // "warning"; what nobody defined gates as strictly as possible
		if f.Severity < finding.Warning {
			return false
		}
	}
	return f.Has(finding.New) || r.Gate.Findings != "new" && f.Has(finding.Existing)
}
