package pipeline

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice/internal/config"
	"github.com/sluice-dev/sluice/internal/finding"
	"github.com/sluice-dev/sluice/internal/policy"
	"github.com/sluice-dev/sluice/internal/schema"
)

// rulebook is the policies of one side: for each environment an engine over the same compiled rules, with the bundles and the
// Kubernetes version that the configuration gives it.
type rulebook map[string]*policy.Engine

// newRulebook compiles the built-in rules and those of the repository that stand in tree. Findings are what is wrong with the
// repository's own; the engines then have the built-in ones only.
func (c *Check) newRulebook(ctx context.Context, tree Tree, cfg *config.Config, s *scene, schemas *schema.Set) (rulebook, finding.List, error) {
	common, problems, err := c.Workshop.Policies(ctx, tree, policyDirectories(cfg, tree), policyOptions(cfg, "", schemas))
	if err != nil {
		return nil, nil, fmt.Errorf("load policies: %w", err)
	}
	book := rulebook{}
	for _, environment := range s.environments() {
		engine, found, err := common.With(ctx, policyOptions(cfg, environment, schemas))
		if err != nil {
			return nil, nil, fmt.Errorf("prepare the policies of %s: %w", environment, err)
		}
		problems = finding.Join(problems, found)
		book[environment] = engine
	}
	return book, problems, nil
}

// environments gives the names of all environments that have a target on either side.
func (s *scene) environments() []string {
	seen := make(map[string]bool)
	var names []string
	for _, side := range []config.Layout{s.base.Layout, s.head.Layout} {
		for _, target := range side.Targets {
			if !seen[target.Environment] {
				seen[target.Environment] = true
				names = append(names, target.Environment)
			}
		}
	}
	return names
}

// policyOptions are the options for an environment; "" is for what holds everywhere.
func policyOptions(cfg *config.Config, environment string, schemas *schema.Set) policy.Options {
	var opts policy.Options
	for _, name := range cfg.Policies.Disable {
		opts.Disable = append(opts.Disable, string(name))
	}
	if bundles := cfg.BundlesFor(environment); bundles != nil {
		opts.Bundles = []string{} // an empty list is none, not the default
		for _, bundle := range bundles {
			opts.Bundles = append(opts.Bundles, string(bundle))
		}
	}
	if version, err := schemas.Version(string(cfg.KubernetesFor(environment))); err == nil {
		opts.Kubernetes = version
	}
	return opts
}

// policyDirectories gives the directories of a repository's own policies. The one that is looked at by default may be
// absent; those that a configuration names may not.
func policyDirectories(cfg *config.Config, tree Tree) []string {
	var dirs []string
	for _, dir := range cfg.Policies.Directories {
		if _, err := tree.Lstat(string(dir)); err != nil && slices.Contains(config.Default().Policies.Directories, dir) {
			continue
		}
		dirs = append(dirs, string(dir))
	}
	return dirs
}

// inPolicies reports whether a path is in one of the directories that hold policies.
func inPolicies(cfg *config.Config, file string) bool {
	return slices.ContainsFunc(cfg.Policies.Directories, func(dir config.Directory) bool {
		return strings.HasPrefix(file, string(dir)+"/")
	})
}
