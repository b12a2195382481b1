package cli

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/sluice-dev/sluice/internal/config"
	"github.com/sluice-dev/sluice/internal/git"
	"github.com/sluice-dev/sluice/internal/pipeline"
	"github.com/sluice-dev/sluice/internal/plan"
	"github.com/sluice-dev/sluice/internal/promote"
	"github.com/sluice-dev/sluice/internal/report"
)

// initOptions are the flags of init.
type initOptions struct {
	repo     string
	dryRun   bool
	force    bool
	forks    bool
	commands bool
	action   string
	offline  bool
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

The workflows use sluice at the commit of this program's own release: its repository is asked which that is. --action names another
release, or a mirror: acme/sluice, acme/sluice@v1.2.3, https://github.example.com/acme/sluice@v1.2.3. With the commit in the place of
the version, as with --offline, nobody is asked.

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
	flags.StringVar(&opts.action, "action", "", "what the workflows use: `[https://HOST/]OWNER/NAME[@VERSION]` (default: this release of "+homeAction+")")
	flags.BoolVar(&opts.offline, "offline", false, "ask for no commit: the workflows use sluice by its version")
	flags.BoolVar(&opts.bases, "version-bases", false, "give each later environment its own copy of the bases that it shares with others")
	for _, other := range []string{"force", "forks", "commands", "action", "offline"} {
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
	uses, err := parseAction(opts.action, Version())
	if err != nil {
		return err
	}
	settings, err := detected(tree)
	if err != nil {
		return err
	}
	names := workflowFiles(opts)
	if !opts.dryRun && !opts.force {
		if err := mustBeNew(repo.Root(), append([]string{config.FileName}, names...)); err != nil {
			return err
		}
	}
	if !opts.offline {
		if uses, err = uses.pin(ctx, repo); err != nil {
			return err
		}
	}
	files := []newFile{{config.FileName, settings}}
	for _, name := range names {
		data, err := workflow(path.Base(name), uses)
		if err != nil {
			return err
		}
		files = append(files, newFile{name, data})
	}
	if opts.dryRun {
		for _, file := range files {
			c.say("-- %s --\n%s", file.name, file.data)
		}
	} else if err := c.writeNew(repo, files); err != nil {
		return err
	}
	if note := uses.note(); note != "" {
		fmt.Fprintf(c.Stderr, "note: %s\n", report.Visible(note))
	}
	return nil
}

// detected gives the configuration that says what is detected in a tree.
func detected(tree *git.Tree) ([]byte, error) {
	graph, err := plan.Build(tree, plan.NewMemo())
	if err != nil {
		return nil, err
	}
	layout, problems := config.Detect(tree, graph)
	if len(layout.Targets) == 0 {
		return nil, usage(errors.New(problems.String()))
	}
	return configOf(layout, func(c *config.Config) config.Layout {
		again, _ := c.Layout(tree, graph)
		return again
	})
}

// workflowFiles names the workflows that are to be written.
func workflowFiles(opts initOptions) []string {
	names := []string{workflowDir + "/sluice.yml", workflowDir + "/sluice-promote.yml"}
	if opts.commands {
		names = append(names, workflowDir+"/sluice-commands.yml")
	}
	if opts.forks {
		names = append(names, workflowDir+"/sluice-report.yml")
	}
	return names
}

//go:embed workflows
var workflows embed.FS

// workflow gives a workflow file, with what it is to say where it uses sluice.
func workflow(name string, uses action) ([]byte, error) {
	data, err := workflows.ReadFile("workflows/" + name)
	return bytes.ReplaceAll(data, []byte("uses: sluice-dev/sluice@v1"), []byte("uses: "+uses.String())), err
}

// mustBeNew fails where one of the files is there already.
func mustBeNew(root string, names []string) error {
	for _, name := range names {
		switch _, err := os.Lstat(filepath.Join(root, filepath.FromSlash(name))); {
		case err == nil:
			return usage(fmt.Errorf("%s is there already: nothing was written. --force overwrites it, --dry-run shows what would be written", name))
		case !errors.Is(err, fs.ErrNotExist):
			return err
		}
	}
	return nil
}

// writeNew writes all files, or none. Symbolic links of the repository do not lead it out.
func (c *Command) writeNew(repo *git.Repo, files []newFile) error {
	var list []pipeline.PromotedFile
	for _, file := range files {
		list = append(list, pipeline.PromotedFile{Path: file.name, Action: promote.Add, File: promote.File{Data: file.data, Mode: 0o644}})
	}
	if err := writeInto(repo, list); err != nil {
		return err
	}
	for _, file := range files {
		c.say("wrote %s\n", file.name)
	}
	c.say("\nCommit these files. Then, in the settings on GitHub, make the check \"sluice\" required for the default branch, and for promotions\n" +
		"let workflows open pull requests: Actions, General, \"Allow GitHub Actions to create and approve pull requests\".\n" +
		"`sluice doctor` tells what is missing.\n")
	return nil
}
