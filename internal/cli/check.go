package cli

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sluice-dev/sluice/internal/crew"
	"github.com/sluice-dev/sluice/internal/finding"
	"github.com/sluice-dev/sluice/internal/git"
	"github.com/sluice-dev/sluice/internal/pipeline"
	"github.com/sluice-dev/sluice/internal/plan"
	"github.com/sluice-dev/sluice/internal/report"
)

// checkOptions are the flags of check and diff.
type checkOptions struct {
	repo     string
	base     string // "" is the default branch's merge base with head
	head     string
	worktree bool
	scope    pipeline.Scope
	gate     report.Gate
	outputs  []output
	cache    string
	shard    string // "2/4"; "" for the whole
	timings  string // a file; "" for none
	explain  string // a target or a path; "" for the check itself
	rehearse string // a provider; "" for what the configuration says
}

func (c *Command) newCheck() *cobra.Command {
	var opts checkOptions
	var outputs []string
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Render, validate and compare every target that a change can reach",
		Long: `Render every target that the change between --base and --head can reach, validate it against Kubernetes' schemas and the
policies, and show the rendered difference.

Without --base, head is compared with where it left the default branch. With --all, every target is checked; without
--base it is then compared with nothing, and every finding counts.`,
		Example: `  sluice check --base main
  sluice check --worktree
  sluice check --explain apps/shop/base/deployment.yaml
  sluice check --all --output markdown=report.md --output sarif=report.sarif`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.check(cmd, &opts, outputs) },
	}
	opts.addFlags(cmd)
	cmd.Flags().StringVar(&opts.gate.FailOn, "fail-on", "error", "fail on findings of at least this severity: error, warning or never")
	cmd.Flags().StringVar(&opts.gate.Findings, "findings", "new", "which findings count: new or all")
	cmd.Flags().StringVar(&opts.shard, "shard", "", "do only this part of a plan, `I/N`, and write it with --output shard=FILE")
	cmd.Flags().StringVar(&opts.timings, "timings", "", "write to this `FILE`, as JSON, how long each phase and each target has taken")
	cmd.Flags().StringVar(&opts.explain, "explain", "", "say why this `TARGET|PATH` is rendered or whom it reaches, as text or json, and do nothing else")
	cmd.Flags().StringVar(&opts.rehearse, "rehearse", "", "apply the change to a real API server: `kind|envtest|kubeconfig`, whatever the configuration says")
	cmd.Flags().StringArrayVarP(&outputs, "output", "o", nil, outputHelp)
	return cmd
}

const outputHelp = "write the report as `FORMAT[=FILE]`: text, markdown, html, json, sarif or junit; may be repeated"

func (c *Command) newDiff() *cobra.Command {
	opts := checkOptions{gate: report.Gate{FailOn: "never", Findings: "new"}}
	var outputs []string
	cmd := &cobra.Command{
		Use:   "diff",
		Short: "Show the rendered difference, without the checks",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			opts.scope.DiffOnly = true
			return c.check(cmd, &opts, outputs)
		},
	}
	opts.addFlags(cmd)
	cmd.Flags().StringArrayVarP(&outputs, "output", "o", nil, outputHelp)
	return cmd
}

func (o *checkOptions) addFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&o.repo, "repo", ".", "the repository: any directory in it")
	flags.StringVar(&o.base, "base", "", "the revision to compare with")
	flags.StringVar(&o.head, "head", "HEAD", "the revision to check")
	flags.BoolVar(&o.worktree, "worktree", false, "check the working tree as it stands, uncommitted changes included")
	flags.BoolVar(&o.scope.All, "all", false, "look at every target, not just those that the change can reach")
	flags.StringSliceVar(&o.scope.Environments, "env", nil, "look only at this environment; may be repeated")
	flags.StringSliceVar(&o.scope.Apps, "app", nil, "look only at this application; may be repeated")
	flags.StringVar(&o.cache, "cache", "", "remember renderings and verdicts in this `DIR` from run to run; targets with Secrets are never stored")
	cmd.MarkFlagsMutuallyExclusive("head", "worktree")
}

