package pipeline

import (
	"path"
	"regexp"
	"strings"

	"github.com/sluice-dev/sluice/internal/config"
	"github.com/sluice-dev/sluice/internal/promote"
)

// secretValues hides, in what a promotion tells, the values that no output may show: those in files that hold a Secret, in
// files that a secretGenerator names and in its literals, and what the configuration calls sensitive.
type secretValues struct{ patterns []*regexp.Regexp }

// hiddenValue stands for a value that is not shown.
const hiddenValue = "⟪secret⟫"

var (
	isSecret      = regexp.MustCompile(`(?m)^\s*"?kind"?:\s*["']?(Secret|SealedSecret)\b`)
	hasGenerators = regexp.MustCompile(`secretGenerator`)
)

func newSecretValues(cfg *config.Config) *secretValues {
	return &secretValues{DiffOptions(cfg).SensitiveValues}
}

// hide replaces values in a result.
func (s *secretValues) hide(result *promote.Result, ours, theirs promote.Files, pairs []promote.Pair) {
	generated := make(map[string]bool) // files that secretGenerators name, and kustomizations that have one
	secret := make(map[string]bool)    // the target's files, by either side
	for _, files := range []promote.Files{ours, theirs} {
		for name, file := range files {
			if hasGenerators.Match(file.Data) {
				generated[name] = true
				for other := range files {
					if rel, ok := strings.CutPrefix(other, path.Dir(name)+"/"); ok && strings.Contains(string(file.Data), rel) && !isYAML(other) {
						generated[other] = true
					}
				}
			}
		}
	}
	for _, pair := range pairs {
		for _, side := range []struct {
			name  string
			files promote.Files
		}{{pair.To, ours}, {pair.From, theirs}} {
			if isSecret.Match(side.files[side.name].Data) || generated[side.name] {
				secret[pair.To] = true
			}
		}
	}
	for i := range result.Withheld {
		w := &result.Withheld[i]
		s.values(secret[w.File], w.Path, &w.Target, &w.Source)
	}
	for i := range result.Taken {
		t := &result.Taken[i]
		s.values(secret[t.File], t.Path, &t.Was, &t.Is)
	}
	for i := range result.Conflicts {
		c := &result.Conflicts[i]
		s.values(secret[c.File], c.Path, &c.Base, &c.Ours, &c.Theirs)
	}
}

// values hides values of one field. In a kustomization with a secretGenerator and in a file with a Secret, fields that say what
// is deployed are shown nevertheless: they are what a promotion is about.
func (s *secretValues) values(secret bool, field string, values ...*string) {
	open := strings.HasPrefix(field, "images[") || strings.HasPrefix(field, "replicas[") || strings.HasPrefix(field, "resources[")
	for _, value := range values {
		if secret && !open && *value != "" {
			*value = hiddenValue
			continue
		}
		for _, pattern := range s.patterns {
			*value = pattern.ReplaceAllLiteralString(*value, hiddenValue)
		}
	}
}
