package githubtest

import (
	"fmt"
	"net/http"
	"slices"
	"time"
	"unicode/utf8"
)

type status struct {
	id          int64
	sha         string
	state       string
	context     string
	description string
	target      string
	creator     string
	at          time.Time
}

// Status is a commit status.
type Status struct{ State, Context, Description, TargetURL, Creator string }

// Statuses gives the statuses of a commit, the newest of each context, in the order in which the contexts appeared.
func (r *Repo) Statuses(sha string) []Status {
	r.gh.mu.Lock()
	defer r.gh.mu.Unlock()
	var out []Status
	for _, s := range newestOfContext(r.statusesOf(sha)) {
		out = append(out, Status{s.state, s.context, s.description, s.target, s.creator})
	}
	return out
}

func (r *Repo) statusesOf(sha string) []*status {
	return slices.DeleteFunc(slices.Clone(r.statuses), func(s *status) bool { return s.sha != sha })
}

func newestOfContext(list []*status) []*status {
	at := map[string]int{}
	var out []*status
	for _, s := range list {
		if i, seen := at[s.context]; seen {
			out[i] = s
			continue
		}
		at[s.context] = len(out)
		out = append(out, s)
	}
	return out
}

func (r *Repo) statusJSON(s *status) obj {
	return obj{
		"url": r.apiURL("/statuses/%s", s.sha), "avatar_url": r.gh.URL + "/avatars/" + s.creator, "id": s.id, "node_id": nodeID("SC", s.id),
		"state": s.state, "description": orNull(s.description), "target_url": orNull(s.target), "context": s.context,
		"created_at": stamp(s.at), "updated_at": stamp(s.at), "creator": r.gh.user(s.creator),
	}
}

// maxStatuses is how many statuses of a context a commit takes.
// Source: docs.github.com "REST API endpoints for commit statuses", create a commit status.
const maxStatuses = 1000

func (c *call) createStatus() reply {
	var in struct {
		State, Description, Context string
		Target                      string `json:"target_url"`
	}
	c.read(&in)
	sha := c.params["sha"]
	switch {
	case c.repo.tip(sha) != sha:
		return refuse(422, fmt.Sprintf("No commit found for SHA: %s", sha))
	case utf8.RuneCountInString(in.Description) > 140:
		return invalid("Status", "description", "description is too long (maximum is 140 characters)")
	}
	if in.Context == "" {
		in.Context = "default"
	}
	if of := c.repo.statusesOf(sha); len(slices.DeleteFunc(of, func(s *status) bool { return s.context != in.Context })) >= maxStatuses {
		return refuse(422, "This SHA and context has reached the maximum number of statuses.")
	}
	s := &status{c.id(), sha, in.State, in.Context, in.Description, in.Target, c.token.Login, c.now()}
	c.repo.statuses = append(c.repo.statuses, s)
	return created(c.repo.statusJSON(s))
}

func (c *call) listStatuses() reply {
	sha := c.repo.tip(c.params["ref"])
	list := visible(c, c.repo.statusesOf(sha))
	slices.Reverse(list)
	shown, header := page(c, c.repo.api("/commits/%s/statuses", c.params["ref"]), list, c.repo.statusJSON)
	return reply{http.StatusOK, shown, header}
}

func (c *call) combinedStatus() reply {
	sha := c.repo.tip(c.params["ref"])
	if sha == "" {
		return notFound()
	}
	list := newestOfContext(visible(c, c.repo.statusesOf(sha)))
	state := "success"
	if len(list) == 0 {
		state = "pending"
	}
	for _, s := range list {
		switch {
		case s.state == "error" || s.state == "failure":
			state = "failure"
		case s.state == "pending" && state == "success":
			state = "pending"
		}
	}
	shown, header := page(c, c.repo.api("/commits/%s/status", c.params["ref"]), list, c.repo.statusJSON)
	for _, s := range shown {
		delete(s, "creator") // the simple form has none
	}
	return reply{http.StatusOK, obj{
		"state": state, "sha": sha, "total_count": len(list), "statuses": shown, "repository": c.repo.json(),
		"commit_url": c.repo.apiURL("/commits/%s", sha), "url": c.repo.apiURL("/commits/%s/status", sha),
	}, header}
}
