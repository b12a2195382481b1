package github

import (
	"context"

	gogithub "github.com/google/go-github/v60/github"
)

const maxStatusText = 140

// publishStatus publishes a verdict as a commit status. The newest of a context counts, so it may be sent twice.
func (c *Client) publishStatus(ctx context.Context, check CheckRun, instead error) (CheckResult, error) {
	status := &gogithub.RepoStatus{
		State:       gogithub.String(statusState(check.Conclusion)),
		Context:     &check.Name,
		Description: gogithub.String(cut(check.Title, maxStatusText)),
	}
	if check.DetailsURL != "" {
		status.TargetURL = &check.DetailsURL
	}
	created, _, err := c.gh.Repositories.CreateStatus(repeatable(ctx), c.owner, c.repo, check.Head, status)
	if err != nil {
		return CheckResult{}, c.explain("write a check run or a commit status", permChecks+"\n      "+permStatuses, err)
	}
	return CheckResult{Kind: AsStatus, URL: created.GetURL(), LeftOut: len(check.Annotations), Instead: instead}, nil
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
