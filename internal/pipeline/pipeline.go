// Package pipeline holds the sequence of a check: configuration, plan, render, schemas, policies, difference, report. It
// is pure: what reaches outside (the renderer, the loader of rules) is given to it, as the interfaces declared here.
package pipeline

import (
	"context"
	"fmt"
	"io/fs"
	"slices"

	"github.com/sluice-dev/sluice/internal/config"
	"github.com/sluice-dev/sluice/internal/crew"
	"github.com/sluice-dev/sluice/internal/finding"
	"github.com/sluice-dev/sluice/internal/manifest"
	"github.com/sluice-dev/sluice/internal/plan"
	"github.com/sluice-dev/sluice/internal/policy"
	"github.com/sluice-dev/sluice/internal/report"
	"github.com/sluice-dev/sluice/internal/schema"
)

// Tree is one snapshot of the repository. Symbolic links are listed, never followed. It must be safe for concurrent use.
type Tree interface {
	fs.FS
	fs.ReadFileFS
	fs.ReadDirFS
	fs.ReadLinkFS
	// OID is the content identity of a file or directory: equal means equal content, whatever the snapshot.
	OID(path string) (string, bool)
}

// Side is one of the two snapshots that are compared.
type Side struct {
	Commit string // commit id, or "worktree"
	Tree   Tree   // nil: there is no such side
}

// Rendering is what became of one target on one side.
type Rendering struct {
	Objects  []*manifest.Object
	Findings finding.List
	Failed   bool     // there are no objects: the findings say why
	Sources  []string // the files that were read
	Remotes  []string // the commits of other repositories that it was rendered with: host/org/repo@commit
	side     string   // for the stopwatch
	Kept     bool     // it holds nothing secret, and may be remembered from run to run
}

// Renderer renders targets, concurrently. An error means that the machinery broke or that the context ended; what the
// user did wrong comes as findings.
type Renderer interface {
	Render(ctx context.Context, tree Tree, target plan.Target) (Rendering, error)
	// Warm prepares for targets to come, in the background.
	Warm()
}

// Closure gives everything that rendering a target can read, by the dependency graph of its tree.
type Closure func(tree Tree, target plan.Target) []plan.Input

// Workshop makes the parts of a check once the configuration that binds is known.
type Workshop interface {
	// Renderer makes the renderer. closure says what a target of one of the two trees can be rendered from.
	Renderer(ctx context.Context, cfg *config.Config, closure Closure) (Renderer, error)
	// Policies compiles the built-in rules and those of the repository that stand in directories of tree, or come from elsewhere. Rego
	// that cannot be loaded comes as findings.
	Policies(ctx context.Context, tree fs.FS, directories []string, remote []config.PlacedPolicies, opts policy.Options) (*policy.Engine, finding.List, error)
	// Schemas gives the JSON schemas that the configuration names, from tree. Locations that cannot be used come as findings.
	Schemas(tree fs.FS, cfg *config.Config) (schema.External, finding.List, error)
	// Rehearse has a real API server judge targets, and gives the results in their order. A server that is not to be had is a
	// finding of each.
	Rehearse(ctx context.Context, how config.Rehearse, targets []Rehearsal) ([]Rehearsed, error)
}

// Scope says which targets are looked at, and how far.
type Scope struct {
	All          bool     // every target, not just those that the change can reach
	Environments []string // only these; nil: all
	Apps         []string // only these; nil: all
	DiffOnly     bool     // render and compare, but check nothing
}

// Check is one run: what to compare, what to look at, what gates.
type Check struct {
	Base, Head Side
	Changed    []string // paths that differ between the sides
	Scope      Scope
	Gate       report.Gate
	Salt       []byte                // for the tokens that stand for secrets; random per run
	Today      config.Date           // by which exceptions end
	Workers    int                   // targets that are looked at concurrently; at least 1
	Progress   func(done, total int) // may be nil; called from several goroutines
	Workshop   Workshop
	// Rehearse says where changes are rehearsed, whatever the configuration says; "" leaves that to it.
	Rehearse  config.RehearseProvider
	Memory    Memory    // of verdicts; may be nil
	Stopwatch Stopwatch // nil: nothing is measured
}

