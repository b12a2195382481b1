package github

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	gogithub "github.com/google/go-github/v60/github"
)

// MayWrite reports whether a person may push to the repository, as GitHub knows it now: what an event says of its author (an
// association) is no permission.
// Source: docs.github.com "Get repository permissions for a user": maintain counts as write, triage as read.
//
// Errors: [*PermissionError], [*LimitError] (wrapped), [*RefusedError]: then nobody knows, and nothing may be done.
func (c *Client) MayWrite(ctx context.Context, person string) (bool, error) {
	if !login.MatchString(person) {
		return false, nil
	}
	level, _, err := c.gh.Repositories.GetPermissionLevel(ctx, c.owner, c.repo, person)
	if err != nil {
		return false, c.explain(fmt.Sprintf("ask what %s may do", person), "metadata: read", err)
	}
	return level.GetPermission() == "write" || level.GetPermission() == "admin", nil
}

// Reaction is a small picture under a comment.
type Reaction string

// The reactions that sluice uses.
const (
	Seen          Reaction = "eyes"     // the commands are being obeyed
	NotAllowed    Reaction = "-1"       // who wrote the comment may not
	NotUnderstood Reaction = "confused" // a reply says why
)

// React puts a reaction under a comment. Doing it twice is like doing it once.
func (c *Client) React(ctx context.Context, comment int64, reaction Reaction) error {
	_, _, err := c.gh.Reactions.CreateIssueCommentReaction(repeatable(ctx), c.owner, c.repo, comment, string(reaction))
	return c.explain("put a reaction under the comment", permPulls, err)
}

// Stands reports whether a comment is still there as it was written: who takes a command back does not want it.
func (c *Client) Stands(ctx context.Context, comment Comment) (bool, error) {
	now, _, err := c.gh.Issues.GetComment(ctx, c.owner, c.repo, comment.ID)
	switch {
	case statusOf(err) == http.StatusNotFound:
		return false, nil
	case err != nil:
		return false, c.explain("read the comment", "pull-requests: read", err)
	}
	return sameText(now.GetBody(), comment.Body), nil
}

// OpenPull gives a pull request as it is now, in the form of an event that asks for a check of its head. An event that says no
// pull request's commits is completed by it. Where the pull request is not open, the event says so in Why and asks for nothing.
//
// Errors: [*PermissionError], [*LimitError] (wrapped), [*RefusedError].
func (c *Client) OpenPull(ctx context.Context, number int) (Event, error) {
	doing := fmt.Sprintf("read pull request %d", number)
	pr, _, err := c.gh.PullRequests.Get(ctx, c.owner, c.repo, number)
	if err != nil {
		return Event{}, c.explain(doing, "pull-requests: read", err)
	}
	e := Event{
		Name: "pull_request", Repo: c.owner + "/" + c.repo, DefaultBranch: pr.GetBase().GetRepo().GetDefaultBranch(),
		Base: pr.GetBase().GetSHA(), Head: pr.GetHead().GetSHA(), Ref: "refs/heads/" + pr.GetBase().GetRef(),
		Pull: &Pull{
			Number: number, Draft: pr.GetDraft(), Merged: pr.GetMerged(), HeadRef: pr.GetHead().GetRef(),
			HeadRepo: pr.GetHead().GetRepo().GetFullName(), MergeSHA: pr.GetMergeCommitSHA(),
		},
	}
	e.Pull.Fork = !strings.EqualFold(e.Pull.HeadRepo, e.Repo)
	for _, label := range pr.Labels {
		e.Pull.Labels = append(e.Pull.Labels, label.GetName())
	}
	for what, id := range map[string]string{"base": e.Base, "head": e.Head} {
		if reason := notCommit(what, id); reason != "" {
			return Event{}, &RefusedError{Doing: doing, Reason: reason}
		}
	}
	if e.Pull.MergeSHA != "" && !commitID.MatchString(e.Pull.MergeSHA) {
		return Event{}, &RefusedError{Doing: doing, Reason: notCommit("merge_commit_sha", e.Pull.MergeSHA)}
	}
	if e.Check = pr.GetState() == "open"; !e.Check {
		e.Why = fmt.Sprintf("pull request %d is closed", number)
	}
	return e, nil
}

// PullsAt gives the numbers of the open pull requests whose head is a commit, the oldest first.
//
// Errors: [*PermissionError], [*LimitError] (wrapped), [*RefusedError].
func (c *Client) PullsAt(ctx context.Context, commit string) ([]int, error) {
	var numbers []int
	opts := &gogithub.ListOptions{PerPage: 100}
	for {
		page, res, err := c.gh.PullRequests.ListPullRequestsWithCommit(ctx, c.owner, c.repo, commit, opts)
		if err != nil {
			return nil, c.explain("look for the pull requests of commit "+commit, "pull-requests: read", err)
		}
		for _, pr := range page {
			if pr.GetState() == "open" && pr.GetHead().GetSHA() == commit {
				numbers = append(numbers, pr.GetNumber())
			}
		}
		if res.NextPage <= opts.Page {
			slices.Sort(numbers)
			return slices.Compact(numbers), nil
		}
		opts.Page = res.NextPage
	}
}
