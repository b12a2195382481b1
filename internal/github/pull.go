package github

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	gogithub "github.com/google/go-github/v60/github"
)

// PullRequest is a pull request as GitHub describes it. Its texts are what people typed.
type PullRequest struct {
	Number      int
	NodeID      string // for GraphQL
	URL         string
	Title, Body string
	Author      string // login
	Open        bool
	Merged      bool
	Draft       bool
	AutoMerge   bool   // it will be merged as soon as it may
	Branch      string // of its head, in the repository itself; "" for one from a fork
	Base        string // branch
	Head        string // commit
	Labels      []string
	Assignees   []string
	Reviewers   []string // logins and "team:" names of whom a review was asked
}

// Limits of a pull request. Sources: commercetools/telefonistka#128 for the title; renovatebot/renovate#2032 for the body.
const (
	MaxPullTitle = 256
	MaxPullBody  = maxCommentRunes
)

func (c *Client) pullRequest(p *gogithub.PullRequest) PullRequest {
	out := PullRequest{
		Number: p.GetNumber(), NodeID: p.GetNodeID(), URL: p.GetHTMLURL(), Title: p.GetTitle(), Body: p.GetBody(), Author: p.GetUser().GetLogin(),
		Open: p.GetState() == "open", Merged: p.GetMerged() || p.MergedAt != nil, Draft: p.GetDraft(), AutoMerge: p.AutoMerge != nil,
		Base: p.GetBase().GetRef(), Head: p.GetHead().GetSHA(),
	}
	if strings.EqualFold(p.GetHead().GetRepo().GetFullName(), c.owner+"/"+c.repo) {
		out.Branch = p.GetHead().GetRef()
	}
	for _, label := range p.Labels {
		out.Labels = append(out.Labels, label.GetName())
	}
	for _, user := range p.Assignees {
		out.Assignees = append(out.Assignees, user.GetLogin())
	}
	for _, user := range p.RequestedReviewers {
		out.Reviewers = append(out.Reviewers, user.GetLogin())
	}
	for _, team := range p.RequestedTeams {
		out.Reviewers = append(out.Reviewers, teamPrefix+team.GetSlug())
	}
	return out
}

// OpenPulls gives all open pull requests from branches of the repository itself, the newest first.
func (c *Client) OpenPulls(ctx context.Context) ([]PullRequest, error) {
	return c.pulls(ctx, &gogithub.PullRequestListOptions{State: "open"})
}

// PullsOf gives all pull requests from a branch, open or not, the newest first.
func (c *Client) PullsOf(ctx context.Context, branch string) ([]PullRequest, error) {
	list, err := c.pulls(ctx, &gogithub.PullRequestListOptions{State: "all", Head: c.owner + ":" + branch})
	// GitHub ignores a head that it cannot read, and then lists everything.
	return slices.DeleteFunc(list, func(p PullRequest) bool { return p.Branch != branch }), err
}

func (c *Client) pulls(ctx context.Context, opts *gogithub.PullRequestListOptions) ([]PullRequest, error) {
	opts.PerPage = 100
	var out []PullRequest
	seen := make(map[int]bool) // pages shift when a pull request is opened meanwhile
	for {
		page, res, err := c.gh.PullRequests.List(ctx, c.owner, c.repo, opts)
		if err != nil {
			return nil, c.explain("list pull requests", "pull-requests: read", err)
		}
		for _, p := range page {
			if found := c.pullRequest(p); found.Branch != "" && !seen[found.Number] {
				seen[found.Number] = true
				out = append(out, found)
			}
		}
		if res.NextPage <= opts.Page {
			return out, nil
		}
		opts.Page = res.NextPage
	}
}

// PullsWith gives the pull requests that brought a commit, or that hold it. One call.
func (c *Client) PullsWith(ctx context.Context, commit string) ([]PullRequest, error) {
	list, _, err := c.gh.PullRequests.ListPullRequestsWithCommit(ctx, c.owner, c.repo, commit, &gogithub.ListOptions{PerPage: 100})
	if statusOf(err) == http.StatusUnprocessableEntity {
		return nil, nil // GitHub does not know the commit. 404 is another thing: that would be taken for a push without a pull request
	}
	var out []PullRequest
	for _, p := range list {
		out = append(out, c.pullRequest(p))
	}
	return out, c.explain(fmt.Sprintf("list the pull requests of commit %.10s", commit), "pull-requests: read", err)
}