// start makes the parts in the background, while the scene is surveyed. started waits for them. Where there will hardly be anything
// to judge, they are not made before it is known that there is.
func (c *Check) start(ctx context.Context, r rules, s *scene) (started func(needed bool) (*judge, finding.List, error)) {
	if !c.busy() && c.troubleless(r) {
		return func(needed bool) (*judge, finding.List, error) {
			if !needed {
				return &judge{check: c, cfg: r.binding}, nil, nil
			}
			return c.newJudge(ctx, r, s)
		}
	}
	var j *judge
	var problems finding.List
	var making crew.Crew
	making.Go(func() (err error) {
		defer c.begin(phaseRules, "", "")()
		j, problems, err = c.newJudge(ctx, r, s)
		return err
	})
	return func(bool) (*judge, finding.List, error) {
		err := making.Wait()
		return j, problems, err
	}
}

// busy guesses whether there will be anything to render, before that is known: a change of documentation alone hardly ever
// reaches a target. What it is wrong about is made later.
func (c *Check) busy() bool { return c.Scope.All || slices.ContainsFunc(c.Changed, isYAML) }

// troubleless reports whether making the parts can find nothing wrong: there is nothing of the repository's own in them.
func (c *Check) troubleless(r rules) bool {
	cfg := r.binding
	return r.head == nil && unremarkable(cfg, c.bindingTree()) && len(cfg.Validation.CRDs) == 0 && len(cfg.Validation.Schemas) == 0 &&
		len(cfg.Exceptions) == 0 && !slices.ContainsFunc(c.Changed, func(file string) bool { return inPolicies(cfg, file) })
}

// bindingTree is where the rules that bind come from: base, where there is one.
func (c *Check) bindingTree() Tree {
	if c.Base.Tree != nil {
		return c.Base.Tree
	}
	return c.Head.Tree
}

// Run does the check. Everything that can be said about the user's files is in the report; an error means that sluice
// could not do its work.
func (c *Check) Run(ctx context.Context) (*report.Report, error) {
	if key, ok := c.runKey(); ok {
		return c.runAndRemember(ctx, key)
	}
	r, _, err := c.run(ctx, func(selected []plan.Selection, _ *scene) []plan.Selection { return selected })
	if err == nil {
		report.Finish(r)
	}
	return r, err
}

// run does the part of the check that choose picks, and gives its report unfinished. lasts says that it would be the same again.
func (c *Check) run(ctx context.Context, choose func([]plan.Selection, *scene) []plan.Selection) (out *report.Report, lasts bool, err error) {
	rules, problems := c.readRules()
	scene := &scene{}
	planned := c.begin(phasePlan, "", "")
	started := c.start(ctx, rules, scene)
	err = c.survey(rules, scene)
	var selected []plan.Selection
	if err == nil {
		selected = c.selectTargets(scene)
	}
	planned()
	judge, found, broken := started(len(selected) > 0)
	if err != nil {
		return nil, false, fmt.Errorf("read the dependency graph: %w", err)
	}
	if broken != nil {
		return nil, false, broken
	}
	reached := selected
	amended, err := judge.amendments(ctx, selected)
	if err != nil {
		return nil, false, err
	}
	selected = c.widen(selected, scene, judge.facts, amended)
	judged := c.begin(phaseTargets, "", "")
	judgements, err := judge.all(ctx, choose(selected, scene))
	judged()
	if err != nil {
		return nil, false, err
	}
	rehearsed := c.begin(phaseRehearse, "", "")
	err = judge.rehearse(ctx, judgements)
	rehearsed()
	if err != nil {
		return nil, false, err
	}
	if err := judge.unproven(ctx, scene, judgements); err != nil {
		return nil, false, fmt.Errorf("look at the images of earlier environments: %w", err)
	}
	problems = append(problems, found...)
	problems = append(problems, scene.problems...)
	problems = append(problems, c.guard(rules, scene)...)
	if !c.Scope.DiffOnly {
		problems = append(problems, c.leaks(rules.binding, scene, reached)...)
		problems = append(problems, c.expired(rules)...)
		problems = append(problems, judge.unknownExceptions(rules)...)
	}
	out = c.report(rules, scene, judge, judgements, problems)
	if !c.Scope.DiffOnly {
		out.Unused = judge.unusedExceptions(rules, scene, judgements)
	}
	out.Unaffected = c.unaffected(scene) - len(selected)
	return out, judge.lasts(out), nil
}
