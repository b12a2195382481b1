package pipeline

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice/internal/config"
	"github.com/sluice-dev/sluice/internal/finding"
	"github.com/sluice-dev/sluice/internal/plan"
	"github.com/sluice-dev/sluice/internal/report"
)

// Proposal is an exception that a person may ask for: as narrow as a finding allows, without the owner, the reason and the day that
// make it one.
type Proposal struct {
	// ID names it for people: twelve hexadecimal digits, made of what it is about. Findings that the same exception accepts share it, and
	// it stays what it is when lines move.
	ID      string
	Finding finding.Finding // the first that it is for
	Gates   bool            // one of them makes the verdict fail
	Of      config.Exception
}

// ProposalID is the form of a [Proposal]'s ID.
var ProposalID = regexp.MustCompile(`^[0-9a-f]{12}$`)

// Proposals gives the exceptions that a report's findings allow: those that gate first, otherwise in the order of the findings. Left out are
// findings that nothing makes up for, and those that an exception cannot name, or not in a text of some length.
func Proposals(r *report.Report) []Proposal { return proposals(r, proposalID) }

// proposals leaves out exceptions that would be named alike: whoever names objects can search for two such names, and what is asked for must be what
// is prepared.
func proposals(r *report.Report, name func(config.Exception) string) []Proposal {
	targets := targetsOf(r)
	var out []Proposal
	places := make(map[string]int) // of each name in out
	alike := make(map[string]bool)
	for _, f := range r.Findings {
		of, ok := exceptionFor(f, targets)
		if !ok {
			continue
		}
		id := name(of)
		i, known := places[id]
		if !known {
			i, places[id] = len(out), len(out)
			out = append(out, Proposal{ID: id, Finding: f, Of: of})
		}
		out[i].Gates = out[i].Gates || r.Gates(f)
		alike[id] = alike[id] || known && !reflect.DeepEqual(out[i].Of, of)
	}
	out = slices.DeleteFunc(out, func(p Proposal) bool { return alike[p.ID] })
	slices.SortStableFunc(out, func(a, b Proposal) int { return cmp.Compare(rank(a), rank(b)) })
	return out
}

// Counts gives how many findings of the report each of the proposals accepts. That takes a look at every finding for each: ask for those that are
// shown.
func Counts(r *report.Report, of []Proposal) []int {
	targets := targetsOf(r)
	counts := make([]int, len(of))
	for i, p := range of {
		counts[i] = countAccepted(p.Of, r.Findings, targets)
	}
	return counts
}

func targetsOf(r *report.Report) map[string]plan.Target {
	targets := make(map[string]plan.Target, len(r.Targets))
	for _, t := range r.Targets {
		targets[t.ID] = t.Target
	}
	return targets
}

func rank(p Proposal) int {
	if p.Gates {
		return 0
	}
	return 1
}

// proposalID names what an exception is about.
func proposalID(e config.Exception) string {
	sum := sha256.Sum256(scopeText(e))
	return hex.EncodeToString(sum[:6])
}

// scopeText writes what an exception is about.
func scopeText(e config.Exception) []byte {
	scope, _ := json.Marshal([]any{e.Rule, e.Environments, e.Targets, e.Objects, e.Paths}) // lists of texts: it cannot fail
	return scope
}

// What an exception can name. Source: the shapes of package config.
var (
	nameableRule   = regexp.MustCompile(`^[a-z]+(/[A-Za-z0-9_.-]+)+$`)
	nameableObject = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]*(\.[A-Za-z0-9.-]+)? ([A-Za-z0-9.-]+/)?[^\s/*]+$`)
	nameablePath   = regexp.MustCompile(`^[^\s.*]([^\s*]*[^\s.*])?$`)
	nameableDir    = regexp.MustCompile(`^[^/\\\s{}*]+(/[^/\\\s{}*]+)*$`)
)

// maxNamedTargets bounds the targets that a proposal names one by one: a finding of a shared base concerns thousands of them.
const maxNamedTargets = 20

// maxExceptionText bounds what a proposal says, in bytes: a pull request whose body it is in must have room for it.
const maxExceptionText = 8 << 10

// exceptionFor gives the narrowest exception that accepts a finding where it is new; where it is not new anywhere, where it is. It is not
// ok where there is none: of what could not be checked, of names with characters that patterns have no way to write.
func exceptionFor(f finding.Finding, targets map[string]plan.Target) (e config.Exception, ok bool) {
	if !config.Waivable(f.Rule) || !nameableRule.MatchString(f.Rule) {
		return e, false
	}
	e.Rule = config.RulePattern(f.Rule)
	if f.Object != "" {
		if !nameableObject.MatchString(f.Object) {
			return e, false
		}
		e.Objects = []config.ObjectPattern{config.ObjectPattern(f.Object)}
	}
	if f.Path != "" {
		if !nameablePath.MatchString(f.Path) {
			return e, false
		}
		e.Paths = []config.FieldPattern{config.FieldPattern(f.Path)}
	}
	state := finding.New
	if !f.Has(finding.New) {
		state = finding.Existing
	}
	var dirs []config.Glob
	var environments []config.EnvironmentName
	byDir := true
	for _, at := range f.Targets {
		target, known := targets[at.ID]
		if at.State != state || !known {
			continue
		}
		dirs = append(dirs, config.Glob(target.Dir))
		environments = append(environments, config.EnvironmentName(target.Environment))
		byDir = byDir && target.Dir != "." && nameableDir.MatchString(target.Dir) // "." chooses what is below it too: everything
	}
	if len(dirs) == 0 {
		return e, false
	}
	if e.Targets = distinct(dirs); !byDir || len(e.Targets) > maxNamedTargets {
		e.Targets, e.Environments = nil, environments
	}
	e.Environments = distinct(e.Environments)
	return e, !slices.Contains(e.Environments, "") && len(scopeText(e)) <= maxExceptionText
}

func distinct[T ~string](list []T) []T {
	return slices.Compact(slices.SortedFunc(slices.Values(list), func(a, b T) int { return strings.Compare(string(a), string(b)) }))
}

// countAccepted says how many findings an exception accepts, each in at least one target.
func countAccepted(e config.Exception, findings finding.List, targets map[string]plan.Target) int {
	made := exceptionsOn(&config.Config{Exceptions: []config.Exception{e}}, "")
	count := 0
	for _, f := range findings {
		if slices.ContainsFunc(f.Targets, func(at finding.TargetState) bool {
			target, known := targets[at.ID]
			return known && at.State != finding.Fixed && made[0].accepts(f, target)
		}) {
			count++
		}
	}
	return count
}
