package cli

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sluice-dev/sluice/internal/git"
	"github.com/sluice-dev/sluice/internal/github"
	"github.com/sluice-dev/sluice/internal/pipeline"
	"github.com/sluice-dev/sluice/internal/report"
)

// promoteOn brings all promotions up to date, because something happened on the default branch, to a promotion's pull request, or to
// what a gate looks at. Which event it was does not matter.
func (c *Command) promoteOn(cmd *cobra.Command, actions *github.Actions, in actionInputs, event github.Event) error {
	return c.promoteOrdered(cmd, actions, in, event, promoteOrder{})
}

// promoteOrdered does the same for a part of the promotions.
func (c *Command) promoteOrdered(cmd *cobra.Command, actions *github.Actions, in actionInputs, event github.Event, order promoteOrder) error {
	ctx, env := cmd.Context(), actions.Env()
	client, err := in.gitHub(c, env, event.Repo)
	if err != nil {
		return usage(err)
	}
	repo, err := git.Open(ctx, in.directory, git.Options{Trust: true})
	if err != nil {
		return err
	}
	defer repo.Close()
	end := actions.Group("Bring promotions up to date")
	planned, err := c.openPromotions(ctx, promotionRun{
		repo: repo, client: client, env: env, branch: event.DefaultBranch, from: order.from, to: order.to, apps: order.apps, only: order.only, reason: order.reason,
		id: in.id, gate: in.gate, cache: in.cache, now: time.Now(), log: c.logger(cmd),
	})
	end()
	if planned == nil {
		return promotionError(err)
	}
	return errors.Join(err, c.tellPromotions(actions, planned))
}

// tellPromotions writes to the log and to the summary what became of the promotions.
func (c *Command) tellPromotions(actions *github.Actions, planned *pipeline.PromotionPlan) error {
	var text bytes.Buffer
	if err := writePlanText(&text, planned, false, report.TextOptions{}); err != nil {
		return err
	}
	log, end := actions.Untrusted()
	fmt.Fprint(log, text.String())
	end()
	return actions.Summary(promotionSummary(planned))
}

// promotionSummary tells in Markdown which promotions there are.
func promotionSummary(planned *pipeline.PromotionPlan) string {
	var b strings.Builder
	b.WriteString("### Promotions\n\n")
	rows := 0
	for _, e := range planned.Edges {
		if len(e.Files)+len(e.Conflicts) == 0 && e.PullRequest.Number == 0 {
			continue
		}
		if rows++; rows == 1 {
			b.WriteString("| application | step | pull request | gates |\n|---|---|---|---|\n")
		}
		pull := e.PullRequest.State
		if e.PullRequest.Number > 0 {
			pull = fmt.Sprintf("#%d (%s)", e.PullRequest.Number, e.PullRequest.State)
		}
		fmt.Fprintf(&b, "| %s | %s → %s | %s | %s |\n", report.Cell(e.App), report.Cell(e.From), report.Cell(e.To), pull, e.Gate)
	}
	if rows == 0 {
		b.WriteString("Nothing is to be promoted.\n")
	}
	b.WriteString("\n")
	for _, note := range planned.Notes {
		fmt.Fprintf(&b, "- %s\n", report.Prose(note))
	}
	return b.String()
}
