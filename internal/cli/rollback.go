package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os/user"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/sluice-dev/sluice/internal/config"
	"github.com/sluice-dev/sluice/internal/git"
	"github.com/sluice-dev/sluice/internal/pipeline"
	"github.com/sluice-dev/sluice/internal/report"
)

// maxChanges bounds the commits of a directory that a rollback looks back over.
const maxChanges = 200

// rollback takes an application in one environment back, as a plan or in the working tree.
func (c *Command) rollback(cmd *cobra.Command, opts promoteOptions) error {
	ctx := cmd.Context()
	if opts.env == "" || len(opts.apps) != 1 {
		return usage(errors.New("--rollback needs --env ENV and one --app NAME: what is taken back, and where"))
	}
	repo, err := git.Open(ctx, opts.repo, git.Options{})
	if err != nil {
		return err
	}
	defer repo.Close()
	order := rollbackOrder{app: opts.apps[0], env: opts.env, reason: opts.reason, log: c.logger(cmd)}
	if cmd.Flags().Changed("rev") {
		order.rev = opts.rev
	}
	if opts.open {
		return c.openRollback(ctx, repo, opts, order)
	}
	planned, now, err := c.planRollback(ctx, repo, "HEAD", order, config.Hold{})
	if err != nil {
		return err
	}
	if opts.write {
		if err := c.writeTree(ctx, repo, planned.Files); err != nil {
			return err
		}
	} else if planned.Check, err = c.checkFiles(cmd, now, planned.Files); err != nil {
		return err
	}
	if err := c.writeRollback(planned, opts); err != nil {
		return err
	}
	if planned.Check != nil {
		if err := exitWith(planned.Check); err != nil {
			return err
		}
	}
	if !planned.Restored() {
		return &exitError{code: ExitFindings}
	}
	return nil
}

// rollbackOrder says what is taken back.
type rollbackOrder struct {
	app, env string
	rev      string // the commit that is restored; "" for what there was before the last change
	reason   string
	log      *slog.Logger
	// prove renders and compares; nil is [pipeline.RollbackPlan.Prove].
	prove func(context.Context, *pipeline.RollbackPlan) error
}

// planRollback computes what is restored in the files of a commit, and renders both sides to see whether it is what it was. A hold that
// an earlier run has written for the same rollback stays as it is, except for a reason that is given now.
func (c *Command) planRollback(ctx context.Context, repo *git.Repo, into string, order rollbackOrder, hold config.Hold) (*pipeline.RollbackPlan, pipeline.Side, error) {
	p, err := preparePromotion(ctx, repo, into, cmp.Or(order.rev, into))
	if err != nil {
		return nil, pipeline.Side{}, err
	}
	if order.reason != "" {
		hold.Reason = oneLine(order.reason)
	}
	if hold.Source == "" {
		hold.Source = config.CommitID(p.Target.Commit)
		hold.Who, hold.Since = oneLine(c.person()), config.Instant{Time: p.Now.UTC().Truncate(time.Second)}
	}
	run := &pipeline.Rollback{
		Now: p.Target, App: order.app, Environment: order.env, At: p.At, Hold: hold,
		Changes: func(ctx context.Context, dirs ...string) ([]string, error) {
			return repo.MainlineOf(ctx, p.Target.Commit, maxChanges, dirs...)
		},
	}
	if order.rev != "" {
		run.To = p.Source.Commit
	}
	planned, err := run.Run(ctx)
	if err != nil {
		return nil, p.Target, promotionError(err)
	}
	if order.prove != nil {
		return planned, p.Target, order.prove(ctx, planned)
	}
	shop := &workshop{log: order.log}
	defer shop.Close()
	return planned, p.Target, planned.Prove(ctx, shop)
}

// oneLine makes a text of a person one that the file of holds takes.
func oneLine(text string) config.PlainText {
	words := strings.FieldsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) })
	runes := []rune(strings.Join(words, " "))
	return config.PlainText(runes[:min(len(runes), 200)])
}

