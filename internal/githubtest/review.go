package githubtest

import (
	"net/http"
	"slices"
	"strings"
)

// DraftsOff has the repository refuse drafts, as GitHub does for private repositories of some plans.
func (r *Repo) DraftsOff() {
	r.gh.mu.Lock()
	defer r.gh.mu.Unlock()
	r.noDrafts = true
}

const teamPrefix = "team:"

// reviewJSON adds who is assigned to a pull request, who is to review it, and whether it is merged by itself.
func (r *Repo) reviewJSON(p *pull, out obj) {
	assignees, users, teams := []obj{}, []obj{}, []obj{}
	for _, login := range p.assignees {
		assignees = append(assignees, r.gh.user(login))
	}
	for _, name := range p.reviewers {
		if team, ok := strings.CutPrefix(name, teamPrefix); ok {
			teams = append(teams, r.teamJSON(team))
		} else {
			users = append(users, r.gh.user(name))
		}
	}
	out["assignees"], out["assignee"], out["requested_reviewers"], out["requested_teams"] = assignees, nil, users, teams
	if len(assignees) > 0 {
		out["assignee"] = assignees[0]
	}
	out["auto_merge"] = nil
	if p.autoMerge != "" {
		out["auto_merge"] = obj{"enabled_by": r.gh.user(p.author), "merge_method": p.autoMerge, "commit_title": "", "commit_message": ""}
	}
}

func (r *Repo) teamJSON(name string) obj {
	owner, _, _ := strings.Cut(r.FullName, "/")
	url := r.gh.APIURL + "/orgs/" + owner + "/teams/" + name
	return obj{
		"id": idOf("team " + name), "node_id": nodeID("T", idOf("team "+name)), "name": name, "slug": name, "description": nil,
		"privacy": "closed", "notification_setting": "notifications_enabled", "permission": "pull", "url": url,
		"html_url": r.gh.URL + "/orgs/" + owner + "/teams/" + name, "members_url": url + "/members{/member}",
		"repositories_url": url + "/repos", "parent": nil, "type": "organization",
	}
}

func (c *call) addAssignees() reply {
	p := c.repo.pull(int(c.param("issue_number")))
	if p == nil {
		return notFound()
	}
	var in struct{ Assignees []string }
	c.read(&in)
	for _, login := range in.Assignees {
		if !slices.Contains(p.assignees, login) {
			p.assignees = append(p.assignees, login)
		}
	}
	return created(c.repo.issueJSON(p))
}

// listIssues gives the open pull requests, each of which is an issue too, the newest first.
func (c *call) listIssues() reply {
	var open []*pull
	for _, p := range slices.Backward(visible(c, c.repo.pulls)) {
		if p.state == "open" {
			open = append(open, p)
		}
	}
	shown, header := page(c, c.repo.api("/issues"), open, c.repo.issueJSON)
	return reply{http.StatusOK, shown, header}
}

func (c *call) lock() reply {
	p := c.repo.pull(int(c.param("issue_number")))
	if p == nil {
		return notFound()
	}
	p.locked = true
	return reply{status: http.StatusNoContent}
}

// issueJSON gives a pull request as an issue.
func (r *Repo) issueJSON(p *pull) obj {
	out := r.event("issue_comment.created-on-issue.json")["issue"].(obj)
	out["number"], out["title"], out["state"] = p.number, p.title, p.state
	out["url"], out["html_url"] = r.apiURL("/issues/%d", p.number), r.webURL("/pull/%d", p.number)
	out["user"], out["labels"], out["assignee"] = r.gh.user(p.author), []obj{}, nil
	out["timeline_url"], out["state_reason"] = r.apiURL("/issues/%d/timeline", p.number), nil
	assignees := []obj{}
	for _, login := range p.assignees {
		assignees = append(assignees, r.gh.user(login))
	}
	out["assignees"] = assignees
	return out
}

func (c *call) requestReviewers() reply {
	p := c.repo.pull(int(c.param("pull_number")))
	if p == nil {
		return notFound()
	}
	var in struct {
		Reviewers []string
		Teams     []string `json:"team_reviewers"`
	}
	c.read(&in)
	if slices.Contains(in.Reviewers, p.author) {
		return refuse(http.StatusUnprocessableEntity, "Review cannot be requested from pull request author.")
	}
	for _, name := range in.Teams {
		in.Reviewers = append(in.Reviewers, teamPrefix+name)
	}
	for _, name := range in.Reviewers {
		if !slices.Contains(p.reviewers, name) {
			p.reviewers = append(p.reviewers, name)
		}
	}
	return created(c.repo.simplePull(p))
}

// pullsOfCommit gives the pull requests that brought a commit to the default branch; for others the open ones that hold it.
func (c *call) pullsOfCommit() reply {
	id := c.params["commit_sha"]
	if !c.repo.has("commit", id) {
		return refuse(http.StatusUnprocessableEntity, "No commit found for SHA: "+id)
	}
	var found []*pull
	for _, p := range visible(c, c.repo.pulls) {
		c.repo.refresh(p)
		if p.mergeSHA == id && p.merged || slices.Contains(p.rebased, id) || c.repo.holds(p, id) {
			found = append(found, p)
		}
	}
	shown, header := page(c, c.repo.api("/commits/%s/pulls", id), found, c.repo.simplePull)
	return reply{http.StatusOK, shown, header}
}

// holds reports whether a commit is one of those of a pull request.
func (r *Repo) holds(p *pull, id string) bool {
	if p.base == "" || p.head == "" {
		return false
	}
	list, err := r.git("", "rev-list", p.head, "^"+p.base)
	return err == nil && slices.Contains(strings.Fields(list), id)
}
