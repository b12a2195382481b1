package githubtest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"
)

func (c *call) getRepo() reply {
	out := c.repo.json()
	out["network_count"], out["subscribers_count"], out["has_discussions"] = 0, 0, false
	for _, setting := range []string{"allow_forking", "allow_merge_commit", "allow_squash_merge", "allow_rebase_merge", "allow_update_branch"} {
		out[setting] = true
	}
	out["allow_auto_merge"], out["delete_branch_on_merge"] = false, false
	return ok(out)
}

func (c *call) listPulls() reply {
	state := c.asked("state")
	if state == "" {
		state = "open"
	}
	var found []*pull
	for _, p := range visible(c, c.repo.pulls) {
		c.repo.refresh(p)
		head, base := c.asked("head"), c.asked("base")
		if (state == "all" || p.state == state) && (head == "" || head == p.owner+":"+p.headRef) && (base == "" || base == p.baseRef) {
			found = append(found, p)
		}
	}
	if c.asked("direction") != "asc" {
		slices.Reverse(found)
	}
	shown, header := page(c, c.repo.api("/pulls"), found, c.repo.simplePull)
	return reply{http.StatusOK, shown, header}
}

// simplePull is a pull request as lists show it.
func (r *Repo) simplePull(p *pull) obj {
	out := r.pullJSON(p)
	for _, key := range []string{"merged", "mergeable", "mergeable_state", "merged_by", "comments", "review_comments", "commits", "additions", "deletions", "changed_files", "rebaseable", "maintainer_can_modify"} {
		delete(out, key)
	}
	return out
}

func (c *call) getPull() reply {
	if p := c.repo.pull(int(c.param("pull_number"))); p != nil {
		return ok(c.repo.pullJSON(p))
	}
	return notFound()
}

func (c *call) createPull() reply {
	var in struct {
		Title, Head, Base, Body string
		Draft                   bool
	}
	c.read(&in)
	from, branch := c.repo, in.Head
	if owner, name, isFork := strings.Cut(in.Head, ":"); isFork {
		_, repoName, _ := strings.Cut(c.repo.FullName, "/")
		from, branch = c.repos[strings.ToLower(owner+"/"+repoName)], name
	}
	switch {
	case in.Title == "":
		return invalid("PullRequest", "title", "title can't be blank")
	case utf8.RuneCountInString(in.Title) > 256:
		return invalid("PullRequest", "title", "title is too long (maximum is 256 characters)")
	case utf8.RuneCountInString(in.Body) > maxBody:
		return invalid("PullRequest", "body", "body is too long (maximum is 65536 characters)")
	case in.Draft && c.repo.noDrafts:
		return refuse(422, "Draft pull requests are not supported in this repository.")
	case c.repo.Tip(in.Base) == "":
		return refuse(422, "Validation Failed", obj{"resource": "PullRequest", "field": "base", "code": "invalid"})
	case from == nil || from.Tip(branch) == "":
		return refuse(422, "Validation Failed", obj{"resource": "PullRequest", "field": "head", "code": "invalid"})
	}
	for _, p := range c.repo.pulls {
		if p.state == "open" && p.from == from && p.headRef == branch && p.baseRef == in.Base {
			return invalid("PullRequest", "", fmt.Sprintf("A pull request already exists for %s:%s.", p.owner, branch))
		}
	}
	if ahead, err := c.repo.countCommits(c.repo.Tip(in.Base), from.Tip(branch)); from == c.repo && err == nil && ahead == 0 {
		return invalid("PullRequest", "", fmt.Sprintf("No commits between %s and %s", in.Base, branch))
	}
	p := c.repo.open(PullOptions{Head: branch, From: from, Base: in.Base, Title: in.Title, Body: in.Body, Author: c.token.Login, Draft: in.Draft})
	return created(c.repo.pullJSON(p))
}

func (c *call) updatePull() reply {
	p := c.repo.pull(int(c.param("pull_number")))
	if p == nil {
		return notFound()
	}
	var in struct{ Title, Body, State, Base *string }
	c.read(&in)
	switch {
	case in.Body != nil && utf8.RuneCountInString(*in.Body) > maxBody:
		return invalid("PullRequest", "body", "body is too long (maximum is 65536 characters)")
	case in.Base != nil && c.repo.Tip(*in.Base) == "":
		return refuse(422, "Validation Failed", obj{"resource": "PullRequest", "field": "base", "code": "invalid"})
	case in.State != nil && *in.State == "open" && p.state == "closed" && (p.merged || p.from == nil || p.from.Tip(p.headRef) == ""):
		return invalid("PullRequest", "state", "state cannot be changed. The pull request cannot be reopened.")
	}
	set := func(field *string, value *string) {
		if value != nil {
			*field = *value
		}
	}
	set(&p.title, in.Title)
	set(&p.body, in.Body)
	set(&p.baseRef, in.Base)
	if in.State != nil && *in.State == "closed" && p.state == "open" {
		c.repo.close(p)
	} else if in.State != nil {
		p.state = *in.State
	}
	p.last = c.now()
	return ok(c.repo.pullJSON(p))
}

func (c *call) mergePull() reply {
	p := c.repo.pull(int(c.param("pull_number")))
	if p == nil {
		return notFound()
	}
	var in struct {
		Title   string `json:"commit_title"`
		Message string `json:"commit_message"`
		SHA     string
		Method  string `json:"merge_method"`
	}
	c.read(&in)
	switch {
	case p.state != "open" || p.draft:
		return refuse(http.StatusMethodNotAllowed, "Pull Request is not mergeable")
	case in.SHA != "" && in.SHA != p.head:
		return refuse(http.StatusConflict, "Head branch was modified. Review and try the merge again.")
	}
	message := strings.TrimSpace(in.Title + "\n\n" + in.Message)
	if err := c.repo.merge(p, in.Method, message, c.token.Login); err != nil {
		return refuse(http.StatusMethodNotAllowed, "Pull Request is not mergeable")
	}
	return ok(obj{"merged": true, "message": "Pull Request successfully merged", "sha": p.mergeSHA})
}

func (c *call) pullFiles() reply {
	p := c.repo.pull(int(c.param("pull_number")))
	if p == nil {
		return notFound()
	}
	base, err := c.repo.git("", "merge-base", p.base, p.head)
	if err != nil {
		base = p.base
	}
	entries, err := c.repo.diff(base, p.head)
	if err != nil {
		return refuse(http.StatusUnprocessableEntity, "Sorry, this diff is unavailable.")
	}
	shown, header := page(c, c.repo.api("/pulls/%d/files", p.number), entries, func(o obj) obj { return o })
	return reply{http.StatusOK, shown, header}
}
