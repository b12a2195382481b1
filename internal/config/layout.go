package config

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice/internal/finding"
)

// Detect finds the layout of a repository that has no configuration.
func Detect(tree fs.FS, refs References) (Layout, finding.List) { return Default().Layout(tree, refs) }

// Layout gives what a tree renders: the targets that the configuration names, or else those that its directories show.
// Findings: a path of targets that matches nothing, a tree without any target, a directory that cannot be read.
func (c *Config) Layout(tree fs.FS, refs References) (Layout, finding.List) {
	x, findings := newIndex(tree, refs)
	s := &survey{config: c, names: c.names(), index: x, excluded: c.excluder(), why: make(map[string]string)}
	if len(c.Targets) > 0 {
		findings = append(findings, s.matchRules()...)
	} else {
		s.detect()
	}
	layout := s.layout()
	if len(layout.Targets) == 0 {
		findings = append(findings, c.noTargets())
	}
	findings.Sort()
	return layout, findings
}

// survey is a layout in the making.
type survey struct {
	*index
	config   *Config
	names    names
	excluded func(dir string) (Glob, bool)
	targets  []Target
	why      map[string]string // kustomization → why it is no target
}

func (s *survey) layout() Layout {
	var used []string
	for _, t := range s.targets {
		used = append(used, t.Environment)
		delete(s.why, t.Dir)
	}
	l := Layout{Targets: s.targets, Environments: s.names.sorted(used)}
	for dir, why := range s.why {
		l.NonTargets = append(l.NonTargets, NonTarget{dir, why})
	}
	slices.SortFunc(l.Targets, Target.Compare)
	slices.SortFunc(l.NonTargets, func(a, b NonTarget) int { return strings.Compare(a.Dir, b.Dir) })
	return l
}

// unfit says why a kustomization can be no target, wherever it stands; "" when it can.
func (s *survey) unfit(dir string) string {
	if glob, ok := s.excluded(dir); ok {
		return fmt.Sprintf("is excluded by %s", glob)
	}
	if placeholder.MatchString(dir) || s.refs.Template(dir) {
		return "is a template"
	}
	if s.refs.Component(dir) {
		return "is a component"
	}
	return ""
}

// usedBy gives "is used by X and 2 more", or "" when no kustomization names the directory.
func (s *survey) usedBy(dir string) string {
	users := slices.DeleteFunc(slices.Clone(s.refs.UsedBy(dir)), func(user string) bool { return user == dir })
	switch len(users) {
	case 0:
		return ""
	case 1:
		return "is used by " + users[0]
	default:
		return fmt.Sprintf("is used by %s and %d more", users[0], len(users)-1)
	}
}

// matchRules finds the targets that the configuration names. The first rule that matches a directory counts.
func (s *survey) matchRules() finding.List {
	matched := make([]bool, len(s.config.Targets))
	matchers := make([]*pathMatcher, len(s.config.Targets))
	for i, rule := range s.config.Targets {
		if _, err := capturesOf(string(rule.Path)); err == nil && pathProblem(string(rule.Path)) == "" {
			m := compilePath(string(rule.Path), s.names.segments())
			matchers[i] = &m
		}
	}
	for _, dir := range s.order {
		if s.has[dir] {
			s.why[dir] = "no path of targets matches it"
			if used := s.usedBy(dir); used != "" {
				s.why[dir] = used
			}
		}
		for i, m := range matchers {
			if m == nil {
				continue
			}
			if done := s.matchRule(dir, s.config.Targets[i], m); done {
				matched[i] = true
				break
			}
		}
	}
	var findings finding.List
	for i, ok := range matched {
		if !ok {
			findings = append(findings, finding.Finding{
				Rule: "layout/unmatched", Severity: finding.Warning, Pos: s.config.Pos("targets", i, "path"),
				Message: fmt.Sprintf("no directory with a kustomization or manifests matches %s", quoted(string(s.config.Targets[i].Path))),
			})
		}
	}
	return findings
}

// matchRule makes a target of a directory that a rule matches. done is false when the next rule may try.
func (s *survey) matchRule(dir string, rule TargetRule, m *pathMatcher) (done bool) {
	app, env, ok := match(m.exact, dir)
	if !ok {
		if _, unknown, ok := match(m.loose, dir); ok && s.has[dir] {
			s.why[dir] = fmt.Sprintf("its environment %s is not known: add it to order", quoted(unknown))
		}
		return false
	}
	kind := Kustomize
	if !s.has[dir] {
		kind = Manifests
	}
	if rule.Kind != "" && rule.Kind != kind || kind == Manifests && !s.holdsManifests(dir) {
		return false
	}
	if why := s.unfit(dir); why != "" {
		if s.has[dir] {
			s.why[dir] = why
		}
		return true
	}
	t := Target{ID: dir, Dir: dir, App: app, Kind: kind}
	if t.App == "" {
		t.App = string(rule.App)
	}
	if t.App == "" {
		t.App = allApps
	}
	if env == "" {
		env = string(rule.Environment)
	}
	t.Environment, _ = s.names.environment(env)
	s.targets = append(s.targets, t)
	return true
}

// noTargets says what was looked for, and how to say it.
func (c *Config) noTargets() finding.Finding {
	f := finding.Finding{Rule: "layout/none", Severity: finding.Error, Pos: c.Pos("targets")}
	const example = `for example: targets: [{path: "apps/{app}/overlays/{env}"}] and order: [dev, staging, prod]`
	if len(c.Targets) > 0 {
		f.Message = "no directory of this repository is a target: correct the paths of targets, " + example
		return f
	}
	looked := "dev, test, qa, staging, prod or production"
	if names := c.names(); names.order != nil {
		looked = alternatives(names.order)
	}
	f.Message = "no environments found. sluice looked for directories with exactly the name of an environment (" + looked +
		"), side by side or below overlays, envs or clusters, that hold a kustomization or Kubernetes manifests. " +
		"Say in " + FileName + " what is rendered, " + example
	return f
}