func (c *Command) check(cmd *cobra.Command, opts *checkOptions, outputs []string) error {
	if err := validGate(opts.gate); err != nil {
		return err
	}
	shard, err := opts.parseOutputs(outputs)
	if err != nil {
		return err
	}
	provider, err := parseRehearse(opts.rehearse)
	if err != nil {
		return err
	}
	ctx := cmd.Context()
	repo, err := git.Open(ctx, opts.repo, git.Options{})
	if err != nil {
		return err
	}
	defer repo.Close()
	sides, err := chooseCommits(ctx, repo, opts)
	if err != nil {
		return err
	}
	run := checkRun{sides: sides, scope: opts.scope, gate: opts.gate, cache: opts.cache, rehearse: provider, log: c.logger(cmd), progress: c.newProgress()}
	if opts.explain == "" && opts.shard == "" && opts.timings == "" {
		if r, ok, err := recall(run); err != nil {
			return err
		} else if ok {
			return c.deliver(r, run, opts)
		}
	}
	if err := run.readTrees(ctx, repo, opts); err != nil {
		return err
	}
	if opts.explain != "" {
		return c.explain(run.sides, opts.scope, opts.explain, opts.outputs)
	}
	if opts.timings == "" {
		return c.checkAndWrite(ctx, run, opts, shard)
	}
	run.watch = newTimings()
	err = c.checkAndWrite(ctx, run, opts, shard)
	if failed := run.watch.write(opts.timings); failed != nil {
		return failed
	}
	return err
}

// checkAndWrite runs the check, or one part of it, and writes what comes out.
func (c *Command) checkAndWrite(ctx context.Context, run checkRun, opts *checkOptions, shard plan.Shard) error {
	if opts.shard != "" {
		return c.checkShard(ctx, run, shard, opts.outputs)
	}
	r, err := c.runCheck(ctx, run)
	if err != nil {
		return err
	}
	return c.deliver(r, run, opts)
}

// deliver writes a report and turns its verdict into the exit code.
func (c *Command) deliver(r *report.Report, run checkRun, opts *checkOptions) error {
	written := run.watch.Begin("report", "", "")
	err := c.writeReport(r, opts.outputs, report.TextOptions{All: opts.scope.All})
	written()
	if err != nil {
		return err
	}
	return exitWith(r)
}

// parseOutputs reads --output as the other flags allow it, and --shard.
func (o *checkOptions) parseOutputs(values []string) (shard plan.Shard, err error) {
	known := formats
	switch {
	case o.explain != "":
		known = explainFormats
	case o.shard != "":
		known = []string{"shard"}
		if shard, err = plan.ParseShard(o.shard); err != nil {
			return shard, usage(err)
		}
		if len(values) == 0 {
			return shard, usage(errors.New("--shard does a part, which is no report yet: write it with --output shard=FILE"))
		}
	}
	o.outputs, err = parseOutputs(values, known)
	return shard, err
}

// validGate refuses what no severity and no state is called, before any work is done.
func validGate(gate report.Gate) error {
	switch gate.FailOn {
	case "error", "warning", "never":
	default:
		return usage(fmt.Errorf("--fail-on %q: use error, warning or never", gate.FailOn))
	}
	switch gate.Findings {
	case "new", "all":
		return nil
	default:
		return usage(fmt.Errorf("--findings %q: use new or all", gate.Findings))
	}
}

// exitWith turns a verdict into the exit code. A configuration with mistakes is a usage error whatever else was found.
func exitWith(r *report.Report) error {
	switch {
	case slices.ContainsFunc(r.Findings, badConfig):
		return &exitError{code: ExitUsage}
	case r.Verdict == report.Incomplete:
		return &exitError{code: ExitIncomplete}
	case r.Verdict == report.Fail:
		return &exitError{code: ExitFindings}
	default:
		return nil
	}
}

