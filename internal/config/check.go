package config

import (
	"maps"
	"regexp"
	"slices"

	"github.com/sluice-dev/sluice/internal/finding"
)

// check finds the mistakes that show only when the values are seen together. It works with what could be decoded.
func (d *decoder) check(c *Config) {
	known := d.checkOrder(c)
	d.checkEnvironments(c, known)
	for i, rule := range c.Targets {
		d.checkTarget(c, i, rule, known)
	}
	for i, glob := range c.Exclude {
		d.checkPath(string(glob), c.Pos("exclude", i))
	}
	d.checkExceptions(c, known)
	d.checkRemotePolicies(c)
	if pos := c.Pos("render", "charts"); len(c.Render.Charts) > 0 && !c.Render.Helm && !d.within(pos) {
		d.report(pos, "config/value", "render.charts lists charts, and render.helm is not true, so that none would be rendered: write helm: true beside it")
	}
	d.checkDiff(c)
	d.checkPromotion("keep", c, c.Promotion.Keep)
	d.checkPromotion("always", c, c.Promotion.Always)
	d.checkGates(c, known)
	d.checkRehearsal(c, known)
}

// checkPromotion reports rules that choose nothing or everything.
func (d *decoder) checkPromotion(key string, c *Config, rules []FieldRule) {
	for i, rule := range rules {
		switch {
		case rule == FieldRule{} && !d.within(c.Pos("promotion", key, i)):
			d.report(c.Pos("promotion", key, i), "config/value", "this rule chooses everything: give it a path or files")
		case key == "always" && rule.Path == "" && rule.Files != "":
			d.report(c.Pos("promotion", key, i), "config/value", "a rule of always needs a path: which fields of %s", quoted(string(rule.Files)))
		}
	}
}

// checkDiff reports rules that choose everything, which nobody means, and patterns that are none.
func (d *decoder) checkDiff(c *Config) {
	for name, rules := range map[string][]DiffRule{"ignore": c.Diff.Ignore, "sensitive": c.Diff.Sensitive} {
		for i, rule := range rules {
			if len(rule.Kinds)+len(rule.Paths)+len(rule.Annotations) == 0 && d.good(c, "diff", name, i) {
				d.report(c.Pos("diff", name, i), "config/value", "this rule chooses everything: give it kinds, paths or annotations")
			}
		}
	}
	for i, pattern := range c.Diff.SensitiveValues {
		re, err := regexp.Compile(string(pattern))
		switch {
		case pattern == "":
		case err != nil:
			d.report(c.Pos("diff", "sensitive-values", i), "config/value", "this is no regular expression: %v", err)
		case re.MatchString(""):
			d.report(c.Pos("diff", "sensitive-values", i), "config/value", "this regular expression matches the empty text: it would hide nothing, everywhere")
		}
	}
}

// within reports whether something was said about a mapping that begins at a place, or about what stands on its lines.
func (d *decoder) within(pos finding.Pos) bool {
	return slices.ContainsFunc(d.findings, func(f finding.Finding) bool { return f.Line == pos.Line })
}

// checkOrder reports environments that stand in the order twice, and gives all of them; nil without an order.
func (d *decoder) checkOrder(c *Config) []string {
	var known []string
	for i, stage := range c.Order {
		if len(stage) == 0 && d.good(c, "order", i) {
			d.report(c.Pos("order", i), "config/value", "a stage of the order must name an environment")
		}
		for j, name := range stage {
			if slices.Contains(known, string(name)) && name != "" {
				d.report(c.Pos("order", i, j), "config/value", "environment %q stands in the order twice: keep one", name)
			}
			known = append(known, string(name))
		}
	}
	return known
}

// good reports whether nothing was said yet about a place, so that one mistake is one finding.
func (d *decoder) good(c *Config, path ...any) bool {
	pos := c.Pos(path...)
	return !slices.ContainsFunc(d.findings, func(f finding.Finding) bool { return f.Pos == pos })
}

func (d *decoder) checkEnvironments(c *Config, known []string) {
	owner := make(map[EnvironmentName]EnvironmentName) // of a name or alias
	for name := range c.Environments {
		owner[name] = name
	}
	for _, name := range known {
		owner[EnvironmentName(name)] = EnvironmentName(name)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Environments)) {
		d.checkKnown(string(name), known, c.Pos("environments", string(name)))
		for i, alias := range c.Environments[name].Aliases {
			if other, taken := owner[alias]; taken && alias != "" {
				d.report(c.Pos("environments", string(name), "aliases", i), "config/value",
					"%q already names environment %q: an alias must be unique", alias, other)
			}
			owner[alias] = name
		}
	}
}

// checkKnown reports an environment that has no place in the promotion order.
func (d *decoder) checkKnown(name string, known []string, pos finding.Pos) {
	switch _, wellKnown := ranks[name]; {
	case name == "":
	case known == nil && !wellKnown:
		d.report(pos, "config/unknown-environment",
			"environment %q is none of the names that sluice can order by itself%s Add the key \"order\", lowest environment first",
			name, didYouMean(name, slices.Sorted(maps.Keys(ranks))))
	case known != nil && !slices.Contains(known, name):
		d.report(pos, "config/unknown-environment", "unknown environment %q%s The order has: %s",
			name, didYouMean(name, known), alternatives(known))
	}
}

func (d *decoder) checkTarget(c *Config, i int, rule TargetRule, known []string) {
	if rule.Path == "" {
		return // already reported
	}
	pos := c.Pos("targets", i, "path")
	captures, err := capturesOf(string(rule.Path))
	if err != nil {
		d.report(pos, "config/value", "targets[%d].path is %s: %v", i, quoted(string(rule.Path)), err)
		return
	}
	d.checkPath(string(rule.Path), pos)
	d.checkKnown(string(rule.Environment), known, c.Pos("targets", i, "environment"))
	switch hasEnv := slices.Contains(captures, "env"); {
	case hasEnv && rule.Environment != "":
		d.report(c.Pos("targets", i, "environment"), "config/value", "the path captures {env} already: remove environment, or {env}")
	case !hasEnv && rule.Environment == "" && d.good(c, "targets", i, "environment"):
		d.report(pos, "config/value", "the path does not say which environment it is: write {env} in it, or add the key environment")
	}
	if slices.Contains(captures, "app") && rule.App != "" {
		d.report(c.Pos("targets", i, "app"), "config/value", "the path captures {app} already: remove app, or {app}")
	}
}

func (d *decoder) checkPath(path string, pos finding.Pos) {
	if path == "" {
		return
	}
	if problem := pathProblem(path); problem != "" {
		d.report(pos, "config/value", "the path %s %s", quoted(path), problem)
	}
}
