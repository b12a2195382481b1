package github

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	gogithub "github.com/google/go-github/v60/github"
)

// Signal is what somebody said of a commit: in a commit status, a check run or the status of a deployment.
type Signal struct {
	Kind  string // SignalStatus or SignalDeployment
	Name  string // the context of a status, the name of a check run, the environment of a deployment
	State string // SignalSuccess, SignalFailure or SignalPending
	At    time.Time
	URL   string // where people see more; may be ""
}

// The kinds of signals, and what they say.
const (
	SignalStatus     = "status" // a commit status or a check run
	SignalDeployment = "deployment"

	SignalSuccess = "success"
	SignalFailure = "failure" // or an error
	SignalPending = "pending" // not done, or it says nothing
)

// SignalKinds chooses what is asked for: each kind is calls of its own.
type SignalKinds struct{ Statuses, Deployments bool }

// Signals gives everything that was said of a commit, not the newest of each name alone: a failure in between shows. Statuses
// take a call for every hundred of them, and one for every hundred check runs; deployments one, and one each.
//
// Argo CD writes statuses with the context that its template names (its documentation has continuous-delivery/NAME) and
// deployments; Flux writes statuses with the context kind/name/ID, ID being the beginning of its provider's UID.
// Sources: argo-cd docs/operator-manual/notifications/services/github.md; fluxcd/notification-controller internal/notifier.
//
// Errors: [*PermissionError], [*LimitError] (wrapped), [*RefusedError].
func (c *Client) Signals(ctx context.Context, commit string, kinds SignalKinds) (out []Signal, err error) {
	if kinds.Statuses {
		if out, err = c.statuses(ctx, commit); err != nil {
			return nil, c.explain(fmt.Sprintf("read the statuses of commit %.10s", commit), "statuses: read", err)
		}
		runs, err := c.checkRuns(ctx, commit)
		if err != nil {
			return nil, c.explain(fmt.Sprintf("read the check runs of commit %.10s", commit), "checks: read", err)
		}
		out = append(out, runs...)
	}
	if kinds.Deployments {
		deployments, err := c.deployments(ctx, commit)
		if err != nil {
			return nil, c.explain(fmt.Sprintf("read the deployments of commit %.10s", commit), "deployments: read", err)
		}
		out = append(out, deployments...)
	}
	return out, nil
}

func (c *Client) statuses(ctx context.Context, commit string) (out []Signal, err error) {
	opts := &gogithub.ListOptions{PerPage: 100}
	for {
		page, res, err := c.gh.Repositories.ListStatuses(ctx, c.owner, c.repo, commit, opts)
		if err != nil {
			return nil, err
		}
		for _, s := range page {
			out = append(out, Signal{SignalStatus, s.GetContext(), saidByState(s.GetState()), s.GetCreatedAt().Time, s.GetTargetURL()})
		}
		if res.NextPage <= opts.Page {
			slices.Reverse(out) // GitHub gives the newest first
			return out, nil
		}
		opts.Page = res.NextPage
	}
}

// checkRuns gives the check runs of a commit, those that were run again included.
func (c *Client) checkRuns(ctx context.Context, commit string) (out []Signal, err error) {
	opts := &gogithub.ListCheckRunsOptions{Filter: gogithub.String("all"), ListOptions: gogithub.ListOptions{PerPage: 100}}
	for {
		page, res, err := c.gh.Checks.ListCheckRunsForRef(ctx, c.owner, c.repo, commit, opts)
		if err != nil {
			return nil, err
		}
		for _, run := range page.CheckRuns {
			s := Signal{SignalStatus, run.GetName(), SignalPending, run.GetStartedAt().Time, run.GetHTMLURL()}
			if run.GetStatus() == "completed" {
				s.State, s.At = saidByConclusion(run.GetConclusion()), run.GetCompletedAt().Time
			}
			out = append(out, s)
		}
		if res.NextPage <= opts.Page {
			return out, nil
		}
		opts.Page = res.NextPage
	}
}

func (c *Client) deployments(ctx context.Context, commit string) (out []Signal, err error) {
	opts := &gogithub.DeploymentsListOptions{SHA: commit, ListOptions: gogithub.ListOptions{PerPage: 100}}
	for {
		page, res, err := c.gh.Repositories.ListDeployments(ctx, c.owner, c.repo, opts)
		if err != nil {
			return nil, err
		}
		for _, d := range page {
			said, err := c.deploymentStatuses(ctx, d)
			if err != nil {
				return nil, err
			}
			out = append(out, said...)
		}
		if res.NextPage <= opts.Page {
			return out, nil
		}
		opts.Page = res.NextPage
	}
}

// deploymentStatuses gives what was said of a deployment. That a later one took its place ("inactive") says nothing of it.
func (c *Client) deploymentStatuses(ctx context.Context, d *gogithub.Deployment) (out []Signal, err error) {
	out = []Signal{{SignalDeployment, d.GetEnvironment(), SignalPending, d.GetCreatedAt().Time, ""}}
	opts := &gogithub.ListOptions{PerPage: 100}
	for {
		page, res, err := c.gh.Repositories.ListDeploymentStatuses(ctx, c.owner, c.repo, d.GetID(), opts)
		if err != nil {
			return nil, err
		}
		for _, s := range page {
			if s.GetState() != "inactive" {
				out = append(out, Signal{SignalDeployment, d.GetEnvironment(), saidByState(s.GetState()), s.GetCreatedAt().Time, s.GetLogURL()})
			}
		}
		if res.NextPage <= opts.Page {
			slices.Reverse(out[1:])
			return out, nil
		}
		opts.Page = res.NextPage
	}
}

// saidByState reads the state of a status, or of a deployment's.
func saidByState(state string) string {
	switch state {
	case "success":
		return SignalSuccess
	case "failure", "error":
		return SignalFailure
	}
	return SignalPending
}

// saidByConclusion reads the conclusion of a check run. One that was skipped says nothing.
func saidByConclusion(conclusion string) string {
	switch conclusion {
	case Success, Neutral:
		return SignalSuccess
	case Failure, ActionRequired, "cancelled", "timed_out", "startup_failure":
		return SignalFailure
	}
	return SignalPending
}

// Review is one review of a pull request.
type Review struct {
	By     string // login
	State  string // APPROVED, CHANGES_REQUESTED, DISMISSED or COMMENTED
	Commit string // what was reviewed
	// Member says that the reviewer is one of the repository's owner, members or collaborators.
	Member bool
}

// Reviews gives the reviews of a pull request, the oldest first. A call for every hundred.
func (c *Client) Reviews(ctx context.Context, number int) (out []Review, err error) {
	opts := &gogithub.ListOptions{PerPage: 100}
	for {
		page, res, err := c.gh.PullRequests.ListReviews(ctx, c.owner, c.repo, number, opts)
		if err != nil {
			return nil, c.explain(fmt.Sprintf("read the reviews of pull request %d", number), "pull-requests: read", err)
		}
		for _, r := range page {
			member := slices.Contains([]string{"OWNER", "MEMBER", "COLLABORATOR"}, r.GetAuthorAssociation())
			out = append(out, Review{r.GetUser().GetLogin(), strings.ToUpper(r.GetState()), r.GetCommitID(), member})
		}
		if res.NextPage <= opts.Page {
			return out, nil
		}
		opts.Page = res.NextPage
	}
}