// person is who runs the program: under Actions the one who started the run.
func (c *Command) person() string {
	for _, name := range []string{"GITHUB_ACTOR", "GIT_AUTHOR_NAME"} {
		if who := c.Getenv(name); who != "" {
			return who
		}
	}
	if who, err := user.Current(); err == nil {
		return who.Username
	}
	return ""
}

func (c *Command) writeRollback(planned *pipeline.RollbackPlan, opts promoteOptions) error {
	return c.writeOutputs(opts.outputs, func(w io.Writer, out output) error {
		if out.format == "json" {
			encoder := json.NewEncoder(w)
			encoder.SetEscapeHTML(false)
			encoder.SetIndent("", "  ")
			return encoder.Encode(planned)
		}
		return writeRollbackText(w, planned, opts.write, report.TextOptions{Color: out.file == "" && c.colored()})
	})
}

// writeRollbackText writes a rollback for a terminal.
func writeRollbackText(w io.Writer, planned *pipeline.RollbackPlan, written bool, opts report.TextOptions) error {
	done := "to be rolled back"
	if written {
		done = "rolled back"
	}
	fmt.Fprintf(w, "%s in %s: %s, %s\n", report.Visible(planned.App), report.Visible(planned.Environment), done, counted(len(planned.Files), "file"))
	for _, t := range planned.Targets {
		fmt.Fprintf(w, "  %s\n", report.Visible(restoredText(t)))
	}
	for _, f := range planned.Files {
		fmt.Fprintf(w, "  %-8s %s\n", f.Action, report.Visible(f.Path))
	}
	fmt.Fprintf(w, "  held from now on: %s\n", report.Visible(planned.Hold))
	if planned.PullRequest != nil {
		fmt.Fprintf(w, "  pull request #%d (%s) %s\n", planned.PullRequest.Number, planned.PullRequest.State, report.Visible(planned.PullRequest.URL))
	}
	if planned.Check == nil {
		return nil
	}
	fmt.Fprint(w, "\nA pull request with this rollback would be told:\n\n")
	return report.Text(w, planned.Check, opts)
}

func restoredText(t pipeline.RolledBack) string {
	at := fmt.Sprintf("%.10s", t.Restored)
	switch t.Rendered {
	case pipeline.RendersSame:
		return fmt.Sprintf("%s renders as it did at %s", t.ID, at)
	case pipeline.RendersUnknown:
		return fmt.Sprintf("%s cannot be rendered, or could not at %s: nobody knows whether this takes it back", t.ID, at)
	}
	if len(t.Moved) == 0 {
		return fmt.Sprintf("%s does NOT render as it did at %s, though every file of it is what it was", t.ID, at)
	}
	return fmt.Sprintf("%s does NOT render as it did at %s: what it shares with other environments has moved since, and is not taken back: %s",
		t.ID, at, strings.Join(t.Moved, ", "))
}

// writeTree writes files into the working tree, unless something there is not committed.
func (c *Command) writeTree(ctx context.Context, repo *git.Repo, files []pipeline.PromotedFile) error {
	if err := refuseDirty(ctx, repo, files); err != nil {
		return err
	}
	return writeInto(repo, files)
}

// checkFiles looks at a change of files as at a pull request.
func (c *Command) checkFiles(cmd *cobra.Command, now pipeline.Side, files []pipeline.PromotedFile) (*report.Report, error) {
	after := sides{base: now, head: pipeline.Side{Commit: "rollback", Tree: pipeline.Overlay(now.Tree, files)}}
	for _, f := range files {
		after.changed = append(after.changed, f.Path)
	}
	return c.runCheck(cmd.Context(), checkRun{
		sides: after, gate: report.Gate{FailOn: "error", Findings: "new"}, log: c.logger(cmd), progress: c.newProgress(),
	})
}
