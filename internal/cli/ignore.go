package cli

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sluice-dev/sluice/internal/config"
	"github.com/sluice-dev/sluice/internal/github"
	"github.com/sluice-dev/sluice/internal/pipeline"
	"github.com/sluice-dev/sluice/internal/report"
)

// ignoreOrder is a finding that a person wants accepted.
type ignoreOrder struct {
	id     string // of a [pipeline.Proposal]; "" to be told which there are
	reason string // in the person's words; "" from a button, which has none
}

// maxReason bounds a reason, in characters: it is told wherever the finding is accepted.
const maxReason = 200

// ignoreButton is what the identifiers of buttons look like.
var ignoreButton = regexp.MustCompile(`^ignore:([0-9a-f]{12})$`)

// readIgnoreOrder understands "ignore", "ignore NAME WHY…".
func readIgnoreOrder(args []string) (o ignoreOrder, problem string) {
	if len(args) == 0 {
		return o, ""
	}
	said := strings.Trim(strings.Join(args[1:], " "), ` "'`)
	o.id, o.reason = strings.ToLower(args[0]), string(oneLine(said))
	switch {
	case !pipeline.ProposalID.MatchString(o.id):
		return o, fmt.Sprintf("%s is no name of a finding, such as %s: %s alone lists them", report.Code(args[0]), report.Code("0123456789ab"), report.Code("/sluice ignore"))
	case o.reason == "":
		return o, fmt.Sprintf("%s needs a reason: the rest of the line", report.Code("ignore "+o.id))
	case utf8.RuneCountInString(said) > maxReason:
		return o, fmt.Sprintf("the reason of %s has more than %d characters: say it in fewer, and the rest in the exception's pull request",
			report.Code("ignore "+o.id), maxReason)
	}
	return o, ""
}

// offerIgnoring puts onto a check run which findings may be accepted: in words, and as buttons where a click would reach a workflow at all,
// which it does for Apps only. Nobody clicks on the check of a push or of a merge queue.
func (c *Command) offerIgnoring(in actionInputs, event github.Event, r *report.Report, check *github.CheckRun) {
	if !in.ignore || event.Pull == nil {
		return
	}
	proposals := pipeline.Proposals(r)
	if len(proposals) > 0 {
		check.Text = report.Offers(offers(r, proposals))
	}
	if in.app.ID == "" {
		c.say("There are no buttons beside the check: they need the inputs app-id and private-key.\n")
		return
	}
	check.Buttons = []github.Button{}
	for _, p := range proposals {
		if p.Gates {
			_, name, _ := strings.Cut(p.Finding.Rule, "/")
			check.Buttons = append(check.Buttons, github.Button{
				Label:       "Ignore " + report.Visible(name),
				Description: report.Visible(strings.TrimSpace(p.ID + " " + p.Finding.Object)),
				Identifier:  "ignore:" + p.ID,
			})
		}
	}
}

// offers gives what is shown of proposals. Only those that are shown are counted: that takes a look at every finding for each.
func offers(r *report.Report, proposals []pipeline.Proposal) []report.Offer {
	out := make([]report.Offer, len(proposals))
	for i, p := range proposals {
		out[i] = report.Offer{ID: p.ID, Finding: p.Finding}
	}
	for i, count := range pipeline.Counts(r, proposals[:min(len(proposals), report.MaxOffers)]) {
		out[i].Count = count
	}
	return out
}

// click does what a button beside a check asks for. The payload says which commit and which finding are meant, and who pressed it; whether
// that person may, whether the commit is still a pull request's head and what the finding is, is asked and looked at anew.
func (a *asked) click(ctx context.Context, click github.Click) error {
	m := ignoreButton.FindStringSubmatch(click.Button)
	if m == nil || !a.hasButton(click.Check) {
		a.say("Nothing was done: the button is none of sluice's.\n")
		return nil
	}
	may, err := a.client.MayWrite(ctx, click.By)
	if err != nil {
		return fmt.Errorf("nothing was done, for it is not known whether %s may ask for this: %w", click.By, err)
	}
	if !may {
		a.say("Nothing was done: exceptions are for people with write access to ask for, and %s has none.\n", click.By)
		return nil
	}
	event, ok, err := a.pullAt(ctx, click.Check.Head)
	if err != nil || !ok {
		return err
	}
	return a.review(ctx, event, orders{by: click.By, ignores: []ignoreOrder{{id: m[1]}}})
}

