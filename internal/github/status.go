package github

import (
	"context"
	"fmt"
	"net/http"

	gogithub "github.com/google/go-github/v60/github"
)

const maxStatusText = 140

// publishStatus publishes a verdict as a commit status. The newest of a context counts, so it may be sent twice.
func (c *Client) publishStatus(ctx context.Context, check CheckRun, instead error) (CheckResult, error) {
	created, err := c.writeStatus(ctx, check)
	if err != nil {
		return CheckResult{}, c.explain("write a check run or a commit status", permChecks+"\n      "+permStatuses, err)
	}
	return CheckResult{Kind: AsStatus, URL: created.GetURL(), LeftOut: len(check.Annotations), Instead: instead}, nil
}

func (c *Client) writeStatus(ctx context.Context, check CheckRun) (*gogithub.RepoStatus, error) {
	status := &gogithub.RepoStatus{
		State:       gogithub.String(statusState(check.Conclusion)),
		Context:     &check.Name,
		Description: gogithub.String(cut(check.Title, maxStatusText)),
	}
	if check.DetailsURL != "" {
		status.TargetURL = &check.DetailsURL
	}
	created, _, err := c.gh.Repositories.CreateStatus(repeatable(ctx), c.owner, c.repo, check.Head, status)
	return created, err
}

// settleStatus brings a commit status of the check run's name, which an earlier run wrote for want of permission, to the verdict of the
// check run: where there are both, GitHub requires both, and no call takes a status away. contradicts says why one that says
// otherwise still does. Whoever may not read statuses has written none.
// Source: docs.github.com "Troubleshooting required status checks".
func (c *Client) settleStatus(ctx context.Context, check CheckRun) (contradicts, err error) {
	const doing = "look for a commit status of the check run's name"
	opts := &gogithub.ListOptions{PerPage: 100}
	for {
		combined, res, err := c.gh.Repositories.GetCombinedStatus(ctx, c.owner, c.repo, check.Head, opts)
		switch status := statusOf(err); {
		case status == http.StatusForbidden || status == http.StatusNotFound:
			return nil, nil
		case err != nil:
			return nil, c.explain(doing, "statuses: read", err)
		}
		for _, s := range combined.Statuses {
			if s.GetContext() != check.Name || s.GetState() == statusState(check.Conclusion) {
				continue
			}
			_, err := c.writeStatus(ctx, check)
			refused := statusOf(err) == http.StatusForbidden || statusOf(err) == http.StatusNotFound
			err = c.explain(fmt.Sprintf("bring the commit status %q, which says %s, to what the check run says", check.Name, s.GetState()), permStatuses, err)
			if refused {
				return err, nil
			}
			return nil, err
		}
		if res.NextPage <= opts.Page {
			return nil, nil
		}
		opts.Page = res.NextPage
	}
}

func statusState(conclusion string) string {
	switch conclusion {
	case Success, Neutral, "skipped":
		return "success"
	case Failure:
		return "failure"
	default:
		return "error"
	}
}
