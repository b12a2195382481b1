package githubtest

import (
	"net/http"
	"regexp"
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

// issueJSON gives a pull request as an issue.
func (r *Repo) issueJSON(p *pull) obj {
	out := r.event("issue_comment.created-on-issue.json")["issue"].(obj)
	out["number"], out["title"], out["state"] = p.number, p.title, p.state
	out["url"], out["html_url"] = r.apiURL("/issues/%d", p.number), r.webURL("/pull/%d", p.number)
	out["user"], out["labels"], out["assignee"] = r.gh.user(p.author), []obj{}, nil
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

// mutationQuery is a GraphQL mutation with a single field.
var mutationQuery = regexp.MustCompile(`^mutation\([^)]*\)\{([A-Za-z]+)\(input:`)

// mutate does what REST cannot.
func (c *call) mutate(name string, variables map[string]string) reply {
	if c.token == nil {
		return refuse(http.StatusUnauthorized, "This endpoint requires you to be authenticated.")
	}
	problem := func(kind, message string) reply {
		return ok(obj{"data": obj{name: nil}, "errors": []obj{{"type": kind, "path": []string{name}, "message": message}}})
	}
	var p *pull
	for _, repo := range c.repos {
		for _, candidate := range repo.pulls {
			if nodeID("PR", candidate.id) == variables["id"] {
				p, c.repo = candidate, repo
			}
		}
	}
	switch {
	case p == nil:
		return problem("NOT_FOUND", "Could not resolve to a node with the global id of '"+variables["id"]+"'.")
	case !c.token.may("write", "pull-requests"):
		return problem("FORBIDDEN", "Resource not accessible by integration")
	}
	switch name {
	case "convertPullRequestToDraft":
		if c.repo.noDrafts {
			return problem("UNPROCESSABLE", "Draft pull requests are not supported in this repository.")
		}
		p.draft = true
	case "markPullRequestReadyForReview":
		p.draft = false
	case "enablePullRequestAutoMerge":
		switch {
		case !c.token.may("write", "contents"):
			return problem("FORBIDDEN", "Resource not accessible by integration")
		case !c.repo.AllowAutoMerge:
			return problem("UNPROCESSABLE", "Auto merge is not allowed for this repository")
		}
		p.autoMerge = strings.ToLower(variables["method"])
	default:
		c.t.Errorf("githubtest: GraphQL mutation %q is not implemented", name)
		return problem("NOT_FOUND", "not implemented")
	}
	p.last = c.now()
	return ok(obj{"data": obj{name: obj{"clientMutationId": nil}}})
}
