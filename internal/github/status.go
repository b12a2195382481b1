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
	written, err := c.writeStatus(ctx, check.Head, check.status(), check.New)
	if err != nil {
		return CheckResult{}, c.explain("write a check run or a commit status", permChecks+"\n      "+permStatuses, err)
	}
	result := CheckResult{Kind: AsStatus, URL: written.GetURL(), LeftOut: len(check.Annotations), Instead: instead}
	if !check.New {
		result.Contradicts, err = c.contradictingRun(ctx, check)
	}
	return result, err
}

// contradictingRun looks for a check run of an earlier run that says otherwise than the commit status: GitHub requires both. Where check
// runs may not be read, nobody knows of one.
func (c *Client) contradictingRun(ctx context.Context, check CheckRun) (contradicts, err error) {
	run, err := c.findCheck(ctx, check)
	switch {
	case refusedByGitHub(err):
		return nil, nil
	case err != nil:
		return nil, c.explain("look for a check run of the status's name", "checks: read", err)
	case run == nil || statusState(run.GetConclusion()) == statusState(check.Conclusion):
		return nil, nil
	}
	return fmt.Errorf("the check run %q, of an earlier run, says %s, and this token may not change it: give the job the permission %s", check.Name, run.GetConclusion(), permChecks), nil
}

// refusedByGitHub reports whether the token may not do something, or may not see what it is about.
func refusedByGitHub(err error) bool {
	status := statusOf(err)
	return status == http.StatusForbidden || status == http.StatusNotFound
}

// status gives the verdict of a check run as a commit status.
func (check CheckRun) status() Status {
	return Status{Context: check.Name, State: statusState(check.Conclusion), Description: check.Title, URL: check.DetailsURL}
}

// writeStatus writes a commit status, unless the newest of its context says the same: GitHub takes a thousand of a context on a commit, and
// each is an event that starts workflows, this one perhaps. Where it leads does not count: that is another run's page each time. Fresh says
// that nobody has said anything of the commit yet. Who may not read statuses may still write one.
// Source: docs.github.com "REST API endpoints for commit statuses".
func (c *Client) writeStatus(ctx context.Context, commit string, want Status, fresh bool) (*gogithub.RepoStatus, error) {
	if !fresh {
		there, err := c.newestStatus(ctx, commit, want.Context)
		if err != nil && !refusedByGitHub(err) {
			return nil, err
		}
		if there != nil && there.GetState() == want.State && there.GetDescription() == cut(want.Description, maxStatusText) {
			return there, nil
		}
	}
	return c.createStatus(ctx, commit, want)
}

func (c *Client) createStatus(ctx context.Context, commit string, want Status) (*gogithub.RepoStatus, error) {
	status := &gogithub.RepoStatus{State: &want.State, Context: &want.Context, Description: gogithub.String(cut(want.Description, maxStatusText))}
	if want.URL != "" {
		status.TargetURL = &want.URL
	}
	created, _, err := c.gh.Repositories.CreateStatus(repeatable(ctx), c.owner, c.repo, commit, status)
	return created, err
}

// newestStatus gives the newest commit status of a context; nil where there is none. A call for every hundred contexts.
func (c *Client) newestStatus(ctx context.Context, commit, name string) (*gogithub.RepoStatus, error) {
	opts := &gogithub.ListOptions{PerPage: 100}
	for {
		combined, res, err := c.gh.Repositories.GetCombinedStatus(ctx, c.owner, c.repo, commit, opts)
		if err != nil {
			return nil, err
		}
		for _, s := range combined.Statuses {
			if s.GetContext() == name {
				return s, nil
			}
		}
		if res.NextPage <= opts.Page {
			return nil, nil
		}
		opts.Page = res.NextPage
	}
}

// settleStatus brings a commit status of the check run's name, which an earlier run wrote for want of permission, to the verdict of the
// check run: where there are both, GitHub requires both, and no call takes a status away. The name is sluice's: a status that somebody
// wrote by hand under it is brought to the verdict too. contradicts says why one that says otherwise still does. Whoever may not read
// statuses has written none.
// Source: docs.github.com "Troubleshooting required status checks".
func (c *Client) settleStatus(ctx context.Context, check CheckRun) (contradicts, err error) {
	there, err := c.newestStatus(ctx, check.Head, check.Name)
	switch {
	case refusedByGitHub(err):
		return nil, nil
	case err != nil:
		return nil, c.explain("look for a commit status of the check run's name", "statuses: read", err)
	case there == nil || there.GetState() == statusState(check.Conclusion):
		return nil, nil
	}
	_, err = c.createStatus(ctx, check.Head, check.status())
	refused := refusedByGitHub(err)
	err = c.explain(fmt.Sprintf("bring the commit status %q, which says %s, to what the check run says", check.Name, there.GetState()), permStatuses, err)
	if refused {
		return err, nil
	}
	return nil, err
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
