package config

import (
	"slices"
	"strings"
	"time"
)

// Exception accepts findings until a day. What it does not say does not matter: without environments it holds in all of them,
// without objects for any.
type Exception struct {
	Rule         RulePattern       `yaml:"rule" required:"true" doc:"The rule whose findings are accepted, such as policy/host-path, or an area, such as policy/*."`
	Environments []EnvironmentName `yaml:"environments" doc:"The environments in which it holds. Default: all."`
	Targets      []Glob            `yaml:"targets" doc:"The directories of targets in which it holds, such as apps/monitoring/**. Default: all."`
	Objects      []ObjectPattern   `yaml:"objects" doc:"The objects that it is about: DaemonSet node-exporter, or with the group and the namespace, DaemonSet.apps monitoring/node-exporter. * stands for any text. Default: all."`
	Paths        []FieldPattern    `yaml:"paths" doc:"The fields that it is about, and all below them, such as spec.template.spec.containers[name=agent]. Patterns as those of diff. Default: all."`
	Owner        Text              `yaml:"owner" required:"true" doc:"Who answers for it: a team or a person."`
	Reason       Text              `yaml:"reason" required:"true" doc:"Why the findings are accepted."`
	Until        Date              `yaml:"until" required:"true" doc:"The last day on which it holds, as 2026-12-31 (UTC). From the next day on it is a finding itself."`
}

// ObjectPattern matches objects: "Kind[.group] [namespace/]name", with * for any text.
type ObjectPattern string

// Text is words for people.
type Text string

// Date is a day, as 2026-12-31. Days compare as texts.
type Date string

func (ObjectPattern) shape() shape {
	return shape{
		what:    "a kind and a name, such as DaemonSet node-exporter or Deployment.apps shop/web-*",
		pattern: `^[A-Za-z*][A-Za-z0-9*-]*(\.[A-Za-z0-9*.-]+)? ([A-Za-z0-9*.-]+/)?[^\s/]+$`,
	}
}

func (Text) shape() shape { return shape{what: "a text that says something", pattern: `\S`} }

func (Date) shape() shape {
	return shape{what: "a day such as 2026-12-31", pattern: `^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$`}
}

func (d *Date) parse(text string) error {
	_, err := time.Parse(time.DateOnly, text)
	*d = Date(text)
	return err
}

// essential are the areas of rules that say that something could not be checked. No exception and no comment makes up for that.
var essential = []string{"config", "layout", "render", "manifest", "git"}

// Waivable reports whether findings of a rule can be accepted at all: those that say that something could not be read, rendered or
// evaluated cannot.
func Waivable(rule string) bool {
	area, _, _ := strings.Cut(rule, "/")
	return !slices.Contains(essential, area) && !slices.Contains([]string{"policy/evaluation", "policy/limit", "policy/rego"}, rule)
}

// checkExceptions reports exceptions that cannot be, or that accept more than anybody means.
func (d *decoder) checkExceptions(c *Config, known []string) {
	for i, e := range c.Exceptions {
		for j, name := range e.Environments {
			d.checkKnown(string(name), known, c.Pos("exceptions", i, "environments", j))
		}
		for j, glob := range e.Targets {
			d.checkPath(string(glob), c.Pos("exceptions", i, "targets", j))
		}
		switch rule := string(e.Rule); {
		case !Waivable(rule):
			d.report(c.Pos("exceptions", i, "rule"), "config/value",
				"%s says that something could not be checked, which no exception makes up for: correct it, or lower its severity", quoted(rule))
		case strings.HasSuffix(rule, "/*") && len(e.Targets)+len(e.Objects) == 0:
			d.report(c.Pos("exceptions", i, "rule"), "config/value", "an exception of all rules of an area must say of which targets or objects")
		}
	}
}
