package pipeline

import (
	"bytes"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice/internal/config"
	"github.com/sluice-dev/sluice/internal/finding"
)

// guard says where the change touches the gate itself: what binds is base's, so such an edit takes effect only once merged,
// and a reviewer must see it.
func (c *Check) guard(r rules, s *scene) finding.List {
	if c.Base.Tree == nil {
		return nil
	}
	var out finding.List
	warn := func(rule, file, message string) {
		out = append(out, finding.Finding{Rule: rule, Severity: finding.Warning, Message: message, Pos: finding.Pos{File: file}})
	}
	for _, target := range s.dropped {
		warn("config/dropped-target", config.FileName, fmt.Sprintf("the new configuration no longer covers %s, which is still there: once merged, nothing checks it", target.ID))
	}
	for _, file := range c.Changed {
		switch {
		case file == config.FileName && r.added:
			warn("config/changed", file, "this change brings a configuration: it binds once merged; this check used the built-in defaults, and the targets of both")
		case file == config.FileName:
			warn("config/changed", file, "this change edits the configuration of the gate: it binds once merged; this check used the one on base")
		case c.runsSluice(file):
			warn("config/workflow-changed", file, "this change edits the workflow that runs sluice: look at it with care, it decides whether later changes are checked at all")
		case inDefinitions(r.binding, file):
			warn("config/schema-changed", file, "this change edits the schemas that the gate checks by: those of base bind until it is merged, new kinds and versions are taken from here")
		case inPolicies(r.binding, file):
			warn("config/policy-changed", file, "this change edits the policies of the gate: they bind once merged; what they would find is shown as notices")
		}
	}
	return out
}

// runsSluice reports whether a workflow file of either side runs sluice.
func (c *Check) runsSluice(file string) bool {
	if path.Dir(file) != ".github/workflows" {
		return false
	}
	for _, tree := range []Tree{c.Base.Tree, c.Head.Tree} {
		if data, err := tree.ReadFile(file); err == nil && bytes.Contains(data, []byte("sluice")) {
			return true
		}
	}
	return false
}

// inDefinitions reports whether a path is one of the schemas that the configuration names.
func inDefinitions(cfg *config.Config, file string) bool {
	return slices.ContainsFunc(cfg.Validation.CRDs, func(dir config.Directory) bool { return strings.HasPrefix(file, string(dir)+"/") }) ||
		path.Ext(file) == ".json" && slices.ContainsFunc(cfg.Validation.Schemas, func(location config.SchemaLocation) bool {
			prefix, _, isTemplate := strings.Cut(string(location), "{{")
			return isTemplate && strings.HasPrefix(file, prefix) || strings.HasPrefix(file, prefix+"/")
		})
}
