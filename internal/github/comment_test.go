package github_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/sluice-dev/sluice/internal/github"
	"github.com/sluice-dev/sluice/internal/githubtest"
)

func TestCommentIsCreatedThenUpdated(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	if got := s.upsert(t, s.client, s.head, "one"); got.Action != github.CommentCreated || !strings.Contains(got.URL, "/pull/1#issuecomment-") {
		t.Errorf("first: %+v", got)
	}
	s.wantBodies(t, "one")
	if got := s.upsert(t, s.client, s.head, "one"); got.Action != github.CommentUnchanged {
		t.Errorf("the same again: %+v", got)
	}
	head := s.push(t)
	before := s.client.Calls()
	if got := s.upsert(t, s.client, head, "two"); got.Action != github.CommentUpdated {
		t.Errorf("after a push: %+v", got)
	}
	s.wantBodies(t, "two")
	if calls := s.client.Calls() - before; calls != 3 {
		t.Errorf("an update took %d calls, want 3: list, pull request, edit", calls)
	}
	if got := s.repo.Comments(s.pr)[0].Body; got != "<!-- sluice:check head="+head+" -->\ntwo" {
		t.Errorf("body %q", got)
	}
}

func TestCommentUpdateOnly(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	only := github.CommentOptions{Head: s.head, UpdateOnly: true}
	got, err := s.client.UpsertComment(context.Background(), s.pr, "check", []string{"nothing"}, only)
	if err != nil || got.Action != github.CommentNotNeeded {
		t.Errorf("without a comment: %+v, %v", got, err)
	}
	s.wantBodies(t)
	s.upsert(t, s.client, s.head, "something")
	if _, err = s.client.UpsertComment(context.Background(), s.pr, "check", []string{"nothing"}, only); err != nil {
		t.Error(err)
	}
	s.wantBodies(t, "nothing")
}

func TestCommentOfOthersIsLeftAlone(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	marker := "<!-- sluice:check head=" + s.head + " -->\n"
	s.repo.AddComment(s.pr, "stranger", marker+"forged")
	s.repo.AddComment(s.pr, "other[bot]", marker+"another App's")
	s.repo.AddComment(s.pr, "github-actions[bot]", "quoted:\n"+marker)
	s.repo.AddComment(s.pr, "github-actions[bot]", "<!-- sluice:promote head="+s.head+" -->\nanother of ours")
	s.upsert(t, s.client, s.head, "one")
	s.upsert(t, s.client, s.head, "two")
	s.wantBodies(t, "stranger: forged", "other[bot]: another App's", "quoted:\n"+marker, "another of ours", "two")
}

func TestCommentIsFoundOnALaterPage(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	for i := range 120 {
		s.repo.AddComment(s.pr, "octocat", fmt.Sprint("talk ", i))
	}
	s.upsert(t, s.client, s.head, "one")
	for i := range 120 {
		s.repo.AddComment(s.pr, "octocat", fmt.Sprint("more talk ", i))
	}
	s.upsert(t, s.client, s.head, "two")
	if got := s.bodies(); len(got) != 241 || got[120] != "two" {
		t.Errorf("%d comments, the 121st is %q", len(got), got[120])
	}
}

func TestCommentTiers(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	huge, medium := strings.Repeat("x", 70_000), strings.Repeat("é", 60_000)
	got := s.upsert(t, s.client, s.head, huge, medium, "short")
	if got.Tier != 1 || s.gh.Count("POST", commentsPath) != 1 {
		t.Errorf("tier %d in %d calls, want the second at once", got.Tier, s.gh.Count("POST", commentsPath))
	}
	s.wantBodies(t, medium)

	tooLong := githubtest.Fault{Status: 422, Body: map[string]any{"message": "Validation Failed", "documentation_url": "x", "errors": []any{
		map[string]any{"resource": "IssueComment", "code": "custom", "field": "body", "message": "Body is too long (maximum is 65536 characters)"},
	}}}.On("PATCH", commentPath)
	tooLong.Times = 2
	s.gh.AddFault(tooLong)
	if got := s.upsert(t, s.client, s.head, "long", "medium", "short"); got.Tier != 2 {
		t.Errorf("GitHub refused two lengths and tier %d was written, want 2", got.Tier)
	}
	s.wantBodies(t, "short")

	_, err := s.client.UpsertComment(context.Background(), s.pr, "check", []string{huge}, github.CommentOptions{Head: s.head})
	var refused *github.RefusedError
	if !errors.As(err, &refused) || refused.Status != 422 || !strings.Contains(err.Error(), "too long") {
		t.Errorf("nothing fits: %v", err)
	}
}

