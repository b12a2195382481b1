package config

import (
	"cmp"
	"slices"
	"strings"
)

// ranks orders the environment names that sluice knows without configuration, lowest first. The names are those of
// real config repositories; names of one rank are alternatives to each other, ordered by name where both are used.
var ranks = func() map[string]int {
	m := make(map[string]int)
	for rank, names := range [][]string{
		{"sandbox"},
		{"dev", "develop", "development"},
		{"test", "testing", "qa", "int", "integration", "sit"},
		{"uat", "acceptance"},
		{"nonprod", "non-prod"},
		{"stage", "staging", "stg"},
		{"preprod", "pre-prod", "preproduction"},
		{"prod", "production", "prd"},
	} {
		for _, name := range names {
			m[name] = rank
		}
	}
	return m
}()

// names knows the environments of a repository: those of its configuration, else the well-known ones.
type names struct {
	canonical map[string]string // path segment or alias → environment
	order     []string          // configured order, flattened; nil without one
}

// names gives the environments that paths may name. An order in the configuration is all there is; without one, the
// well-known names and those of environments count.
func (c *Config) names() names {
	n := names{canonical: make(map[string]string)}
	for _, stage := range c.Order {
		parallel := make([]string, len(stage))
		for i, name := range stage {
			parallel[i] = string(name)
			n.canonical[string(name)] = string(name)
		}
		slices.Sort(parallel)
		n.order = append(n.order, parallel...)
	}
	if n.order == nil {
		for name := range ranks {
			n.canonical[name] = name
		}
	}
	for name, environment := range c.Environments {
		n.canonical[string(name)] = string(name)
		for _, alias := range environment.Aliases {
			n.canonical[string(alias)] = string(name)
		}
	}
	return n
}

// environment gives the environment that a path segment names as a whole.
func (n names) environment(segment string) (name string, ok bool) {
	name, ok = n.canonical[segment]
	return name, ok
}

// sorted gives the environments of a repository in promotion order: all of a configured order, else the used ones by
// what their names mean.
func (n names) sorted(used []string) []string {
	if n.order != nil {
		return n.order
	}
	out := slices.Clone(used)
	slices.SortFunc(out, func(a, b string) int {
		return cmp.Or(cmp.Compare(ranks[a], ranks[b]), strings.Compare(a, b))
	})
	return slices.Compact(out)
}

// Stages gives a layout's environments in promotion order, by stage, and within a stage as the order names them. Without an
// order, names that mean the same (test and qa) are one stage.
func (c *Config) Stages(environments []string) [][]string {
	var stages [][]string
	if len(c.Order) > 0 {
		for _, stage := range c.Order {
			var names []string
			for _, name := range stage {
				if slices.Contains(environments, string(name)) {
					names = append(names, string(name))
				}
			}
			if names != nil {
				stages = append(stages, names)
			}
		}
		return stages
	}
	for i, name := range environments {
		before := len(stages) - 1
		if rank, known := ranks[name]; i > 0 && known && rank == ranks[environments[i-1]] {
			stages[before] = append(stages[before], name)
		} else {
			stages = append(stages, []string{name})
		}
	}
	return stages
}

// LastStage gives those of a layout's environments to which everything is promoted in the end: the last stage of the order, or
// without an order those whose names mean the same as the last one's.
func (c *Config) LastStage(environments []string) []string {
	if len(environments) == 0 {
		return nil
	}
	last := environments[len(environments)-1]
	for _, stage := range c.Order {
		if slices.Contains(stage, EnvironmentName(last)) {
			return slices.DeleteFunc(slices.Clone(environments), func(name string) bool { return !slices.Contains(stage, EnvironmentName(name)) })
		}
	}
	return slices.DeleteFunc(slices.Clone(environments), func(name string) bool {
		return name != last && (ranks[name] != ranks[last] || ranks[name] == 0)
	})
}

// segments gives every text that names an environment, longest first.
func (n names) segments() []string {
	out := make([]string, 0, len(n.canonical))
	for segment := range n.canonical {
		out = append(out, segment)
	}
	slices.SortFunc(out, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	return out
}
