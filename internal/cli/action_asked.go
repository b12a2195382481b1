package cli

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sluice-dev/sluice/internal/github"
	"github.com/sluice-dev/sluice/internal/pipeline"
	"github.com/sluice-dev/sluice/internal/report"
)

// asked is a run that a person asked for after the fact: in a comment, or by the button beside a check. It runs on the default branch,
// with a token that may write, for a pull request that may be a stranger's. So which pull request and which commits are meant is asked
// of GitHub, once; everything after that is about those commits, and nothing of them is run or checked out.
type asked struct {
	*Command
	cmd     *cobra.Command
	actions *github.Actions
	in      actionInputs
	client  *github.Client
}

// answer does what a comment or a button asks for.
func (c *Command) answer(cmd *cobra.Command, actions *github.Actions, in actionInputs, event github.Event) error {
	client, err := in.gitHub(c, actions.Env(), event.Repo)
	if err != nil {
		return err
	}
	a := &asked{Command: c, cmd: cmd, actions: actions, in: in, client: client}
	switch {
	case event.Comment != nil:
		return a.obey(cmd.Context(), *event.Comment)
	case event.Click != nil:
		return a.click(cmd.Context(), *event.Click)
	}
	return a.rerun(cmd.Context(), *event.Rerun)
}

// obey does what a comment commands, if who wrote it may write to the repository. Anybody else gets a reaction, and nothing runs.
func (a *asked) obey(ctx context.Context, comment github.Comment) error {
	may, err := a.client.MayWrite(ctx, comment.Author)
	if err != nil {
		return fmt.Errorf("nothing was done, for it is not known whether %s may command: %w", comment.Author, err)
	}
	if !may {
		a.react(ctx, comment, github.NotAllowed)
		a.say("Nothing was done: commands are for people with write access, and %s has none.\n", comment.Author)
		return nil
	}
	switch stands, err := a.client.Stands(ctx, comment); {
	case err != nil:
		return err
	case !stands:
		a.say("Nothing was done: the comment was taken back or changed since it was written.\n")
		return nil
	}
	event, err := a.client.OpenPull(ctx, comment.Pull)
	if err != nil {
		return err
	}
	if !event.Check {
		a.react(ctx, comment, github.NotUnderstood)
		a.say("Nothing was done: %s.\n", event.Why)
		return nil
	}
	orders, problems := readOrders(comment.Commands)
	orders.by = comment.Author
	if orders.commit != "" && !strings.HasPrefix(event.Head, orders.commit) {
		problems = append(problems, fmt.Sprintf("the head of this pull request is %s by now, and not %s: look at what came since",
			report.Code(event.Head[:9]), report.Code(orders.commit)))
	}
	if orders.promote != nil && !a.in.promote {
		problems = append(problems, "this workflow opens no promotions: its step lacks `promote: true`")
	}
	if len(orders.ignores) > 0 && !a.in.ignore {
		problems = append(problems, "this workflow prepares no exceptions: its step lacks `ignore-button: true`")
	}
	if len(problems) > 0 {
		a.react(ctx, comment, github.NotUnderstood)
		return a.reply(ctx, event, "help", []string{helpReply(problems)})
	}
	a.react(ctx, comment, github.Seen)
	return errors.Join(a.review(ctx, event, orders), a.promote(ctx, event, orders))
}

// react is a courtesy: where it fails, the log says so and the run goes on.
func (a *asked) react(ctx context.Context, comment github.Comment, reaction github.Reaction) {
	if err := a.client.React(ctx, comment.ID, reaction); err != nil {
		a.actions.Annotate([]github.Annotation{{Level: github.LevelWarning, Title: "sluice", Message: err.Error()}})
	}
}

// reply writes the one comment of a kind: asked the same again, sluice brings its answer up to date instead of repeating it.
func (a *asked) reply(ctx context.Context, event github.Event, kind string, bodies []string) error {
	result, err := a.client.UpsertComment(ctx, event.Pull.Number, a.in.id+"-"+kind, bodies, github.CommentOptions{Head: event.Head})
	if err == nil {
		a.say("Reply on pull request %d: %s.\n", event.Pull.Number, result.Action)
	}
	return err
}

