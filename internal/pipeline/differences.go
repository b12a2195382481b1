package pipeline

import (
	"regexp"

	"github.com/sluice-dev/sluice/internal/config"
	"github.com/sluice-dev/sluice/internal/diff"
	"github.com/sluice-dev/sluice/internal/finding"
	"github.com/sluice-dev/sluice/internal/manifest"
	"github.com/sluice-dev/sluice/internal/report"
)

// DiffOptions says what a configuration wants of the difference, and of what is hidden in it.
func DiffOptions(cfg *config.Config) diff.Options {
	opts := diff.Options{Context: cfg.Diff.Context, Ignore: diffRules(cfg.Diff.Ignore), Sensitive: diffRules(cfg.Diff.Sensitive)}
	if opts.Context == 0 {
		opts.Context = -1 // for package diff, 0 is the default
	}
	for _, pattern := range cfg.Diff.SensitiveValues {
		opts.SensitiveValues = append(opts.SensitiveValues, regexp.MustCompile(string(pattern))) // the configuration was checked
	}
	return opts
}

func diffRules(rules []config.DiffRule) []diff.Rule {
	out := make([]diff.Rule, len(rules))
	for i, rule := range rules {
		out[i] = diff.Rule{Kinds: texts(rule.Kinds), Paths: texts(rule.Paths), Annotations: texts(rule.Annotations)}
	}
	return out
}

func texts[T ~string](values []T) []string {
	out := make([]string, len(values))
	for i, value := range values {
		out[i] = string(value)
	}
	return out
}

// diffOptions are those of the binding configuration. What is not shown of one target is counted in quiet.
func (j *judge) diffOptions(quiet *report.Quiet) diff.Options {
	opts := DiffOptions(j.cfg)
	opts.Salt = j.check.Salt
	opts.Equal = func(_ manifest.ID, restarts bool) {
		quiet.FormOnly++
		if restarts {
			quiet.FormOnlyRestarts++
		}
	}
	opts.Ignored = func(_ manifest.ID, whole bool, fields int) {
		if whole {
			quiet.IgnoredObjects++
		} else {
			quiet.IgnoredFields += fields
		}
	}
	return opts
}

// hideSensitive hides what messages quote of values that the configuration calls sensitive.
func hideSensitive(findings finding.List, opts diff.Options) finding.List {
	for i := range findings {
		for _, pattern := range opts.SensitiveValues {
			findings[i].Message = pattern.ReplaceAllLiteralString(findings[i].Message, "⟪secret⟫")
		}
	}
	return findings
}