// TestCommentAtTheLimit posts what has exactly as many characters as GitHub takes, marker included, of one byte and of four: what is one
// longer is not even tried. Four bytes are the most that a character has, so the limit in bytes is kept with the one in characters.
func TestCommentAtTheLimit(t *testing.T) {
	t.Parallel()
	for name, character := range map[string]string{"ASCII": "x", "four bytes": "😀"} {
		s := newScene(t)
		s.upsert(t, s.client, s.head, "x")
		marker := len(s.repo.Comments(s.pr)[0].Body) - len("x")
		fits := strings.Repeat(character, 65_536-marker)
		before := s.gh.Count("PATCH", commentPath)
		if got := s.upsert(t, s.client, s.head, fits+character, "short"); got.Tier != 1 || s.gh.Count("PATCH", commentPath) != before+1 {
			t.Errorf("%s: one character too many: form %d in %d calls", name, got.Tier, s.gh.Count("PATCH", commentPath)-before)
		}
		if got := s.upsert(t, s.client, s.head, fits, "short"); got.Tier != 0 {
			t.Errorf("%s: just as many as fit: form %d", name, got.Tier)
		}
		body := s.repo.Comments(s.pr)[0].Body
		if n := utf8.RuneCountInString(body); n != 65_536 || len(body) > 262_144 {
			t.Errorf("%s: %d characters, %d bytes", name, n, len(body))
		}
	}
}

func TestOlderRunDoesNotWriteOverNewer(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	newer := s.push(t)
	s.upsert(t, s.client, newer, "newer")
	if got := s.upsert(t, s.client, s.head, "older"); got.Action != github.CommentOutdated {
		t.Errorf("the older run: %+v", got)
	}
	s.wantBodies(t, "newer")
}

// The pull request that GitHub shows may lag behind the push that started the run.
func TestPullRequestThatLags(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.upsert(t, s.client, s.head, "older")
	stale := s.repo.PullRequestEvent(s.pr, "opened")
	newer := s.push(t)
	s.gh.AddFault(githubtest.Fault{Method: "GET", Path: pullPath, Times: 2, Status: 200, Body: pullOf(t, stale)})
	if got := s.upsert(t, s.client, newer, "newer"); got.Action != github.CommentUpdated {
		t.Errorf("%+v", got)
	}
	s.wantBodies(t, "newer")
}

func TestTwoRunsAtOnce(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.gh.AddFault(githubtest.Fault{Method: "GET", Path: commentsPath, Times: 2, Lag: 1}) // neither sees the other's before it creates
	var both sync.WaitGroup
	for i := range 2 {
		client := s.as(t, s.gh.ActionsToken())
		both.Go(func() {
			if _, err := client.UpsertComment(context.Background(), s.pr, "check", []string{fmt.Sprint("run ", i)}, github.CommentOptions{Head: s.head}); err != nil {
				t.Error(err)
			}
		})
	}
	both.Wait()
	s.upsert(t, s.client, s.head, "later run")
	s.wantBodies(t, "later run")
}

