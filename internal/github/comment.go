package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	gogithub "github.com/google/go-github/v60/github"
)

// Limits of a comment. GitHub's description of its API does not state them. Sources: telia-oss/github-pr-resource#259
// (65,536 characters), objectstack-ai/objectstack#18826 (comments take 262,144 bytes). What is under both is tried; whether it
// is too long, the answer 422 decides.
const (
	maxCommentRunes = 65536
	maxCommentBytes = 262144
)

// CommentOptions refine [Client.UpsertComment].
type CommentOptions struct {
	Head       string // the commit that the comment speaks of: a full id
	UpdateOnly bool   // an existing comment is updated, but none is created: there is nothing to say that was not said
}

// CommentAction is what became of a comment.
type CommentAction string

// What may become of a comment.
const (
	CommentCreated   CommentAction = "created"
	CommentUpdated   CommentAction = "updated"
	CommentUnchanged CommentAction = "unchanged"  // it says the same already
	CommentNotNeeded CommentAction = "not needed" // UpdateOnly, and there is none
	CommentOutdated  CommentAction = "outdated"   // the pull request has moved on: a newer run writes the comment
)

// CommentResult says what became of a comment.
type CommentResult struct {
	Action  CommentAction
	URL     string // of the comment, where there is one
	Tier    int    // index of the body that was written
	Refused bool   // a longer one should have fitted, and GitHub took it for invalid
	Removed int    // duplicates that were deleted
}

// UpsertComment brings the one comment that id names on a pull request up to date: it is created, or updated in place. Bodies
// is the same text in several lengths, the largest first: the first one that GitHub takes is written.
//
// The comment is found by a hidden marker in its first line and by its author, who must be the owner of the token: a marker in
// somebody else's comment is ignored. A run on an older head never writes over a newer one. When two runs race, and when a
// create was repeated because its answer was lost, the oldest comment stays and the others are deleted.
//
// Errors: [*PermissionError], [*LimitError] (wrapped), [*RefusedError].
func (c *Client) UpsertComment(ctx context.Context, pr int, id string, bodies []string, opts CommentOptions) (CommentResult, error) {
	if !markerID.MatchString(id) || !commitID.MatchString(opts.Head) || len(bodies) == 0 {
		return CommentResult{}, fmt.Errorf("comment %q on head %q with %d bodies: want an id of a-z, 0-9 and dashes, a commit id and a body", id, opts.Head, len(bodies))
	}
	u := &upsert{Client: c, pr: pr, id: id, head: opts.Head, bodies: bodies, doing: fmt.Sprintf("write the comment on pull request %d", pr)}
	if err := c.signature(ctx); err != nil {
		return CommentResult{}, err
	}
	own, err := u.list(ctx)
	if err != nil {
		return CommentResult{}, err
	}
	if current, err := u.current(ctx); err != nil || !current {
		return CommentResult{Action: CommentOutdated}, err
	}
	return u.write(ctx, own, opts.UpdateOnly)
}

// upsert is one call of UpsertComment.
type upsert struct {
	*Client
	pr     int
	id     string
	head   string
	bodies []string
	doing  string
}

var (
	markerID = regexp.MustCompile(`^[a-z0-9-]+$`)
	marker   = regexp.MustCompile(`^<!-- sluice:([a-z0-9-]+) head=([0-9a-f]{40,64}) -->`)
)

const permPulls = "pull-requests: write"

func (u *upsert) body(tier int) string {
	return fmt.Sprintf("<!-- sluice:%s head=%s -->\n%s", u.id, u.head, u.bodies[tier])
}

// list gives our comments with this id, the oldest first.
func (u *upsert) list(ctx context.Context) ([]*gogithub.IssueComment, error) {
	opts := &gogithub.IssueListCommentsOptions{ListOptions: gogithub.ListOptions{PerPage: 100}}
	var own []*gogithub.IssueComment
	for {
		page, res, err := u.gh.Issues.ListComments(ctx, u.owner, u.repo, u.pr, opts)
		if err != nil {
			return nil, u.explain(fmt.Sprintf("list the comments of pull request %d", u.pr), "pull-requests: read", err)
		}
		own = append(own, slices.DeleteFunc(page, func(comment *gogithub.IssueComment) bool { return !u.own(comment) })...)
		if res.NextPage <= opts.Page {
			break
		}
		opts.Page = res.NextPage
	}
	return oldestFirst(own), nil
}

func oldestFirst(comments []*gogithub.IssueComment) []*gogithub.IssueComment {
	slices.SortFunc(comments, func(a, b *gogithub.IssueComment) int { return int(a.GetID() - b.GetID()) })
	return slices.CompactFunc(comments, func(a, b *gogithub.IssueComment) bool { return a.GetID() == b.GetID() })
}

// own reports whether a comment is the one that this id names, by author and marker. The marker counts only at the very
// beginning: further down, it may be what somebody had quoted.
func (u *upsert) own(comment *gogithub.IssueComment) bool {
	m := marker.FindStringSubmatch(comment.GetBody())
	return m != nil && m[1] == u.id && strings.EqualFold(comment.GetUser().GetLogin(), u.login())
}

