package pipeline

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"

	"github.com/sluice-dev/sluice/internal/config"
	"github.com/sluice-dev/sluice/internal/finding"
	"github.com/sluice-dev/sluice/internal/schema"
)

// rules is the configuration of both sides. Base's binds: a pull request must not switch off its own gate. Head's says
// what else there is to render.
type rules struct {
	binding *config.Config
	head    *config.Config // nil where it is the same file, or has mistakes
	added   bool           // base has no configuration file, head has
	broken  bool           // head's file has mistakes: the run is one of a wrong configuration
}

// readRules reads both configurations. Without one on base, or with one that has mistakes, the built-in defaults bind.
// Without a base at all, head's own configuration binds.
func (c *Check) readRules() (rules, finding.List) {
	headFile, headProblems := readConfigFile(c.Head.Tree)
	head, found := parseConfig(headFile)
	headProblems = append(headProblems, found...)
	if c.Base.Tree == nil {
		return rules{binding: head, broken: len(headProblems) > 0}, headProblems
	}
	baseFile, baseProblems := readConfigFile(c.Base.Tree)
	base, found := parseConfig(baseFile)
	baseProblems = append(baseProblems, found...)
	r := rules{binding: base, added: baseFile == nil && headFile != nil, broken: len(headProblems) > 0}
	if !r.broken && !bytes.Equal(baseFile, headFile) {
		r.head = head
	}
	return r, finding.Join(headProblems, onBase(baseProblems, headProblems))
}

// onBase keeps what is wrong with base's configuration only where head has put it right: else head's own findings
// say it.
func onBase(base, head finding.List) finding.List {
	if len(base) == 0 || len(head) > 0 {
		return nil
	}
	return finding.List{{
		Rule: "config/base", Severity: finding.Notice, Pos: finding.Pos{File: config.FileName},
		Message: fmt.Sprintf("the configuration on base has %s, so the built-in defaults bind this check", count(len(base), "mistake")),
	}}
}

func readConfigFile(tree Tree) ([]byte, finding.List) {
	data, err := tree.ReadFile(config.FileName)
	switch {
	case err == nil && data == nil:
		return []byte{}, nil
	case err == nil:
		return data, nil
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	default:
		return nil, finding.List{{
			Rule: "config/unreadable", Severity: finding.Error, Pos: finding.Pos{File: config.FileName},
			Message: fmt.Sprintf("the configuration cannot be read: %v", err),
		}}
	}
}

// parseConfig gives the built-in defaults where there is no file, or one with mistakes.
func parseConfig(data []byte) (*config.Config, finding.List) {
	cfg, problems := config.Parse(config.FileName, data)
	problems = append(problems, unknownVersions(cfg)...)
	if len(problems) > 0 {
		cfg, _ = config.Parse(config.FileName, nil)
	}
	return cfg, problems
}

// unknownVersions finds Kubernetes versions that there are no schemas for.
func unknownVersions(cfg *config.Config) finding.List {
	var out finding.List
	check := func(version config.KubernetesVersion, path ...any) {
		if version == "" {
			return
		}
		schemas, err := schema.Kubernetes()
		if err == nil {
			_, err = schemas.Version(string(version))
		}
		if err != nil {
			out = append(out, finding.Finding{Rule: "config/kubernetes", Severity: finding.Error, Message: err.Error(), Pos: cfg.Pos(path...)})
		}
	}
	check(cfg.Validation.Kubernetes, "validation", "kubernetes")
	for _, name := range slices.Sorted(maps.Keys(cfg.Environments)) {
		check(cfg.Environments[name].Kubernetes, "environments", name, "kubernetes")
	}
	return out
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// unknownLevel is what an object without a schema counts as.
func unknownLevel(cfg *config.Config) config.Level {
	if cfg.Validation.Unknown == config.IgnoreUnknown {
		return config.Off
	}
	return config.Level(cfg.Validation.Unknown)
}
