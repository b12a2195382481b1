package report

import (
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
		if t.Status != Rendered && t.Status != Removed { // of a target without a status nothing is known
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
