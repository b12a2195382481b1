package github

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Comment is a new comment on a pull request, with commands for sluice in it. Who wrote it may be anybody: ask
// [Client.MayWrite] before anything is done.
type Comment struct {
	ID       int64
	Pull     int    // number of the pull request
	Author   string // login
	Body     string // as it was when the comment was written
	Commands []Command
}

// CheckRef says which check an event is about.
type CheckRef struct {
	Head string // the commit that the check is of

	// Name and ID are those of a [CheckRun]; both are "" for a suite, which is all that one App has checked of the commit.
	Name, ID string
	// Apps identify the App that made it: its number and, where the payload has it, its client id.
	Apps []string
}

// Click is a button that an App put beside a check run, pressed by somebody. Who pressed it may be anybody, and what the button is
// called is what the App wrote there, whichever App that is: ask [Client.MayWrite], and whether the check is one's own.
type Click struct {
	Check  CheckRef
	Button string // the identifier of the [Button]
	By     string // login
}

// Login is what GitHub lets people be called. A login goes into the path of a call.
var login = regexp.MustCompile(`^[A-Za-z0-9_-]{1,100}$`)

// readComment takes the commands of a comment. One that is edited or deleted commands nothing: what ran, ran.
func readComment(e *Event, p payload, _ Env) string {
	switch {
	case p.Issue == nil || p.Issue.Number <= 0 || p.Comment == nil || p.Comment.ID <= 0:
		return "the payload has no comment"
	case p.Action != "created":
		e.Why = fmt.Sprintf("the comment was %s: a command counts when the comment is written", p.Action)
	case p.Issue.PullRequest == nil:
		e.Why = "the comment is on an issue, not on a pull request"
	case p.Comment.User.Type != "User" || !login.MatchString(p.Comment.User.Login):
		e.Why = fmt.Sprintf("the comment is by %q, who is not a person", p.Comment.User.Login)
	case !strings.EqualFold(p.Comment.User.Login, p.Sender.Login):
		e.Why = "somebody else than its author sent the comment"
	default:
		commands := ParseCommands(p.Comment.Body)
		if len(commands) == 0 {
			e.Why = "the comment has no command for sluice"
			break
		}
		e.Comment = &Comment{ID: p.Comment.ID, Pull: p.Issue.Number, Author: p.Comment.User.Login, Body: p.Comment.Body, Commands: commands}
	}
	return ""
}

// A check run that was completed may open a gate. One that is asked for again is checked again. A button beside one asks for what its
// identifier says.
func readCheckRun(e *Event, p payload, env Env) string {
	run := p.CheckRun
	if run == nil {
		return "the payload has no check run"
	}
	e.Head = run.HeadSHA
	switch p.Action {
	case "rerequested":
		e.Rerun = run.ref()
	case "completed":
		return cmp.Or(notCommit("head_sha", run.HeadSHA), readGate(e, env))
	case "requested_action":
		switch {
		case p.RequestedAction == nil || p.RequestedAction.Identifier == "":
			return "the payload does not say which button was pressed"
		case p.Sender.Type != "User" || !login.MatchString(p.Sender.Login):
			e.Why = fmt.Sprintf("the button was pressed by %q, who is not a person", p.Sender.Login)
		default:
			e.Click = &Click{Check: *run.ref(), Button: p.RequestedAction.Identifier, By: p.Sender.Login}
		}
	default:
		e.Why = fmt.Sprintf("the check run was %s: that changes nothing", p.Action)
	}
	return notCommit("head_sha", run.HeadSHA)
}

func readCheckSuite(e *Event, p payload, env Env) string {
	suite := p.CheckSuite
	if suite == nil {
		return "the payload has no check suite"
	}
	e.Head = suite.HeadSHA
	switch p.Action {
	case "rerequested":
		e.Rerun = suite.ref()
	case "completed":
		return cmp.Or(notCommit("head_sha", suite.HeadSHA), readGate(e, env))
	default:
		e.Why = fmt.Sprintf("the check suite was %s: pull requests are checked on pull_request", p.Action)
	}
	return notCommit("head_sha", suite.HeadSHA)
}

// ref gives which check it is; a suite has neither name nor id.
func (c *checkPayload) ref() *CheckRef {
	apps := slices.DeleteFunc([]string{fmt.Sprint(c.App.ID), c.App.ClientID}, func(id string) bool { return id == "" || id == "0" })
	return &CheckRef{Head: c.HeadSHA, Name: c.Name, ID: c.ExternalID, Apps: apps}
}

// OwnStatus reports whether the event is a commit status that stands in for the check run of the step with an id: it opens no gate.
func (e Event) OwnStatus(id string) bool {
	return e.Status != "" && (e.Status == id || strings.HasPrefix(e.Status, id+" ("))
}

func readStatus(e *Event, p payload, env Env) string {
	e.Status = p.Context
	switch {
	case strings.HasPrefix(p.Context, "sluice"):
		e.Head, e.Why = p.SHA, "the status is one of sluice's own"
	case p.State == "pending":
		e.Head, e.Why = p.SHA, "the status is pending: it opens no gate"
	default:
		return cmp.Or(notCommit("sha", p.SHA), readGate(e, env))
	}
	return notCommit("sha", p.SHA)
}

func readDeployment(e *Event, p payload, env Env) string {
	switch {
	case p.Deployment == nil || p.DeploymentStatus == nil:
		return "the payload has no deployment"
	case slices.Contains([]string{"pending", "queued", "in_progress", "waiting"}, p.DeploymentStatus.State):
		e.Head, e.Why = p.Deployment.SHA, fmt.Sprintf("the deployment is %s: it opens no gate", p.DeploymentStatus.State)
	default:
		return cmp.Or(notCommit("sha", p.Deployment.SHA), readGate(e, env))
	}
	return notCommit("sha", p.Deployment.SHA)
}

// A review may approve a promotion, which is a pull request of the repository's own. On one of a fork the run could only read.
func readReview(e *Event, p payload, _ Env) string {
	pr := p.PullRequest
	if pr == nil || pr.Number <= 0 {
		return "the payload has no pull request"
	}
	e.Head, e.Ref = pr.Head.SHA, "refs/heads/"+pr.Base.Ref
	switch {
	case p.Action != "submitted" && p.Action != "dismissed":
		e.Why = fmt.Sprintf("the review was %s: that approves nothing, and takes nothing back", p.Action)
	case p.Review != nil && strings.EqualFold(p.Review.State, "commented"):
		e.Why = "the review only comments: it approves nothing"
	case pr.Head.Repo == nil || !strings.EqualFold(pr.Head.Repo.FullName, e.Repo):
		e.Why = "the review is of a pull request from a fork: promotions come from the repository itself"
	case pr.Base.Ref != e.DefaultBranch:
		e.Why = fmt.Sprintf("the review is of a pull request into %q: promotions go into %q", pr.Base.Ref, e.DefaultBranch)
	default:
		e.Promote = true
	}
	return notCommit("head", e.Head)
}

// readGate is for what may open or close a gate. Promotion looks at the state of everything, so it does not matter of which commit
// the news is: the run is on the default branch, at the commit that the runner was given.
func readGate(e *Event, env Env) string {
	if e.DefaultBranch == "" {
		return "the payload does not say which branch is the default"
	}
	e.Head, e.Ref, e.Promote = env.SHA, "refs/heads/"+e.DefaultBranch, true
	return notCommit("GITHUB_SHA", e.Head)
}
