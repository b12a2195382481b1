package cli

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"github.com/sluice-dev/sluice/internal/git"
	"github.com/sluice-dev/sluice/internal/github"
	"github.com/sluice-dev/sluice/internal/report"
)

// openOnGitHub is promote --open: it brings pull requests up to date from anywhere, with a token from the environment.
func (c *Command) openOnGitHub(cmd *cobra.Command, repo *git.Repo, opts promoteOptions) error {
	ctx := cmd.Context()
	run, err := c.openingRun(ctx, repo, opts, c.logger(cmd))
	if err != nil {
		return err
	}
	run.from, run.to, run.apps, run.reason, run.only = opts.from, opts.to, opts.apps, opts.reason, opts.only
	planned, err := c.openPromotions(ctx, run)
	if planned == nil {
		return promotionError(err)
	}
	if err := errors.Join(err, c.writePlan(planned, opts.outputs, false)); err != nil {
		return err
	}
	return conflictExit(planned)
}

// openingRun finds the repository on GitHub and a token for it.
func (c *Command) openingRun(ctx context.Context, repo *git.Repo, opts promoteOptions, log *slog.Logger) (promotionRun, error) {
	name, api, token := c.findGitHub(ctx, repo, opts.github)
	switch {
	case name == "":
		return promotionRun{}, usage(errors.New("--open: the remote origin is no GitHub repository; name it with --github OWNER/NAME"))
	case token == "":
		return promotionRun{}, usage(errors.New("--open: there is no token; set GITHUB_TOKEN to one that may write contents, pull requests and statuses of " + name))
	}
	client, err := github.New(github.Options{Repo: name, Token: token, APIURL: api})
	if err != nil {
		return promotionRun{}, usage(err)
	}
	branch, err := client.DefaultBranch(ctx)
	if err != nil {
		return promotionRun{}, err
	}
	env := github.NewActions(c.Getenv, c.Stdout).Env()
	env.Repo = name
	return promotionRun{
		repo: repo, client: client, env: env, branch: branch, id: defaultID, gate: report.Gate{FailOn: "error", Findings: "new"}, now: time.Now(), log: log,
	}, nil
}
