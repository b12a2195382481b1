package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/sluice-dev/sluice/internal/git"
	"github.com/sluice-dev/sluice/internal/pipeline"
	"github.com/sluice-dev/sluice/internal/report"
)

// statusFormats are the forms of a status.
var statusFormats = []string{"text", "markdown", "json", "html"}

func (c *Command) newStatus() *cobra.Command {
	var repo, github string
	var apps, outputs []string
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Say which environment is how far behind which",
		Long: `Say, per application and environment: the images that its kustomization sets, how many files are behind the environment
before it and since when, how many fields are in conflict, and how many differences are its own; what a later environment changed
first, such as a hotfix; and, where there is a token in GITHUB_TOKEN or GH_TOKEN, the open promotion pull requests and the gates.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.status(cmd, repo, github, apps, outputs) },
	}
	cmd.Flags().StringVar(&repo, "repo", ".", "the repository: any directory in it")
	cmd.Flags().StringVar(&github, "github", "", "the repository's `OWNER/NAME` on GitHub (default: that of GITHUB_REPOSITORY, or of the remote origin)")
	cmd.Flags().StringSliceVar(&apps, "app", nil, "look only at this application; may be repeated")
	cmd.Flags().StringArrayVarP(&outputs, "output", "o", nil, "write the status as `FORMAT[=FILE]`: text, markdown, json or html; may be repeated")
	return cmd
}

func (c *Command) status(cmd *cobra.Command, dir, github string, apps, values []string) error {
	outputs, err := parseOutputs(values, statusFormats)
	if err != nil {
		return err
	}
	ctx := cmd.Context()
	repo, err := git.Open(ctx, dir, git.Options{})
	if err != nil {
		return err
	}
	defer repo.Close()
	promotion, err := preparePromotion(ctx, repo, "HEAD", "HEAD")
	if err != nil {
		return err
	}
	promotion.Apps = apps
	asked := c.inquire(ctx, repo, promoteOptions{github: github}, promotion)
	asked.status = true
	planned, err := runPromotion(ctx, promotion)
	if err != nil {
		return err
	}
	if err := asked.complete(ctx, promotion, planned); err != nil {
		return err
	}
	status, err := promotion.Status(ctx, planned)
	if err != nil {
		return promotionError(err)
	}
	for i, row := range status.Rows {
		if row.Oldest == "" {
			continue
		}
		at, err := repo.CommitTime(ctx, row.Oldest)
		if err != nil {
			return err
		}
		status.Rows[i].Since = at.Format(time.RFC3339)
	}
	if err := dateOffers(ctx, repo, status); err != nil {
		return err
	}
	return c.writeOutputs(outputs, func(w io.Writer, out output) error {
		switch out.format {
		case "markdown":
			return statusGrid(status).Markdown(w)
		case "html":
			return statusGrid(status).HTML(w)
		case "json":
			encoder := json.NewEncoder(w)
			encoder.SetEscapeHTML(false)
			encoder.SetIndent("", "  ")
			return encoder.Encode(status)
		}
		return writeStatusText(w, status)
	})
}

func writeStatusText(w io.Writer, s *pipeline.Status) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "APPLICATION\tENVIRONMENT\tTARGET\tIMAGES\tSTATE\tSINCE")
	for _, row := range s.Rows {
		since, _, _ := strings.Cut(row.Since, "T")
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", report.Visible(row.App), report.Visible(row.Environment), report.Visible(row.Target),
			orDash(report.Visible(strings.Join(row.Images, " "))), stateOf(row), orDash(since))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, f := range s.Findings {
		fmt.Fprintf(w, "%s: %s\n", f.Severity, report.Visible(f.String()))
	}
	for _, row := range s.Rows {
		if row.PullRequest != nil {
			of := ""
			if row.PullRequest.Source != "" {
				of = fmt.Sprintf(", of %.10s", row.PullRequest.Source)
			}
			fmt.Fprintf(w, "%s to %s: pull request #%d %s%s\n", report.Visible(row.App), report.Visible(row.Environment), row.PullRequest.Number,
				report.Visible(row.PullRequest.URL), of)
		}
		if row.Gate != "" && row.Gate != "open" {
			fmt.Fprintf(w, "%s to %s: %s: %s\n", report.Visible(row.App), report.Visible(row.Environment), row.Gate, report.Visible(row.Waits))
		}
	}
	for _, line := range offerLines(s) {
		fmt.Fprintln(w, report.Visible(line))
	}
	for _, note := range s.Notes {
		fmt.Fprintf(w, "note: %s\n", report.Visible(note))
	}
	if len(s.Leaks) > 0 {
		fmt.Fprintf(w, "note: %s\n", report.Visible(leaksText(s)))
	}
	return nil
}

// statusGrid is a status as a table for a page or a comment.
func statusGrid(s *pipeline.Status) report.Grid {
	g := report.Grid{
		Title:  fmt.Sprintf("Environments at %.10s", s.Commit),
		Header: []string{"application", "environment", "target", "images", "state", "behind since", "pull request", "gate"},
	}
	for _, row := range s.Rows {
		since, _, _ := strings.Cut(row.Since, "T")
		waits := ""
		if row.Gate != "" && row.Gate != "open" {
			waits = row.Gate + ": " + row.Waits
		}
		g.Rows = append(g.Rows, []string{row.App, row.Environment, row.Target, strings.Join(row.Images, " "), strings.Trim(stateOf(row), "-"), since, pullText(row), waits})
	}
	for _, f := range s.Findings {
		g.Notes = append(g.Notes, fmt.Sprintf("%s: %s", f.Severity, f.String()))
	}
	return withLeaks(g, s)
}

func pullText(row pipeline.StatusRow) string {
	if row.PullRequest == nil {
		return ""
	}
	return fmt.Sprintf("#%d", row.PullRequest.Number)
}

func withLeaks(g report.Grid, s *pipeline.Status) report.Grid {
	g.Notes = append(g.Notes, offerLines(s)...)
	g.Notes = append(g.Notes, s.Notes...)
	if len(s.Leaks) > 0 {
		g.Notes = append(g.Notes, leaksText(s))
	}
	return g
}

// leaksText counts what reaches several stages past every promotion.
func leaksText(s *pipeline.Status) string {
	what := "1 shared directory reaches"
	if n := len(s.Leaks); n > 1 {
		what = fmt.Sprintf("%d shared directories reach", n)
	}
	return what + " several stages at once, past every promotion: " + strings.Join(s.Leaks, ", ")
}

func stateOf(row pipeline.StatusRow) string {
	if row.Before == "" {
		return "-"
	}
	parts := []string{"up to date"}
	if row.Behind > 0 {
		parts[0] = counted(row.Behind, "file") + " behind"
		if row.Changes > 0 {
			parts[0] += " by " + counted(row.Changes, "change")
		}
	} else if row.Conflicts > 0 {
		parts = nil
	}
	if row.Conflicts > 0 {
		parts = append(parts, counted(row.Conflicts, "conflict"))
	}
	if row.Own > 0 {
		parts = append(parts, fmt.Sprintf("%d own", row.Own))
	}
	return strings.Join(parts, ", ")
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
