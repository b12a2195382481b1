package pipeline

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/sluice-dev/sluice/internal/config"
	"github.com/sluice-dev/sluice/internal/finding"
	"github.com/sluice-dev/sluice/internal/manifest"
	"github.com/sluice-dev/sluice/internal/plan"
	"github.com/sluice-dev/sluice/internal/policy"
	"github.com/sluice-dev/sluice/internal/schema"
)

// rulebook is the policies of one side: engines over the same compiled rules, one for each environment, with the bundles and
// the Kubernetes version that the configuration gives it. It is safe for concurrent use.
type rulebook struct {
	tree        Tree
	directories []string // of the repository's own
	remote      []config.PlacedPolicies
	options     func(environment string) policy.Options
	load        func() (loadedPolicies, error) // once

	mu      sync.Mutex
	engines map[string]*policy.Engine // by their options

	digest     sync.Once // see identity
	digested   string
	digestable bool
}

// loadedPolicies is the engine of what holds everywhere, and what is wrong with the rules.
type loadedPolicies struct {
	engine   *policy.Engine
	problems finding.List
}

// newRulebook makes the rulebook of the built-in rules and those of the repository that stand in tree or come from elsewhere. Findings are what is wrong
// with the repository's own, or with what the configuration says of rules; the engines then have the built-in ones only. Where nothing
// can be wrong, the rules are compiled when they are first needed.
func (c *Check) newRulebook(ctx context.Context, tree Tree, cfg *config.Config, remote []config.PlacedPolicies, schemas *schema.Set) (*rulebook, finding.List, error) {
	options := func(environment string) policy.Options { return policyOptions(cfg, environment, schemas) }
	b := &rulebook{
		tree: tree, directories: policyDirectories(cfg, tree), remote: remote, options: options, engines: make(map[string]*policy.Engine),
	}
	b.load = sync.OnceValues(func() (loadedPolicies, error) {
		engine, problems, err := c.Workshop.Policies(ctx, tree, b.directories, b.remote, options(""))
		if err != nil {
			return loadedPolicies{}, fmt.Errorf("load policies: %w", err)
		}
		return loadedPolicies{engine, problems}, nil
	})
	if c.Memory != nil && unremarkable(cfg, tree) {
		return b, nil, nil
	}
	loaded, err := b.load()
	return b, loaded.problems, err
}

// knows reports whether there is a rule of this name.
func (b *rulebook) knows(rule string) bool {
	loaded, err := b.load()
	return err == nil && loaded.engine.Knows(rule)
}

// of gives the engine of an environment. What the options say in vain was found when the rules were loaded.
func (b *rulebook) of(ctx context.Context, environment string) (*policy.Engine, error) {
	loaded, err := b.load()
	if err != nil {
		return nil, err
	}
	options := b.options(environment)
	text := optionsText(options)
	if text == optionsText(b.options("")) {
		return loaded.engine, nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if engine := b.engines[text]; engine != nil {
		return engine, nil
	}
	engine, _, err := loaded.engine.With(ctx, options)
	if err != nil {
		return nil, fmt.Errorf("prepare the policies of %s: %w", environment, err)
	}
	b.engines[text] = engine
	return engine, nil
}

// looksAround reports whether rules of an environment may look at other targets: built-in ones do.
func (b *rulebook) looksAround(environment string) bool {
	bundles := b.options(environment).Bundles
	return bundles == nil || len(bundles) > 0
}

// check evaluates the rules of a target's environment. others are the objects of other targets that they look at.
func (b *rulebook) check(ctx context.Context, target plan.Target, objects []*manifest.Object, others []policy.Neighbour) (policy.Result, error) {
	engine, err := b.of(ctx, target.Environment)
	if err != nil {
		return policy.Result{}, err
	}
	return engine.Check(ctx, objects, others...)
}

// policyOptions are the options for an environment; "" is for what holds everywhere.
func policyOptions(cfg *config.Config, environment string, schemas *schema.Set) policy.Options {
	opts := policy.Options{Combine: cfg.Policies.Combine}
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
