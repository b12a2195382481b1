package githubtest

import (
	"net/http"
	"slices"
	"time"
	"unicode/utf8"
)

// maxBody is how many characters a comment's or a pull request's body may have.
const maxBody = 65536

type comment struct {
	id            int64
	number        int
	author, app   string
	body          string
	created, last time.Time
	reactions     []reaction
}

type reaction struct{ author, content string }

// Comment is a comment on a pull request.
type Comment struct {
	ID     int64
	Author string
	Body   string
	Edited bool

	Reactions []string // in the words of the API ("eyes", "-1"), the oldest first
}

// Comments gives the comments on a pull request, the oldest first.
func (r *Repo) Comments(number int) []Comment {
	r.gh.mu.Lock()
	defer r.gh.mu.Unlock()
	var out []Comment
	for _, c := range r.commentsOn(number) {
		shown := Comment{ID: c.id, Author: c.author, Body: c.body, Edited: c.last != c.created}
		for _, r := range c.reactions {
			shown.Reactions = append(shown.Reactions, r.content)
		}
		out = append(out, shown)
	}
	return out
}

// AddComment makes a comment as somebody would on the page, and gives its id.
func (r *Repo) AddComment(number int, login, body string) int64 {
	r.gh.mu.Lock()
	defer r.gh.mu.Unlock()
	return r.newComment(number, login, "", body).id
}

// EditComment changes a comment as somebody would on the page.
func (r *Repo) EditComment(id int64, body string) {
	r.gh.mu.Lock()
	defer r.gh.mu.Unlock()
	for _, c := range r.comments {
		if c.id == id {
			c.body, c.last = body, r.gh.now()
		}
	}
}

// DeleteComment deletes a comment as somebody would on the page.
func (r *Repo) DeleteComment(id int64) {
	r.gh.mu.Lock()
	defer r.gh.mu.Unlock()
	r.comments = slices.DeleteFunc(r.comments, func(c *comment) bool { return c.id == id })
}

func (r *Repo) commentsOn(number int) []*comment {
	return slices.DeleteFunc(slices.Clone(r.comments), func(c *comment) bool { return c.number != number })
}

func (r *Repo) newComment(number int, login, app, body string) *comment {
	now := r.gh.now()
	c := &comment{id: r.gh.id(), number: number, author: login, app: app, body: body, created: now, last: now}
	r.comments = append(r.comments, c)
	return c
}

func (r *Repo) commentJSON(c *comment) obj {
	out := r.gh.shape(r, "issue_comment.created-on-issue.json", "comment")
	out["id"], out["node_id"] = c.id, nodeID("IC", c.id)
	out["url"] = r.apiURL("/issues/comments/%d", c.id)
	out["html_url"] = r.webURL("/pull/%d#issuecomment-%d", c.number, c.id)
	out["issue_url"] = r.apiURL("/issues/%d", c.number)
	out["user"], out["body"] = r.gh.user(c.author), c.body
	out["created_at"], out["updated_at"] = stamp(c.created), stamp(c.last)
	out["author_association"] = "NONE"
	out["reactions"].(obj)["url"] = r.apiURL("/issues/comments/%d/reactions", c.id)
	if c.app != "" {
		out["performed_via_github_app"] = r.gh.app(r, c.app)
	}
	return out
}

// app gives a GitHub App as answers show it.
func (gh *GitHub) app(r *Repo, slug string) obj {
	out := gh.shape(r, "check_run.completed.json", "check_run", "app")
	out["id"], out["node_id"], out["slug"], out["name"] = idOf(slug), nodeID("A", idOf(slug)), slug, slug
	out["html_url"] = gh.URL + "/apps/" + slug
	return out
}

func (c *call) listComments() reply {
	number := int(c.param("issue_number"))
	if c.repo.pull(number) == nil {
		return notFound()
	}
	shown, header := page(c, c.repo.api("/issues/%d/comments", number), visible(c, c.repo.commentsOn(number)), c.repo.commentJSON)
	return reply{http.StatusOK, shown, header}
}

type commentInput struct {
	Body string `json:"body"`
}

func (in commentInput) refusal() *reply {
	var answer reply
	switch {
	case in.Body == "":
		answer = invalid("IssueComment", "body", "Body cannot be blank")
	case utf8.RuneCountInString(in.Body) > maxBody:
		answer = invalid("IssueComment", "body", "Body is too long (maximum is 65536 characters)")
	default:
		return nil
	}
	return &answer
}

func (c *call) createComment() reply {
	number := int(c.param("issue_number"))
	pr := c.repo.pull(number)
	if pr == nil {
		return notFound()
	}
	var in commentInput
	c.read(&in)
	if refusal := in.refusal(); refusal != nil {
		return *refusal
	}
	if pr.locked && c.token.Permissions["contents"] != "write" {
		return refuse(http.StatusForbidden, "Unable to create comment because issue is locked.")
	}
	made := c.repo.newComment(number, c.token.Login, c.token.App, in.Body)
	return created(c.repo.commentJSON(made))
}

func (c *call) comment() *comment {
	id := c.param("comment_id")
	i := slices.IndexFunc(c.repo.comments, func(c *comment) bool { return c.id == id })
	if i < 0 {
		return nil
	}
	return c.repo.comments[i]
}

func (c *call) getComment() reply {
	if found := c.comment(); found != nil {
		return ok(c.repo.commentJSON(found))
	}
	return notFound()
}

func (c *call) updateComment() reply {
	found := c.comment()
	if found == nil {
		return notFound()
	}
	var in commentInput
	c.read(&in)
	if refusal := in.refusal(); refusal != nil {
		return *refusal
	}
	found.body, found.last = in.Body, c.now()
	return ok(c.repo.commentJSON(found))
}

func (c *call) deleteComment() reply {
	found := c.comment()
	if found == nil {
		return notFound()
	}
	c.repo.comments = slices.DeleteFunc(c.repo.comments, func(c *comment) bool { return c == found })
	return reply{status: http.StatusNoContent}
}

// createReaction needs the permission for pull requests: a comment on one is a part of it, whatever the path says.
// Source: github.com/NOFireAI/ravel pull request 347.
func (c *call) createReaction() reply {
	found := c.comment()
	if found == nil {
		return notFound()
	}
	var in struct{ Content string }
	c.read(&in)
	made := reaction{c.token.Login, in.Content}
	status := http.StatusOK
	if !slices.Contains(found.reactions, made) {
		found.reactions, status = append(found.reactions, made), http.StatusCreated
	}
	id := c.id()
	return reply{status: status, body: obj{
		"id": id, "node_id": nodeID("REA", id), "user": c.user(made.author), "content": made.content, "created_at": stamp(c.now()),
	}}
}
