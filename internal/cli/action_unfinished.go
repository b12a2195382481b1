package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/sluice-dev/sluice/internal/github"
	"github.com/sluice-dev/sluice/internal/report"
)

// settle publishes what a check comes to: its report, or that there is none.
func (c *Command) settle(ctx context.Context, actions *github.Actions, in actionInputs, event github.Event, check func() (*report.Report, error)) error {
	r, err := c.orUnfinished(ctx, actions, in, event, check)
	if err != nil {
		return err
	}
	return c.conclude(ctx, actions, in, event, r)
}

// orUnfinished does a check for an event. Where the check itself fails, be it by a mistake in sluice, it says so in place of a verdict.
func (c *Command) orUnfinished(ctx context.Context, actions *github.Actions, in actionInputs, event github.Event, check func() (*report.Report, error)) (*report.Report, error) {
	defer func() {
		if p := recover(); p != nil { // what it says may be anything, so it goes into the log alone
			_ = c.unfinished(ctx, actions, in, event, errors.New("sluice made a mistake, which the log of the run tells"))
			panic(p)
		}
	}()
	r, err := check()
	if err != nil {
		return nil, errors.Join(err, c.unfinished(ctx, actions, in, event, err))
	}
	return r, nil
}

// unfinished says on the commit that its check was not completed: a required check must not stay pending, and the verdict of an earlier
// run must not stand in its place. An earlier comment is brought up to date, and none is made. A run that was cancelled says nothing, for
// another one may be at work on the commit.
func (c *Command) unfinished(ctx context.Context, actions *github.Actions, in actionInputs, event github.Event, why error) error {
	if ctx.Err() != nil {
		return nil
	}
	env := actions.Env()
	client, err := in.gitHub(c, env, event.Repo)
	if err != nil {
		return err
	}
	const title = "Incomplete: the check itself failed"
	heading := title
	if in.id != defaultID {
		heading = report.Prose(in.id) + ": " + title
	}
	body := fmt.Sprintf("### ⚠️ %s\n\n%s\n\nThis says nothing about the change: it was not checked.", heading, report.Prose(why.Error()))
	if env.RunURL != "" {
		body += fmt.Sprintf(" [The run](%s) tells more.", env.RunURL)
	}
	publication := github.Publication{
		Head: event.Head, CommentID: in.id, UpdateOnly: true,
		Check: github.CheckRun{Name: checkName(in.id, event), Conclusion: github.ActionRequired, Title: title, Summary: []string{body + "\n"}, DetailsURL: env.RunURL},
	}
	if event.Pull != nil && in.comment {
		publication.Pull, publication.Comment = event.Pull.Number, publication.Check.Summary
	}
	outcome := client.Publish(ctx, publication)
	errs := []error{actions.Summary(body + "\n"), actions.Output("verdict", string(report.Incomplete))}
	for _, missing := range outcome.Missing {
		errs = append(errs, fmt.Errorf("the %s could not be written: %w", missing.What, missing.Why))
	}
	return errors.Join(errs...)
}
