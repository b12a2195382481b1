package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sluice-dev/sluice/internal/config"
	"github.com/sluice-dev/sluice/internal/diff"
	"github.com/sluice-dev/sluice/internal/git"
	"github.com/sluice-dev/sluice/internal/pipeline"
	"github.com/sluice-dev/sluice/internal/plan"
	"github.com/sluice-dev/sluice/internal/render"
)

// renderOptions are the flags of render.
type renderOptions struct {
	repo        string
	rev         string
	worktree    bool
	out         string
	showSecrets bool
}

func (c *Command) newRender() *cobra.Command {
	var opts renderOptions
	cmd := &cobra.Command{
		Use:   "render [TARGET]...",
		Short: "Print a target's manifest, as kustomize build prints it",
		Long: `Render targets as they stand in a revision. One target goes to standard output, byte for byte as kustomize build prints it but for the
data of Secrets, which are masked unless --show-secrets is given. Several, or all when none is named, need --out: each
is then written to DIR/<target>.yaml.`,
		RunE: func(cmd *cobra.Command, args []string) error { return c.render(cmd, &opts, args) },
	}
	flags := cmd.Flags()
	flags.StringVar(&opts.repo, "repo", ".", "the repository: any directory in it")
	flags.StringVar(&opts.rev, "rev", "HEAD", "the revision to render")
	flags.BoolVar(&opts.worktree, "worktree", false, "render the working tree as it stands")
	flags.StringVar(&opts.out, "out", "", "write each manifest below this `DIR`")
	flags.BoolVar(&opts.showSecrets, "show-secrets", false, "do not mask the data of Secrets")
	cmd.MarkFlagsMutuallyExclusive("rev", "worktree")
	return cmd
}

func (c *Command) render(cmd *cobra.Command, opts *renderOptions, names []string) error {
	ctx := cmd.Context()
	repo, err := git.Open(ctx, opts.repo, git.Options{})
	if err != nil {
		return err
	}
	defer repo.Close()
	tree, err := renderTree(ctx, repo, opts)
	if err != nil {
		return err
	}
	cfg, targets, err := targetsOf(tree)
	if err != nil {
		return err
	}
	if targets, err = named(targets, names); err != nil {
		return err
	}
	if len(targets) != 1 && opts.out == "" {
		return usage(fmt.Errorf("there are %d targets to render: name one, or write them to files with --out DIR", len(targets)))
	}
	shop := &workshop{log: c.logger(cmd)}
	defer shop.Close()
	if _, err := shop.Renderer(ctx, cfg, nil); err != nil {
		return err
	}
	failed := 0
	for _, target := range targets {
		result, err := shop.pool.Render(ctx, tree, target)
		if err != nil {
			return err
		}
		if len(result.Findings) > 0 {
			fmt.Fprintln(c.Stderr, result.Findings)
		}
		if result.Failed {
			failed++
			continue
		}
		if err := c.writeManifest(opts, target, manifestOf(result, opts.showSecrets, pipeline.DiffOptions(cfg))); err != nil {
			return err
		}
	}
	if failed > 0 {
		return &exitError{ExitIncomplete, fmt.Errorf("%d of %d targets could not be rendered", failed, len(targets))}
	}
	return nil
}

func renderTree(ctx context.Context, repo *git.Repo, opts *renderOptions) (*git.Tree, error) {
	if opts.worktree {
		return repo.Worktree(ctx)
	}
	commit, err := repo.Resolve(ctx, opts.rev)
	if err != nil {
		return nil, err
	}
	return repo.Tree(ctx, commit)
}

// targetsOf reads the configuration of a tree and finds its targets. Mistakes are a usage error.
func targetsOf(tree *git.Tree) (*config.Config, []plan.Target, error) {
	data, err := tree.ReadFile(config.FileName)
	if err != nil {
		data = nil // none: the defaults
	}
	cfg, problems := config.Parse(config.FileName, data)
	if len(problems) > 0 {
		return nil, nil, configError(problems)
	}
	graph, err := plan.Build(tree, plan.NewMemo())
	if err != nil {
		return nil, nil, err
	}
	layout, problems := cfg.Layout(tree, graph)
	if len(layout.Targets) == 0 {
		return nil, nil, usage(errors.New(problems.String()))
	}
	return cfg, layout.Targets, nil
}

// named picks targets by id; without names, all. A directory that is no target can be rendered too: a base, say.
func named(targets []plan.Target, names []string) ([]plan.Target, error) {
	if len(names) == 0 {
		return targets, nil
	}
	byID := make(map[string]plan.Target, len(targets))
	for _, t := range targets {
		byID[t.ID] = t
	}
	picked := make([]plan.Target, len(names))
	for i, name := range names {
		id := filepath.ToSlash(filepath.Clean(name))
		target, ok := byID[id]
		if !ok {
			return nil, usage(fmt.Errorf("%s is no target; `sluice check --all` lists the targets", name))
		}
		picked[i] = target
	}
	return picked, nil
}

// manifestOf gives the manifest, with the data of Secrets and what opts call sensitive masked unless they are to be shown.
func manifestOf(result render.Result, showSecrets bool, opts diff.Options) []byte {
	if showSecrets {
		return result.Manifest
	}
	var out []byte
	for i, object := range result.Objects {
		if i > 0 {
			out = append(out, "---\n"...)
		}
		out = append(out, diff.Mask(object, opts)...)
	}
	return out
}

func (c *Command) writeManifest(opts *renderOptions, target plan.Target, manifest []byte) error {
	if opts.out == "" {
		_, err := c.Stdout.Write(manifest)
		return err
	}
	file := filepath.Join(opts.out, filepath.FromSlash(strings.ReplaceAll(target.ID, "#", "-"))+".yaml")
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return writeFile(file, manifest)
}
