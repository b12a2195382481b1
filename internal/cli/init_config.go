package cli

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/sluice-dev/sluice/internal/config"
)

const configHead = `# What sluice renders and checks. Every key is optional: see https://github.com/sluice-dev/sluice#configuration
# yaml-language-server: $schema=https://raw.githubusercontent.com/sluice-dev/sluice/main/docs/sluice.schema.json
`

const detectedNote = `
# The targets are detected from the directories: ` + "`sluice check --all`" + ` prints them. To say them yourself:
# targets:
#   - path: apps/{app}/overlays/{env}
`

// settings are the keys that init writes.
type settings struct {
	Targets []targetRule `yaml:"targets,omitempty"`
	Order   []any        `yaml:"order,flow"`
}

type targetRule struct {
	Path        string `yaml:"path"`
	App         string `yaml:"app,omitempty"`
	Environment string `yaml:"environment,omitempty"`
}

// configOf writes a detected layout as a configuration. It is read again and laid out by the given function: where that gives
// other targets than were detected, the file leaves them to detection, so that init never changes what is checked.
func configOf(layout config.Layout, again func(*config.Config) config.Layout) ([]byte, error) {
	s := settings{Targets: rulesOf(layout.Targets), Order: orderOf(layout.Environments)}
	data, err := s.encode()
	if err != nil {
		return nil, err
	}
	if holds(data, layout, again) {
		return data, nil
	}
	s.Targets = nil
	if data, err = s.encode(); err != nil {
		return nil, err
	}
	if !holds(data, layout, again) {
		s.Order = nil
		data = []byte(configHead + detectedNote)
	}
	return data, nil
}

func holds(data []byte, layout config.Layout, again func(*config.Config) config.Layout) bool {
	parsed, problems := config.Parse(config.FileName, data)
	if len(problems) > 0 {
		return false
	}
	read := again(parsed)
	return slices.Equal(read.Targets, layout.Targets) && slices.Equal(read.Environments, layout.Environments)
}

func (s settings) encode() ([]byte, error) {
	var out bytes.Buffer
	out.WriteString(configHead)
	if len(s.Targets) == 0 {
		out.WriteString(detectedNote)
	}
	enc := yaml.NewEncoder(&out)
	enc.SetIndent(2)
	if err := enc.Encode(s); err != nil {
		return nil, fmt.Errorf("write %s: %w", config.FileName, err)
	}
	return out.Bytes(), enc.Close()
}

// rulesOf gives the patterns that targets have in common, in the order of the targets.
func rulesOf(targets []config.Target) []targetRule {
	var rules []targetRule
	for _, t := range targets {
		if rule := ruleOf(t); !slices.Contains(rules, rule) {
			rules = append(rules, rule)
		}
	}
	return rules
}

// allApps is what detection calls the application of a path that names none.
const allApps = "all"

// ruleOf replaces, in a target's path, the segments that name its environment and its application. What no segment names is
// said beside the path.
func ruleOf(t config.Target) targetRule {
	segments := strings.Split(t.Dir, "/")
	env := lastIndex(segments, t.Environment, -1)
	app := lastIndex(segments, t.App, env)
	rule := targetRule{}
	if env >= 0 {
		segments[env] = "{env}"
	} else {
		rule.Environment = t.Environment
	}
	switch {
	case app >= 0:
		segments[app] = "{app}"
	case t.App != allApps:
		rule.App = t.App
	}
	rule.Path = strings.Join(segments, "/")
	return rule
}

func lastIndex(segments []string, name string, not int) int {
	for i, segment := range slices.Backward(segments) {
		if i != not && segment == name {
			return i
		}
	}
	return -1
}

// orderOf gives the stages of environments that are in order: an environment, or a list of those that stand side by side.
func orderOf(environments []string) []any {
	var stages []any
	for len(environments) > 0 {
		last := config.Default().LastStage(environments)
		if len(last) == 1 {
			stages = append(stages, last[0])
		} else {
			stages = append(stages, last)
		}
		environments = environments[:len(environments)-len(last)]
	}
	slices.Reverse(stages)
	return stages
}