// review checks the pull request: for a new verdict, to show targets, or to find what is to be accepted.
func (a *asked) review(ctx context.Context, event github.Event, orders orders) error {
	if !orders.recheck && len(orders.diffs)+len(orders.ignores) == 0 {
		return nil
	}
	base, err := a.client.Branch(ctx, strings.TrimPrefix(event.Ref, "refs/heads/"))
	if err != nil {
		return err
	}
	if base != "" { // else it is gone, and what GitHub remembers of it must do
		event.Base, event.Pull.Fresh = base, true
	}
	r, err := a.look(ctx, event, orders)
	if err != nil {
		return err
	}
	r.Head = event.Head
	var errs []error
	for _, target := range orders.diffs {
		sum := sha256.Sum256([]byte(target))
		bodies := report.TargetDiff(r, target, markdownOptions(a.actions.Env(), a.in, r, report.CommentLimit))
		errs = append(errs, a.reply(ctx, event, "diff-"+hex.EncodeToString(sum[:6]), bodies))
	}
	if orders.recheck {
		errs = append(errs, a.conclude(ctx, event, r))
	}
	return errors.Join(append(errs, a.prepareExceptions(ctx, event, r, orders))...)
}

// look examines the pull request. A new verdict that was asked for and does not come about takes the place of the old one, too.
func (a *asked) look(ctx context.Context, event github.Event, orders orders) (*report.Report, error) {
	examine := func() (*report.Report, error) {
		return a.examine(a.cmd, a.actions, a.in, event, pipeline.Scope{DiffOnly: !orders.recheck && len(orders.ignores) == 0})
	}
	if !orders.recheck {
		return examine()
	}
	return a.orUnfinished(ctx, a.actions, a.in, event, examine)
}

// conclude publishes the verdict. The run itself is none of the pull request's checks: it ends well when the verdict stands on the
// pull request, whatever it is, and not well when it does not.
func (a *asked) conclude(ctx context.Context, event github.Event, r *report.Report) error {
	outcome := a.publish(ctx, a.client, a.actions.Env(), a.in, event, r)
	if err := a.tell(a.actions, a.in, r, outcome); err != nil {
		return err
	}
	if len(outcome.Missing) > 0 {
		return &exitError{ExitIncomplete, fmt.Errorf("the result could not be published: %w", outcome.Missing[0].Why)}
	}
	return nil
}

// promote brings promotions up to date, or a part of them. They start from the default branch, whichever pull request was commented on.
func (a *asked) promote(ctx context.Context, event github.Event, orders orders) error {
	if orders.promote == nil {
		return nil
	}
	err := a.promoteOrdered(a.cmd, a.actions, a.in, event, *orders.promote)
	var exit *exitError
	if errors.As(err, &exit) && exit.code == ExitUsage && exit.err != nil { // an environment that there is not, say
		return a.reply(ctx, event, "help", []string{helpReply([]string{report.Prose(exit.err.Error())})})
	}
	return err
}

// rerun checks a commit again whose check somebody wants anew. Check runs of GITHUB_TOKEN belong to GitHub's own App, which runs the
// workflow again by itself: only those that another App made come here.
func (a *asked) rerun(ctx context.Context, rerun github.CheckRef) error {
	if !a.isOurs(rerun) {
		a.say("Nothing to check: what is asked for again is no check of sluice.\n")
		return nil
	}
	event, ok, err := a.pullAt(ctx, rerun.Head)
	if err != nil || !ok {
		return err
	}
	return a.review(ctx, event, orders{recheck: true})
}

// pullAt gives the open pull request whose head is a commit. It is not ok where there is none by now, which is said. A check run is of a commit:
// where several pull requests share it, the first stands for all, as in the first place.
func (a *asked) pullAt(ctx context.Context, head string) (event github.Event, ok bool, err error) {
	pulls, err := a.client.PullsAt(ctx, head)
	if err != nil {
		return event, false, err
	}
	if len(pulls) == 0 {
		a.say("Nothing to check: no open pull request has commit %s for its head.\n", head)
		return event, false, nil
	}
	if event, err = a.client.OpenPull(ctx, pulls[0]); err != nil {
		return event, false, err
	}
	if !event.Check || event.Head != head {
		a.say("Nothing to check: pull request %d has moved on.\n", pulls[0])
		return event, false, nil
	}
	return event, true, nil
}

// isOurs reports whether a check that is wanted again is the one that this step writes.
func (a *asked) isOurs(rerun github.CheckRef) bool {
	if rerun.Name != "" || rerun.ID != "" {
		return rerun.Name == a.in.id || rerun.ID == a.in.id
	}
	return a.in.app.ID != "" && slices.Contains(rerun.Apps, a.in.app.ID)
}
