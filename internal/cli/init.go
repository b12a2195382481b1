package cli

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"

	"github.com/spf13/cobra"

	"github.com/sluice-dev/sluice/internal/config"
	"github.com/sluice-dev/sluice/internal/git"
	"github.com/sluice-dev/sluice/internal/plan"
)

// initOptions are the flags of init.
type initOptions struct {
	repo     string
	dryRun   bool
	force    bool
	forks    bool
	commands bool
	bases    bool
}

func (c *Command) newInit() *cobra.Command {
	var opts initOptions
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Write .sluice.yaml and the workflow, from the layout that is detected",
		Long: `Writes .sluice.yaml, which says in patterns what sluice detects in the working tree, and the workflow that runs it, with
that for commands in comments. With --forks, also the second stage that comments on pull requests from forks. Nothing is
overwritten without --force.

With --version-bases it does something else: each environment after the first stage gets its own copy of the directories that it
shares with others (base-prod beside base), and its kustomizations name the copy. Every target is rendered before and after; where
that is not the same byte for byte, nothing is written.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if opts.bases {
				return c.versionBases(cmd, opts)
			}
			return c.init(cmd, opts)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&opts.repo, "repo", ".", "the repository: any directory in it")
	flags.BoolVar(&opts.dryRun, "dry-run", false, "show what would be written")
	flags.BoolVar(&opts.force, "force", false, "overwrite files that are there")
	flags.BoolVar(&opts.forks, "forks", false, "also write the second stage for pull requests from forks")
	flags.BoolVar(&opts.commands, "commands", true, "write the workflow for commands in comments")
	flags.BoolVar(&opts.bases, "version-bases", false, "give each later environment its own copy of the bases that it shares with others")
	for _, other := range []string{"force", "forks", "commands"} {
		cmd.MarkFlagsMutuallyExclusive("version-bases", other)
	}
	return cmd
}

// newFile is a file that init writes.
type newFile struct {
	name string // slash-separated, from the repository's root
	data []byte
}

func (c *Command) init(cmd *cobra.Command, opts initOptions) error {
	ctx := cmd.Context()
	repo, err := git.Open(ctx, opts.repo, git.Options{})
	if err != nil {
		return err
	}
	defer repo.Close()
	tree, err := repo.Worktree(ctx)
	if err != nil {
		return err
	}
	files, err := filesToWrite(tree, opts)
	if err != nil {
		return err
	}
	if opts.dryRun {
		for _, file := range files {
			c.say("-- %s --\n%s", file.name, file.data)
		}
		return nil
	}
	return c.writeNew(repo.Root(), files, opts.force)
}

// filesToWrite gives the configuration and the workflows for a tree.
func filesToWrite(tree *git.Tree, opts initOptions) ([]newFile, error) {
	graph, err := plan.Build(tree, plan.NewMemo())
	if err != nil {
		return nil, err
	}
	layout, problems := config.Detect(tree, graph)
	if len(layout.Targets) == 0 {
		return nil, usage(errors.New(problems.String()))
	}
	settings, err := configOf(layout, func(c *config.Config) config.Layout {
		again, _ := c.Layout(tree, graph)
		return again
	})
	if err != nil {
		return nil, err
	}
	files := []newFile{{config.FileName, settings}}
	names := []string{"sluice.yml", "sluice-promote.yml"}
	if opts.commands {
		names = append(names, "sluice-commands.yml")
	}
	if opts.forks {
		names = append(names, "sluice-report.yml")
	}
	for _, name := range names {
		data, err := workflow(name, Version())
		if err != nil {
			return nil, err
		}
		files = append(files, newFile{".github/workflows/" + name, data})
	}
	return files, nil
}

//go:embed workflows
var workflows embed.FS

// workflow gives a workflow file. A released program writes its own version into it: what was tried here is what will run there. It cannot
// write the commit of the release, which names the checksum of the program.
func workflow(name, version string) ([]byte, error) {
	data, err := workflows.ReadFile("workflows/" + name)
	if released.MatchString(version) {
		data = bytes.ReplaceAll(data, []byte("sluice-dev/sluice@v1"), []byte("sluice-dev/sluice@"+version))
	}
	return data, err
}

// released is the version of a release, and of no build between two of them.
var released = regexp.MustCompile(`^v\d+\.\d+\.\d+$`)

// writeNew writes all files, or none where one is there already.
func (c *Command) writeNew(root string, files []newFile, force bool) error {
	for _, file := range files {
		_, err := os.Lstat(filepath.Join(root, filepath.FromSlash(file.name)))
		if err == nil && !force {
			return usage(fmt.Errorf("%s is there already: nothing was written. --force overwrites it, --dry-run shows what would be written", file.name))
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	for _, file := range files {
		path := filepath.Join(root, filepath.FromSlash(file.name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := writeFile(path, file.data); err != nil {
			return err
		}
		c.say("wrote %s\n", file.name)
	}
	c.say("\nCommit these files. Then, in the settings on GitHub, make the check \"sluice\" required for the default branch, and for promotions\n" +
		"let workflows open pull requests: Actions, General, \"Allow GitHub Actions to create and approve pull requests\".\n" +
		"`sluice doctor` tells what is missing.\n")
	return nil
}