// NewPull is a pull request to be opened.
type NewPull struct {
	Title, Body  string
	Branch, Base string
	Draft        bool
}

// CreatePull opens a pull request. Where one is open from the branch already, which may be what a lost answer left, that one is
// given. Where GitHub has no drafts for the repository, it is opened as an ordinary one.
//
// Errors: ErrMoved where the branch has nothing that its base has not, or is gone; [*PermissionError], [*LimitError] (wrapped), [*RefusedError].
func (c *Client) CreatePull(ctx context.Context, n NewPull) (PullRequest, error) {
	doing := fmt.Sprintf("open a pull request from branch %q", n.Branch)
	for try := 1; ; try++ {
		made, _, err := c.gh.PullRequests.Create(ctx, c.owner, c.repo, &gogithub.NewPullRequest{
			Title: gogithub.String(cut(n.Title, MaxPullTitle)), Body: &n.Body, Head: &n.Branch, Base: &n.Base, Draft: &n.Draft,
		})
		status, said := statusOf(err), ""
		if err != nil {
			said = strings.ToLower(saidBy(err))
		}
		switch {
		case err == nil:
			c.learnLogin(made.GetUser().GetLogin())
			return c.pullRequest(made), nil
		case status == http.StatusUnprocessableEntity && n.Draft && strings.Contains(said, "draft pull requests are not supported"):
			n.Draft = false
			continue
		case status == http.StatusUnprocessableEntity && (strings.Contains(said, "no commits between") || strings.Contains(said, "head invalid")):
			return PullRequest{}, fmt.Errorf("%s: %w", doing, ErrMoved)
		case status == http.StatusForbidden && strings.Contains(said, "not permitted to create"):
			return PullRequest{}, &PermissionError{doing, "pull-requests: write\n" +
				"and let GitHub Actions create pull requests (Settings, Actions, General, Workflow permissions), or use a GitHub App", "403 " + saidBy(err)}
		case status != http.StatusUnprocessableEntity && !uncertain(err), ctx.Err() != nil, try > maxTries:
			return PullRequest{}, c.explain(doing, permPulls, err)
		}
		// It may be open already, and lists may lag behind.
		if open, err := c.openFrom(ctx, n); err != nil || open.Number > 0 {
			return open, err
		}
		if try == maxTries || !c.Pause(ctx) {
			return PullRequest{}, c.explain(doing, permPulls, err)
		}
	}
}

func (c *Client) openFrom(ctx context.Context, n NewPull) (PullRequest, error) {
	list, err := c.PullsOf(ctx, n.Branch)
	for _, p := range list {
		if p.Open && p.Base == n.Base {
			return p, nil
		}
	}
	return PullRequest{}, err
}

// Describe sets the title and the body of a pull request. The texts are the same in several lengths, the largest first; written is the
// index of the one that GitHub took.
func (c *Client) Describe(ctx context.Context, number int, title string, bodies []string) (written int, err error) {
	return c.editPull(ctx, number, bodies, func(body *string) *gogithub.PullRequest {
		return &gogithub.PullRequest{Title: gogithub.String(cut(title, MaxPullTitle)), Body: body}
	})
}

// ClosePull closes a pull request and sets its body in one step.
func (c *Client) ClosePull(ctx context.Context, number int, bodies []string) error {
	_, err := c.editPull(ctx, number, bodies, func(body *string) *gogithub.PullRequest {
		return &gogithub.PullRequest{State: gogithub.String("closed"), Body: body}
	})
	return err
}

func (c *Client) editPull(ctx context.Context, number int, bodies []string, edit func(*string) *gogithub.PullRequest) (written int, err error) {
	doing := fmt.Sprintf("change pull request %d", number)
	for i := range bodies {
		_, _, err := c.gh.PullRequests.Edit(repeatable(ctx), c.owner, c.repo, number, edit(&bodies[i]))
		if statusOf(err) == http.StatusUnprocessableEntity && i < len(bodies)-1 {
			continue // too long
		}
		return i, c.explain(doing, permPulls, err)
	}
	return 0, fmt.Errorf("%s: no body", doing)
}

// AddLabels puts labels on a pull request; those that do not exist are made by GitHub.
func (c *Client) AddLabels(ctx context.Context, number int, labels ...string) error {
	_, _, err := c.gh.Issues.AddLabelsToIssue(repeatable(ctx), c.owner, c.repo, number, labels)
	return c.explain(fmt.Sprintf("label pull request %d", number), permPulls, err)
}