// The same race, step by step: the other run's comment is older, and of an older head.
func TestRaceKeepsTheOldest(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		otherIsNewer bool
		want         string
		action       github.CommentAction
	}{
		"the other run is the older": {false, "ours", github.CommentUpdated},
		"the other run is the newer": {true, "theirs", github.CommentOutdated},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			older, newer := s.head, s.push(t)
			ours, theirs := newer, older
			if tt.otherIsNewer {
				ours, theirs = older, newer
			}
			s.repo.AddComment(s.pr, "github-actions[bot]", "<!-- sluice:check head="+theirs+" -->\ntheirs")
			s.gh.AddFault(githubtest.Fault{Method: "GET", Path: commentsPath, Lag: 1})
			if tt.otherIsNewer { // our run began when its head was the pull request's
				s.gh.AddFault(githubtest.Fault{Method: "GET", Path: pullPath, Status: 200, Body: pullWithHead(t, s.repo.PullRequestEvent(s.pr, "opened"), ours)})
			}
			if got := s.upsert(t, s.client, ours, "ours"); got.Action != tt.action || got.Removed != 1 {
				t.Errorf("%+v", got)
			}
			s.wantBodies(t, tt.want)
		})
	}
}

func TestDuplicatesAreRemoved(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	for i := range 3 {
		s.repo.AddComment(s.pr, "github-actions[bot]", fmt.Sprintf("<!-- sluice:check head=%s -->\n%d", s.head, i))
	}
	first := s.repo.Comments(s.pr)[0].ID
	s.gh.AddFault(githubtest.Fault{Method: "DELETE", Path: commentPath, Status: 502, Apply: true}) // done, but the answer is lost
	if got := s.upsert(t, s.client, s.head, "one"); got.Removed != 2 {
		t.Errorf("%+v", got)
	}
	if left := s.repo.Comments(s.pr); len(left) != 1 || left[0].ID != first {
		t.Errorf("%+v, want the oldest, %d", left, first)
	}
}

func TestCreateIsNotDoubled(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]githubtest.Fault{
		"502, not done":              {Status: 502},
		"502, done":                  {Status: 502, Apply: true},
		"broken connection, done":    {Reset: true, Apply: true},
		"broken connection, not":     {Reset: true},
		"three times 500, then done": {Status: 500, Times: 3},
		"no answer, done":            {Hang: true, Apply: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			s.gh.AddFault(fault.On("POST", commentsPath))
			client := s.as(t, s.gh.ActionsToken(), func(o *github.Options) {
				if fault.Hang {
					o.Timeout = second / 2
				}
			})
			s.upsert(t, client, s.head, "one")
			s.wantBodies(t, "one")
		})
	}
}

// When the list lags too, the comment is doubled, and the double removed at once.
func TestDoubledCreateIsCleaned(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.gh.AddFault(githubtest.Fault{Method: "POST", Path: commentsPath, Status: 502, Apply: true})
	s.gh.AddFault(githubtest.Fault{Method: "GET", Path: commentsPath, Times: 2, Lag: 1})
	s.upsert(t, s.client, s.head, "one")
	s.wantBodies(t, "one")
}

func TestCommentDeletedMeanwhile(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.upsert(t, s.client, s.head, "one")
	s.gh.AddFault(githubtest.Fault{Method: "PATCH", Path: commentPath, Status: 404})
	if got := s.upsert(t, s.client, s.head, "two"); got.Action != github.CommentCreated && got.Action != github.CommentUpdated {
		t.Errorf("%+v", got)
	}
	s.wantBodies(t, "two")
}

func TestCommentWithoutPermission(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	write := func(client *github.Client) error {
		_, err := client.UpsertComment(context.Background(), s.pr, "check", []string{"one"}, github.CommentOptions{Head: s.head})
		return err
	}
	var permission *github.PermissionError
	err := write(s.as(t, s.gh.ForkToken()))
	if !errors.As(err, &permission) || permission.Needs != "pull-requests: write" {
		t.Fatalf("%v, want a PermissionError", err)
	}
	for _, want := range []string{"Resource not accessible by integration", "permissions:\n      pull-requests: write", "fork"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not say %q", err, want)
		}
	}
	var refused *github.RefusedError
	if err := write(s.as(t, "unknown")); !errors.As(err, &refused) || refused.Status != 401 || !strings.Contains(err.Error(), "not valid") {
		t.Errorf("a wrong token: %v", err)
	}
	s.repo.LockConversation(s.pr)
	if err := write(s.client); !errors.As(err, &refused) || !strings.Contains(err.Error(), "locked") {
		t.Errorf("a locked conversation: %v", err)
	}
}

