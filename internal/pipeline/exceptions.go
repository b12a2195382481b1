package pipeline

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/sluice-dev/sluice/internal/config"
	"github.com/sluice-dev/sluice/internal/diff"
	"github.com/sluice-dev/sluice/internal/finding"
	"github.com/sluice-dev/sluice/internal/manifest"
	"github.com/sluice-dev/sluice/internal/plan"
	"github.com/sluice-dev/sluice/internal/report"
)

// exception is one of the configuration's that holds today.
type exception struct {
	config.Exception
	waiver  finding.Waiver
	objects []objectPattern
	paths   []*regexp.Regexp
	used    atomic.Bool // it accepts something on head
}

// objectPattern matches objects; namespace is nil for any.
type objectPattern struct{ kind, namespace, name *regexp.Regexp }

// exceptionsOn gives the exceptions of a configuration that hold on a day.
func exceptionsOn(cfg *config.Config, today config.Date) []*exception {
	var out []*exception
	for i, e := range cfg.Exceptions {
		if e.Until < today {
			continue
		}
		made := &exception{Exception: e, waiver: finding.Waiver{
			Kind: finding.ByException, Reason: string(e.Reason), Owner: string(e.Owner), Until: string(e.Until), Pos: cfg.Pos("exceptions", i),
		}}
		for _, pattern := range e.Objects {
			made.objects = append(made.objects, parseObjectPattern(string(pattern)))
		}
		for _, pattern := range e.Paths {
			made.paths = append(made.paths, diff.PathPattern(string(pattern)))
		}
		out = append(out, made)
	}
	return out
}

func parseObjectPattern(text string) objectPattern {
	kind, name, _ := strings.Cut(text, " ")
	p := objectPattern{kind: diff.Glob(kind)}
	if namespace, bare, ok := strings.Cut(name, "/"); ok {
		p.namespace, name = diff.Glob(namespace), bare
	}
	p.name = diff.Glob(name)
	return p
}

func (p objectPattern) matches(id manifest.ID) bool {
	return (p.kind.MatchString(id.Kind) || p.kind.MatchString(id.Kind+"."+id.Group)) && p.name.MatchString(id.Name) &&
		(p.namespace == nil || p.namespace.MatchString(id.Namespace))
}

// accepts reports whether the exception is about a finding in a target.
func (e *exception) accepts(f finding.Finding, target plan.Target) bool {
	area, whole := strings.CutSuffix(string(e.Rule), "*")
	switch {
	case whole && !strings.HasPrefix(f.Rule, area), !whole && f.Rule != string(e.Rule), !config.Waivable(f.Rule):
		return false
	case !e.concerns(target):
		return false
	case len(e.paths) > 0 && !slices.ContainsFunc(e.paths, func(p *regexp.Regexp) bool { return p.MatchString(f.Path) }):
		return false
	case len(e.objects) == 0:
		return true
	}
	id, ok := manifest.ParseID(f.Object)
	return ok && slices.ContainsFunc(e.objects, func(p objectPattern) bool { return p.matches(id) })
}

// concerns reports whether the exception may accept anything in a target.
func (e *exception) concerns(target plan.Target) bool {
	return (len(e.Environments) == 0 || slices.Contains(e.Environments, config.EnvironmentName(target.Environment))) &&
		(len(e.Targets) == 0 || slices.ContainsFunc(e.Targets, func(g config.Glob) bool { return g.Match(target.Dir) }))
}

// expired gives the exceptions that no longer hold, each on its line. Those of head's configuration are told, so that the change
// that renews or removes one is not told of it again; base's only where head's says nothing.
func (c *Check) expired(r rules) finding.List {
	cfg := r.binding
	if r.head != nil {
		cfg = r.head
	}
	var out finding.List
	for i, e := range cfg.Exceptions {
		if e.Until >= c.Today {
			continue
		}
		f := finding.Finding{
			Rule: "policy/expired-exception", Severity: finding.Warning, Pos: cfg.Pos("exceptions", i, "until"),
			Message: fmt.Sprintf("the exception from %s ended on %s, so its findings count again: correct what it was for and remove it, or let %s renew it",
				e.Rule, e.Until, e.Owner),
		}
		out = append(out, f)
	}
	return settleProblems(r.binding, out)
}

// unknownExceptions gives the exceptions of rules that there are not. Those of head's configuration are told, as far as it can be
// read; its rules are known where it brings any.
func (j *judge) unknownExceptions(r rules) finding.List {
	cfg := r.binding
	if r.head != nil {
		cfg = r.head
	}
	var out finding.List
	for i, e := range cfg.Exceptions {
		if rule := string(e.Rule); !strings.HasSuffix(rule, "/*") && !j.knows(rule) && !j.blind {
			out = append(out, finding.Finding{
				Rule: "policy/unknown-rule", Severity: finding.Warning, Pos: cfg.Pos("exceptions", i, "rule"),
				Message: fmt.Sprintf("there is no rule %s, so this exception accepts nothing", rule),
			})
		}
	}
	return settleProblems(r.binding, out)
}

// unusedExceptions gives the exceptions that accept nothing, as far as that can be told, and the targets of each that were not judged.
// Nothing is said of those from rules that look at what a change does. Those that head's configuration no longer has are done with.
func (j *judge) unusedExceptions(r rules, s *scene, judgements []judgement) []report.Unused {
	judged := make(map[string]bool)
	for _, done := range judgements {
		judged[done.target.ID] = done.target.Status == report.Rendered && !done.blind
	}
	cfg := r.binding
	if r.head != nil {
		cfg = r.head
	}
	var out []report.Unused
	for _, e := range j.exceptions {
		at := slices.IndexFunc(cfg.Exceptions, func(other config.Exception) bool { return reflect.DeepEqual(other, e.Exception) })
		area, _, _ := strings.Cut(string(e.Rule), "/")
		unknown := !strings.HasSuffix(string(e.Rule), "/*") && !j.knows(string(e.Rule)) // which is said already
		if at < 0 || e.used.Load() || j.blind || unknown || area != "policy" && area != "schema" {
			continue
		}
		targets := 0
		var left []string
		for _, target := range s.head.Layout.Targets {
			if !e.concerns(target) {
				continue
			}
			if targets++; !judged[target.ID] {
				left = append(left, target.ID)
			}
		}
		slices.Sort(left)
		message := fmt.Sprintf("this exception from %s accepts nothing: there is no such finding in the %s that it is about. Remove it", e.Rule, count(targets, "target"))
		if targets == 0 {
			message = fmt.Sprintf("this exception from %s is about no target that there is: remove it, or correct its environments and targets", e.Rule)
		}
		for _, f := range settleProblems(r.binding, finding.List{{
			Rule: "policy/unused-exception", Severity: finding.Notice, Pos: cfg.Pos("exceptions", at), Message: message,
		}}) {
			hidden := DiffOptions(j.cfg)
			f = j.head.quote(hideSensitive(finding.List{f}, hidden), hidden)[0]
			out = append(out, report.Unused{Finding: f, Left: left})
		}
	}
	return out
}

// settleProblems gives findings that are of no target the severity that the configuration wants.
func settleProblems(cfg *config.Config, findings finding.List) (out finding.List) {
	for _, f := range findings {
		level, said := cfg.Level("", f.Rule)
		if said && level == config.Off {
			continue
		}
		if said {
			_ = f.Severity.UnmarshalText([]byte(level)) // the configuration was checked: it is a severity
		}
		out = append(out, f)
	}
	return out
}