// RemoveLabel takes a label from a pull request; one that is not there is fine.
func (c *Client) RemoveLabel(ctx context.Context, number int, label string) error {
	_, err := c.gh.Issues.RemoveLabelForIssue(ctx, c.owner, c.repo, number, url.PathEscape(label))
	if statusOf(err) == http.StatusNotFound {
		return nil
	}
	return c.explain(fmt.Sprintf("take a label from pull request %d", number), permPulls, err)
}

// Assign assigns people to a pull request. GitHub passes over those who cannot be assigned.
func (c *Client) Assign(ctx context.Context, number int, logins ...string) error {
	_, _, err := c.gh.Issues.AddAssignees(repeatable(ctx), c.owner, c.repo, number, logins)
	return c.explain(fmt.Sprintf("assign pull request %d", number), permPulls, err)
}

// teamPrefix marks a team among reviewers.
const teamPrefix = "team:"

// AskReview asks for reviews: of logins, and of teams of the owner as "team:NAME".
func (c *Client) AskReview(ctx context.Context, number int, reviewers ...string) error {
	var ask gogithub.ReviewersRequest
	for _, name := range reviewers {
		if team, ok := strings.CutPrefix(name, teamPrefix); ok {
			ask.TeamReviewers = append(ask.TeamReviewers, team)
		} else {
			ask.Reviewers = append(ask.Reviewers, name)
		}
	}
	_, _, err := c.gh.PullRequests.RequestReviewers(repeatable(ctx), c.owner, c.repo, number, ask)
	return c.explain(fmt.Sprintf("ask for reviews of pull request %d", number), permPulls, err)
}

// SetDraft makes a pull request a draft, or ready for review. REST cannot.
func (c *Client) SetDraft(ctx context.Context, p PullRequest, draft bool) error {
	mutation, doing := "markPullRequestReadyForReview", "make pull request %d ready for review"
	if draft {
		mutation, doing = "convertPullRequestToDraft", "make pull request %d a draft"
	}
	query := fmt.Sprintf("mutation($id:ID!){%s(input:{pullRequestId:$id}){clientMutationId}}", mutation)
	return c.mutate(ctx, fmt.Sprintf(doing, p.Number), query, map[string]any{"id": p.NodeID})
}

// AutoMerge has GitHub merge a pull request as soon as it may be, or put it into the merge queue where the branch has one. The
// method is merge, squash or rebase.
func (c *Client) AutoMerge(ctx context.Context, p PullRequest, method string) error {
	const query = "mutation($id:ID!,$method:PullRequestMergeMethod!){enablePullRequestAutoMerge(input:{pullRequestId:$id,mergeMethod:$method}){clientMutationId}}"
	return c.mutate(ctx, fmt.Sprintf("turn on auto-merge of pull request %d", p.Number), query, map[string]any{"id": p.NodeID, "method": strings.ToUpper(method)})
}

// mutate sends a GraphQL mutation that may be sent twice.
func (c *Client) mutate(ctx context.Context, doing, query string, variables map[string]any) error {
	req, err := c.gh.NewRequest("POST", c.graphqlURL, map[string]any{"query": query, "variables": variables})
	if err != nil {
		return err
	}
	var answer struct {
		Errors []struct {
			Type    string `json:"type"`
			Message string `json:"message"`
		} `json:"errors"`
	}
	if _, err := c.gh.Do(repeatable(ctx), req, &answer); err != nil {
		return c.explain(doing, permPulls, err)
	}
	if len(answer.Errors) == 0 {
		return nil
	}
	problem := answer.Errors[0]
	if problem.Type == "FORBIDDEN" {
		return &PermissionError{doing, permPulls + "\n      " + permContents, problem.Message}
	}
	return &RefusedError{Doing: doing, Reason: problem.Message}
}

// Say writes a comment that is there once: what id names on the pull request is written, or brought up to date. Unlike
// [Client.UpsertComment] it speaks of no particular commit.
func (c *Client) Say(ctx context.Context, number int, id, body string) error {
	if !markerID.MatchString(id) {
		return fmt.Errorf("comment %q: want an id of a-z, 0-9 and dashes", id)
	}
	if _, err := c.Login(ctx); err != nil {
		return err
	}
	u := &upsert{Client: c, pr: number, id: id, head: strings.Repeat("0", 40), bodies: []string{body}, doing: fmt.Sprintf("write a comment on pull request %d", number)}
	own, err := u.list(ctx)
	if err != nil {
		return err
	}
	_, err = u.write(ctx, own, false)
	return err
}
