package githubtest

import (
	"net/http"
	"slices"
	"time"
)

// SetStatus has somebody write a status of a commit at a time.
func (r *Repo) SetStatus(sha string, s Status, at time.Time) {
	r.gh.mu.Lock()
	defer r.gh.mu.Unlock()
	r.statuses = append(r.statuses, &status{r.gh.id(), sha, s.State, s.Context, s.Description, s.TargetURL, s.Creator, at})
}

// AddCheckRun has an App complete a check run on a commit at a time; without a conclusion it is still running.
func (r *Repo) AddCheckRun(sha, app, name, conclusion string, at time.Time) {
	r.gh.mu.Lock()
	defer r.gh.mu.Unlock()
	run := &checkRun{id: r.gh.id(), app: app, name: name, head: sha, status: "in_progress", started: at}
	if conclusion != "" {
		run.status, run.conclusion, run.completed = "completed", conclusion, at
	}
	r.runs = append(r.runs, run)
}

type deployment struct {
	id               int64
	sha, environment string
	at               time.Time
	statuses         []deploymentStatus
}

type deploymentStatus struct {
	id    int64
	state string
	at    time.Time
}

// Deploy makes a deployment of a commit to an environment, and gives its id.
func (r *Repo) Deploy(sha, environment string, at time.Time) int64 {
	r.gh.mu.Lock()
	defer r.gh.mu.Unlock()
	d := &deployment{id: r.gh.id(), sha: sha, environment: environment, at: at}
	r.deployments = append(r.deployments, d)
	return d.id
}

// SetDeployment says of a deployment how it is at a time.
func (r *Repo) SetDeployment(id int64, state string, at time.Time) {
	r.gh.t.Helper()
	r.gh.mu.Lock()
	defer r.gh.mu.Unlock()
	for _, d := range r.deployments {
		if d.id == id {
			d.statuses = append(d.statuses, deploymentStatus{r.gh.id(), state, at})
			return
		}
	}
	r.gh.t.Fatalf("githubtest: no deployment %d", id)
}

func (c *call) listDeployments() reply {
	var of []*deployment
	for _, d := range visible(c, c.repo.deployments) {
		if sha := c.asked("sha"); sha == "" || sha == d.sha {
			of = append(of, d)
		}
	}
	slices.Reverse(of)
	shown, header := page(c, c.repo.api("/deployments"), of, func(d *deployment) obj {
		return obj{
			"id": d.id, "node_id": nodeID("DE", d.id), "sha": d.sha, "ref": d.sha, "task": "deploy", "payload": obj{}, "environment": d.environment,
			"url": c.repo.apiURL("/deployments/%d", d.id), "statuses_url": c.repo.apiURL("/deployments/%d/statuses", d.id),
			"repository_url": c.repo.apiURL(""), "description": nil, "creator": c.user("argo-cd[bot]"), "created_at": stamp(d.at), "updated_at": stamp(d.at),
			"transient_environment": false, "production_environment": false,
		}
	})
	return reply{http.StatusOK, shown, header}
}

func (c *call) listDeploymentStatuses() reply {
	id := c.param("deployment_id")
	i := slices.IndexFunc(c.repo.deployments, func(d *deployment) bool { return d.id == id })
	if i < 0 {
		return notFound()
	}
	d := c.repo.deployments[i]
	list := slices.Clone(visible(c, d.statuses))
	slices.Reverse(list)
	shown, header := page(c, c.repo.api("/deployments/%d/statuses", d.id), list, func(s deploymentStatus) obj {
		return obj{
			"id": s.id, "node_id": nodeID("DES", s.id), "state": s.state, "environment": d.environment, "description": "",
			"url": c.repo.apiURL("/deployments/%d/statuses/%d", d.id, s.id), "deployment_url": c.repo.apiURL("/deployments/%d", d.id),
			"repository_url": c.repo.apiURL(""), "creator": c.user("argo-cd[bot]"), "target_url": "", "log_url": "", "environment_url": "",
			"created_at": stamp(s.at), "updated_at": stamp(s.at),
		}
	})
	return reply{http.StatusOK, shown, header}
}

type review struct {
	id               int64
	by, state        string
	commit, standing string
	at               time.Time
}

// Review has somebody review a pull request as it is: state is APPROVED, CHANGES_REQUESTED, COMMENTED or DISMISSED, standing what
// GitHub calls the author's association: MEMBER, NONE, ….
func (r *Repo) Review(number int, by, state, standing string) {
	r.gh.mu.Lock()
	defer r.gh.mu.Unlock()
	p := r.pull(number)
	p.reviews = append(p.reviews, review{r.gh.id(), by, state, p.head, standing, r.gh.now()})
}

func (c *call) listReviews() reply {
	p := c.repo.pull(int(c.param("pull_number")))
	if p == nil {
		return notFound()
	}
	shown, header := page(c, c.repo.api("/pulls/%d/reviews", p.number), visible(c, p.reviews), func(r review) obj {
		return obj{
			"id": r.id, "node_id": nodeID("PRR", r.id), "user": c.user(r.by), "body": "", "state": r.state, "commit_id": r.commit,
			"html_url":         c.repo.webURL("/pull/%d#pullrequestreview-%d", p.number, r.id),
			"pull_request_url": c.repo.apiURL("/pulls/%d", p.number), "submitted_at": stamp(r.at), "author_association": r.standing,
			"_links": obj{"html": obj{"href": c.repo.webURL("/pull/%d", p.number)}, "pull_request": obj{"href": c.repo.apiURL("/pulls/%d", p.number)}},
		}
	})
	return reply{http.StatusOK, shown, header}
}