func badConfig(f finding.Finding) bool {
	return (strings.HasPrefix(f.Rule, "config/") || strings.HasPrefix(f.Rule, "layout/")) && f.Severity == finding.Error
}

// sides are the two snapshots of a run.
type sides struct {
	base, head pipeline.Side
	changed    []string
	notes      []string // what the reader must know of how they were chosen
}

func chooseSides(ctx context.Context, repo *git.Repo, opts *checkOptions) (sides, error) {
	s, err := chooseCommits(ctx, repo, opts)
	if err != nil {
		return s, err
	}
	return s, s.readTrees(ctx, repo, opts)
}

// chooseCommits resolves the commits of both sides. The base has none where there is nothing to compare with.
func chooseCommits(ctx context.Context, repo *git.Repo, opts *checkOptions) (s sides, err error) {
	if s.head.Commit, err = repo.Resolve(ctx, opts.head); err != nil {
		return s, err
	}
	if opts.base != "" || !opts.scope.All {
		if s.base.Commit, err = chooseBase(ctx, repo, opts.base, s.head.Commit); err != nil {
			return s, err
		}
	}
	switch {
	case opts.worktree:
		s.head.Commit = worktree
	case opts.head == "HEAD" && isDirty(ctx, repo):
		s.notes = append(s.notes, "the working tree has uncommitted changes, which this check did not look at: --worktree includes them")
	}
	return s, nil
}

// worktree stands for a commit where the working tree is checked.
const worktree = "worktree"

// readTrees lists the trees of both sides, side by side.
func (s *sides) readTrees(ctx context.Context, repo *git.Repo, opts *checkOptions) error {
	var head, base *git.Tree
	group, ctx := crew.WithContext(ctx)
	group.Go(func() (err error) {
		if opts.worktree {
			head, err = repo.Worktree(ctx)
		} else {
			head, err = repo.Tree(ctx, s.head.Commit)
		}
		return err
	})
	if s.base.Commit != "" {
		group.Go(func() (err error) {
			base, err = repo.Tree(ctx, s.base.Commit)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	s.head.Tree = head
	if base != nil {
		s.base.Tree, s.changed = base, git.Changed(base, head)
	}
	return nil
}

func isDirty(ctx context.Context, repo *git.Repo) bool {
	dirty, err := repo.Dirty(ctx)
	return err == nil && dirty
}

func (s *sides) compareWith(ctx context.Context, repo *git.Repo, base string, head *git.Tree) error {
	tree, err := repo.Tree(ctx, base)
	if err != nil {
		return err
	}
	s.base = pipeline.Side{Commit: base, Tree: tree}
	s.changed = git.Changed(tree, head)
	return nil
}

// chooseBase gives the commit to compare with: where head left the named revision, or else the default branch. What that
// branch gained since is not part of the change.
func chooseBase(ctx context.Context, repo *git.Repo, named, head string) (string, error) {
	if named != "" {
		base, err := repo.Resolve(ctx, named)
		if err != nil {
			return "", err
		}
		if common, ok := repo.MergeBase(ctx, base, head); ok {
			return common, nil
		}
		return base, nil
	}
	for _, name := range []string{"origin/HEAD", "origin/main", "origin/master", "main", "master"} {
		base, err := repo.Resolve(ctx, name)
		if err != nil {
			continue
		}
		if common, ok := repo.MergeBase(ctx, base, head); ok {
			return common, nil
		}
	}
	return "", usage(errors.New("there is no origin/HEAD, main or master to compare with: name a revision with --base, or look at everything with --all"))
}

// workers is how many targets are looked at concurrently.
func workers() int { return runtime.GOMAXPROCS(0) }

// newSalt makes the key of the tokens that stand for secret values: it differs from run to run, so that a token says
// nothing about the value.
func newSalt() []byte {
	salt := make([]byte, 32)
	rand.Read(salt) // never fails, says its documentation
	return salt
}