// Who we are decides which comment is ours, for each kind of token.
func TestIdentity(t *testing.T) {
	t.Parallel()
	write := map[string]string{"pull-requests": "write"}
	for name, tt := range map[string]struct {
		token githubtest.Token
		first string // what Login says before anything is created
	}{
		"GITHUB_TOKEN":                 {githubtest.Token{Login: "github-actions[bot]", App: "github-actions", Permissions: write}, "github-actions[bot]"},
		"GITHUB_TOKEN, an old server":  {githubtest.Token{Login: "github-actions[bot]", App: "github-actions", Permissions: write, NoViewer: true}, "github-actions[bot]"},
		"a GitHub App":                 {githubtest.Token{Login: "acme[bot]", App: "acme", Permissions: write}, "acme[bot]"},
		"a GitHub App, an old server":  {githubtest.Token{Login: "acme[bot]", App: "acme", Permissions: write, NoViewer: true}, "github-actions[bot]"},
		"a personal token":             {githubtest.Token{Login: "octocat", Permissions: write}, "octocat"},
		"a personal token, no GraphQL": {githubtest.Token{Login: "octocat", Permissions: write, NoViewer: true}, "octocat"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			client := s.as(t, s.gh.AddToken("secret", tt.token))
			if login, err := client.Login(context.Background()); err != nil || login != tt.first {
				t.Errorf("login %q, %v, want %q", login, err, tt.first)
			}
			s.upsert(t, client, s.head, "one")
			s.upsert(t, client, s.head, "two")
			if c := s.repo.Comments(s.pr); len(c) != 1 || c[0].Author != tt.token.Login || !strings.HasSuffix(c[0].Body, "\ntwo") {
				t.Errorf("%+v", c)
			}
			// Another run starts anew.
			s.upsert(t, s.as(t, "secret"), s.head, "three")
			if c := s.repo.Comments(s.pr); len(c) != 1 || !strings.HasSuffix(c[0].Body, "\nthree") {
				t.Errorf("the next run: %+v", c)
			}
		})
	}
}

// TestIdentityInAnOutage: GraphQL that has a problem is no refusal. Who asks is told so; a comment is written all the same, once.
func TestIdentityInAnOutage(t *testing.T) {
	t.Parallel()
	wrong := func(kind string) githubtest.Fault {
		return githubtest.Fault{Status: 200, Body: map[string]any{"data": nil, "errors": []any{map[string]any{"type": kind, "message": "Something went wrong"}}}}
	}
	for name, tt := range map[string]struct {
		fault githubtest.Fault
		login string // "" is an error
	}{
		"502":        {githubtest.Fault{Status: 502}, ""},
		"broken off": {githubtest.Fault{Reset: true}, ""},
		"200, error": {wrong(""), ""},
		"403":        {githubtest.Fault{Status: 403}, "github-actions[bot]"},
		"404":        {githubtest.Fault{Status: 404}, "github-actions[bot]"},
		"forbidden":  {wrong("FORBIDDEN"), "github-actions[bot]"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			tt.fault.Times = -1
			s.gh.AddFault(tt.fault.On("POST", "/graphql"))
			login, err := s.client.Login(t.Context())
			if login != tt.login || (err == nil) != (login != "") || errors.As(err, new(*github.PermissionError)) {
				t.Errorf("login %q, %v, want %q", login, err, tt.login)
			}
			person := s.as(t, s.gh.AddToken("person", githubtest.Token{Login: "octocat"}))
			if login, err := person.Login(t.Context()); err != nil || login != "octocat" { // who may ask otherwise
				t.Errorf("login %q, %v", login, err)
			}
			client := s.as(t, s.gh.ActionsToken())
			s.upsert(t, client, s.head, "one")
			s.upsert(t, client, s.head, "two")
			s.upsert(t, s.as(t, s.gh.ActionsToken()), s.head, "three")
			s.wantBodies(t, "three")
		})
	}
}