// current reports whether our head is still that of the pull request. GitHub's answer may lag behind the push that started
// this run, so a different one is asked for again before it is believed.
func (u *upsert) current(ctx context.Context) (bool, error) {
	for try := 0; ; try++ {
		pr, _, err := u.gh.PullRequests.Get(ctx, u.owner, u.repo, u.pr)
		if err != nil {
			return false, u.explain(fmt.Sprintf("read pull request %d", u.pr), "pull-requests: read", err)
		}
		if pr.GetHead().GetSHA() == u.head {
			return true, nil
		}
		if try == 2 || u.transport.wait(ctx, 2*time.Second, nil) != nil {
			return false, ctx.Err()
		}
	}
}

// write updates the oldest of our comments, or creates one, and deletes the others.
func (u *upsert) write(ctx context.Context, own []*gogithub.IssueComment, updateOnly bool) (CommentResult, error) {
	if len(own) > 0 {
		result, err := u.update(ctx, own[0])
		switch {
		case statusOf(err) == http.StatusNotFound: // somebody deleted it since we looked
			return u.write(ctx, own[1:], updateOnly)
		case err != nil:
			return CommentResult{}, err
		}
		result.Removed, err = u.remove(ctx, own[1:])
		return result, err
	}
	if updateOnly {
		return CommentResult{Action: CommentNotNeeded}, nil
	}
	return u.create(ctx)
}

func (u *upsert) update(ctx context.Context, comment *gogithub.IssueComment) (CommentResult, error) {
	result := CommentResult{Action: CommentUpdated, URL: comment.GetHTMLURL()}
	tier, refused, err := u.firstThatFits(func(body string) error {
		if sameText(comment.GetBody(), body) {
			result.Action = CommentUnchanged
			return nil
		}
		_, _, err := u.gh.Issues.EditComment(repeatable(ctx), u.owner, u.repo, comment.GetID(), &gogithub.IssueComment{Body: &body})
		return err
	})
	result.Tier, result.Refused = tier, refused
	return result, err
}

// sameText compares as GitHub stores: it may trim the end and change line ends.
func sameText(a, b string) bool {
	plain := func(s string) string { return strings.TrimSpace(strings.ReplaceAll(s, "\r\n", "\n")) }
	return plain(a) == plain(b)
}

// create makes the comment, and looks afterwards whether another run made one at the same time: then the oldest stays.
func (u *upsert) create(ctx context.Context) (CommentResult, error) {
	var created *gogithub.IssueComment
	tier, refused, err := u.firstThatFits(func(body string) (err error) {
		created, err = u.createOnce(ctx, body)
		return err
	})
	if err != nil {
		return CommentResult{}, err
	}
	u.learnLogin(created.GetUser().GetLogin())
	result := CommentResult{Action: CommentCreated, URL: created.GetHTMLURL(), Tier: tier, Refused: refused}
	seen, err := u.list(ctx)
	if err != nil {
		return result, nil // the comment stands; a duplicate, if any, is the next run's to remove
	}
	own := oldestFirst(append(seen, created)) // a list may lag behind a create
	if len(own) == 1 {
		return result, nil
	}
	oldest := own[0]
	if oldest.GetID() != created.GetID() && headOf(oldest) != u.head {
		// The other run speaks of another head. Ours is the newer one only if it still is the pull request's.
		if current, err := u.current(ctx); err != nil || !current {
			removed, err := u.remove(ctx, []*gogithub.IssueComment{created})
			return CommentResult{Action: CommentOutdated, Removed: removed}, err
		}
	}
	return u.write(ctx, own, false)
}

func headOf(comment *gogithub.IssueComment) string {
	if m := marker.FindStringSubmatch(comment.GetBody()); m != nil {
		return m[2]
	}
	return ""
}

// createOnce creates a comment. When the answer is lost it looks whether the comment is there before it tries again.
func (u *upsert) createOnce(ctx context.Context, body string) (*gogithub.IssueComment, error) {
	for try := 1; ; try++ {
		comment, _, err := u.gh.Issues.CreateComment(ctx, u.owner, u.repo, u.pr, &gogithub.IssueComment{Body: &body})
		if !uncertain(err) || ctx.Err() != nil || try == maxTries {
			return comment, err
		}
		if u.transport.wait(ctx, u.transport.jitter(time.Second<<(2*(try-1))), nil) != nil {
			return nil, err
		}
		own, listErr := u.list(ctx)
		if listErr != nil {
			return nil, err
		}
		for _, comment := range own {
			if sameText(comment.GetBody(), body) {
				return comment, nil
			}
		}
	}
}

// firstThatFits writes the first body that GitHub does not find too long. refused says that it found one so that should fit.
func (u *upsert) firstThatFits(write func(body string) error) (tier int, refused bool, err error) {
	for tier := range u.bodies {
		body, last := u.body(tier), tier == len(u.bodies)-1
		if !last && (len(body) > maxCommentBytes || utf8.RuneCountInString(body) > maxCommentRunes) {
			continue
		}
		err := write(body)
		if statusOf(err) == http.StatusUnprocessableEntity && !last {
			refused = true
			continue
		}
		return tier, refused, u.explain(u.doing, permPulls, err)
	}
	return 0, false, errors.New("no body") // UpsertComment asks for one
}

// remove deletes comments of ours; one that is gone already is fine.
func (u *upsert) remove(ctx context.Context, comments []*gogithub.IssueComment) (removed int, err error) {
	for _, comment := range comments {
		_, err := u.gh.Issues.DeleteComment(ctx, u.owner, u.repo, comment.GetID())
		if err != nil && statusOf(err) != http.StatusNotFound {
			return removed, u.explain(fmt.Sprintf("delete a duplicate comment on pull request %d", u.pr), permPulls, err)
		}
		removed++
	}
	return removed, nil
}
