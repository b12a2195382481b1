package policy

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice/internal/finding"
)

// Rule is one rule of an engine.
type Rule struct {
	ID          string           `json:"id"` // "policy/privileged"; "policy/<namespace>/<rule>" for a repository's own
	Title       string           `json:"title,omitempty"`
	Description string           `json:"description,omitempty"`
	Severity    finding.Severity `json:"severity"` // that its findings get, after the options
	Sources     []Source         `json:"sources,omitempty"`
	// Bundles are the bundles that have a built-in rule, with the severity that each gives it.
	Bundles     map[string]finding.Severity `json:"bundles,omitempty"`
	Builtin     bool                        `json:"builtin"`
	finding.Pos                             // where the repository defines it; zero for built-in rules
}

// Source is where a rule is taken from.
type Source struct {
	Title string `json:"title,omitempty"`
	URL   string `json:"url"`
}

// Options choose rules. The zero value is the default behaviour: the bundle "default", severities as the rules give
// them.
type Options struct {
	// Bundles are the built-in bundles to use: default, baseline, restricted. A rule in several of them has the
	// highest severity that they give it. Nil means default; empty, not nil, means no built-in rule.
	Bundles []string
	// Disable are glob patterns ([path.Match]) over rule ids; what matches is not evaluated.
	Disable []string
	// Severities change the severity of the rules whose id matches the glob pattern. Of several patterns that match,
	// the longest counts.
	Severities map[string]finding.Severity
	// Kubernetes is the version that the built-in rules are for, such as "1.33"; "" is the newest that they know.
	Kubernetes string
	// Namespaces are glob patterns over the Rego packages of the repository's own policies. Nil means all that have rules.
	Namespaces []string
	// Combine gives the repository's own rules all objects of a target at once, as conftest --combine does: an array
	// of {"path": file, "contents": object}.
	Combine bool
	// Limits bound the evaluation.
	Limits Limits
}

// severity gives the severity of a rule after the options.
func (o Options) severity(id string, otherwise finding.Severity) finding.Severity {
	best := ""
	for pattern, severity := range o.Severities {
		if ok, _ := path.Match(pattern, id); !ok || len(pattern) < len(best) || len(pattern) == len(best) && pattern < best {
			continue
		}
		best, otherwise = pattern, severity
	}
	return otherwise
}

func matchesAny(patterns []string, s string) bool {
	for _, pattern := range patterns {
		if ok, _ := path.Match(pattern, s); ok {
			return true
		}
	}
	return false
}

// bundles are the built-in bundles.
var bundles = []string{"default", "practice", "baseline", "restricted"}

// check gives a finding for each pattern of the options that is malformed or matches no rule: a rule that was meant
// to be changed and is not must be said.
func (o Options) check(ids, namespaces []string) finding.List {
	var problems finding.List
	report := func(pattern, where, what string, names []string) {
		var message string
		if _, err := path.Match(pattern, ""); err != nil {
			message = fmt.Sprintf("%s: %q is not a pattern: * stands for any text without a slash, ? for a character, [ab] for one of several", where, pattern)
		} else if !slices.ContainsFunc(names, func(name string) bool { ok, _ := path.Match(pattern, name); return ok }) {
			message = fmt.Sprintf("%s: %q matches no %s", where, pattern, what)
		} else {
			return
		}
		problems = append(problems, finding.Finding{Rule: "policy/no-such-rule", Severity: finding.Error, Message: message})
	}
	for _, name := range o.Bundles {
		if !slices.Contains(bundles, name) {
			problems = append(problems, finding.Finding{
				Rule: "policy/no-such-bundle", Severity: finding.Error,
				Message: fmt.Sprintf("bundles: there is no bundle %q: %s are known", name, strings.Join(bundles, ", ")),
			})
		}
	}
	for _, pattern := range o.Disable {
		report(pattern, "disable", "rule", ids)
	}
	for pattern := range o.Severities {
		report(pattern, "severities", "rule", ids)
	}
	for _, pattern := range o.Namespaces {
		report(pattern, "namespaces", "package of the repository's policies", namespaces)
	}
	problems.Sort()
	return problems
}