// hasButton reports whether a check is the one that this step puts buttons beside: by its name, its id and, where the step has one, its App.
func (a *asked) hasButton(check github.CheckRef) bool {
	return check.Name == a.in.id && check.ID == a.in.id && (a.in.app.ID == "" || slices.Contains(check.Apps, a.in.app.ID))
}

// prepareExceptions prepares an exception for each finding that somebody wants accepted, and replies with what became of it.
func (a *asked) prepareExceptions(ctx context.Context, event github.Event, r *report.Report, o orders) error {
	proposals := pipeline.Proposals(r)
	var gone []string
	listed := false
	var errs []error
	for _, wish := range o.ignores {
		i := slices.IndexFunc(proposals, func(p pipeline.Proposal) bool { return p.ID == wish.id })
		switch {
		case wish.id == "":
			listed = true
		case i < 0:
			gone = append(gone, wish.id)
		default:
			order := exceptionOrder{proposal: proposals[i], offer: offers(r, proposals[i:i+1])[0], by: o.by, reason: wish.reason}
			errs = append(errs, a.prepareException(ctx, event, order))
		}
	}
	if listed || len(gone) > 0 {
		errs = append(errs, a.reply(ctx, event, "ignore", goneReply(gone, offers(r, proposals))))
	}
	return errors.Join(errs...)
}

// goneReply says which findings there are instead of those that were named.
func goneReply(gone []string, there []report.Offer) []string {
	var b strings.Builder
	for _, id := range gone {
		fmt.Fprintf(&b, "This head has no finding %s that an exception could accept: it was corrected, is accepted already, or is another one by now.\n\n", report.Code(id))
	}
	out := report.Offers(there)
	for i := range out {
		out[i] = b.String() + out[i]
	}
	return out
}

// prepareException opens the pull request with an exception, and replies with what became of it. Where that is for a person to see to, the
// reply says so and the run ends well.
func (a *asked) prepareException(ctx context.Context, event github.Event, order exceptionOrder) error {
	p := order.proposal
	kind := "ignore-" + p.ID
	if event.Ref != "refs/heads/"+event.DefaultBranch {
		return a.reply(ctx, event, kind, []string{fmt.Sprintf("sluice prepares exceptions for pull requests into %s only.", report.Code(event.DefaultBranch))})
	}
	order.asker, order.pull, order.branch, order.now = a, event.Pull.Number, event.DefaultBranch, time.Now()
	prepared, err := order.open(ctx)
	var permission *github.PermissionError
	var cannot *cannotPrepare
	switch {
	case errors.As(err, &permission):
		text := fmt.Sprintf("I could not prepare the exception %s: the token of this workflow lacks a permission.\n\n```\n%s\n```\n", report.Code(p.ID), permission.Needs)
		return errors.Join(err, a.reply(ctx, event, kind, []string{text}))
	case errors.As(err, &cannot):
		text := fmt.Sprintf("I cannot write the exception %s: %s\n\nThis is what it would say, under `exceptions:` in %s:\n\n%s",
			report.Code(p.ID), report.Prose(cannot.Error()), report.Code(config.FileName), report.Fence("yaml", pipeline.ExceptionText(cannot.entry)))
		return a.reply(ctx, event, kind, []string{text})
	case err != nil:
		return fmt.Errorf("prepare the exception %s: %w", p.ID, err)
	}
	return a.reply(ctx, event, kind, []string{prepared.reply(p)})
}
