package cli

import (
	"github.com/spf13/cobra"

	"github.com/sluice-dev/sluice/internal/config"
	"github.com/sluice-dev/sluice/internal/git"
	"github.com/sluice-dev/sluice/internal/pipeline"
	"github.com/sluice-dev/sluice/internal/report"
)

// versionBases gives each later environment its own copies of what it shares with others, where that changes no rendering.
func (c *Command) versionBases(cmd *cobra.Command, opts initOptions) error {
	ctx := cmd.Context()
	repo, err := git.Open(ctx, opts.repo, git.Options{})
	if err != nil {
		return err
	}
	defer repo.Close()
	commit, err := repo.Resolve(ctx, "HEAD")
	if err != nil {
		return err
	}
	tree, err := repo.Tree(ctx, commit)
	if err != nil {
		return err
	}
	move, err := pipeline.PlanBaseMove(tree)
	if err != nil {
		return promotionError(err)
	}
	shop := &workshop{log: c.logger(cmd)}
	defer shop.Close()
	if err := move.Prove(ctx, shop); err != nil {
		return promotionError(err)
	}
	if !opts.dryRun {
		if err := c.writeTree(ctx, repo, move.Files); err != nil {
			return err
		}
	}
	for _, copied := range move.Copies {
		c.say("%s: %s is copied to %s\n", report.Visible(copied.Environment), report.Visible(copied.From), report.Visible(copied.To))
	}
	for _, f := range move.Files {
		c.say("  %-8s %s\n", f.Action, report.Visible(f.Path))
	}
	if opts.dryRun {
		c.say("\nNothing was written. Every target renders to the same bytes with these changes.\n")
		return nil
	}
	c.say("\nEvery target renders to the same bytes as before. Commit these files, with this in %s, so that the copies are promoted:\n"+
		"promotion:\n  base: versioned\n", config.FileName)
	return nil
}
