package github_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluice-dev/sluice/internal/github"
	"github.com/sluice-dev/sluice/internal/githubtest"
)

// clock is a time that passes only while somebody sleeps.
type clock struct {
	mu    sync.Mutex
	at    time.Time
	slept []time.Duration
}

// newClock stands far in the future: the library, which reads the real clock, would take a reset by this one as still to come.
func newClock() *clock { return &clock{at: time.Date(2099, 3, 2, 9, 0, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) sleep(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
	c.slept = append(c.slept, d)
	return ctx.Err()
}

// pass has time pass.
func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// scene is a repository with a pull request, and a client for it.
type scene struct {
	gh     *githubtest.GitHub
	repo   *githubtest.Repo
	pr     int
	head   string
	clock  *clock
	client *github.Client
}

func newScene(t *testing.T) *scene {
	t.Helper()
	s := &scene{gh: githubtest.New(t), clock: newClock()}
	s.repo = s.gh.CreateRepo("acme/config")
	s.repo.Commit("main", githubtest.Files{"app.yaml": "a: 1\n"}, "begin")
	s.head = s.repo.Commit("feature", githubtest.Files{"app.yaml": "a: 2\n"}, "change")
	s.pr = s.repo.OpenPullRequest(githubtest.PullOptions{Head: "feature"})
	s.client = s.as(t, s.gh.ActionsToken())
	return s
}

// as gives a client with another token.
func (s *scene) as(t *testing.T, token string, change ...func(*github.Options)) *github.Client {
	t.Helper()
	opts := github.Options{
		Repo: s.repo.FullName, Token: token, APIURL: s.gh.APIURL,
		Now: s.clock.now, Sleep: s.clock.sleep, Jitter: func(d time.Duration) time.Duration { return d },
	}
	for _, f := range change {
		f(&opts)
	}
	client, err := github.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// push moves the pull request's head.
func (s *scene) push(t *testing.T) string {
	t.Helper()
	return s.repo.Commit("feature", githubtest.Files{"app.yaml": "a: 3\n"}, "more")
}

// upsert writes the comment and fails the test when that does.
func (s *scene) upsert(t *testing.T, client *github.Client, head string, bodies ...string) github.CommentResult {
	t.Helper()
	result, err := client.UpsertComment(context.Background(), s.pr, "check", bodies, github.CommentOptions{Head: head})
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// bodies gives the comments on the pull request without the marker, and "author: " before those of others.
func (s *scene) bodies() []string {
	var out []string
	for _, c := range s.repo.Comments(s.pr) {
		body := c.Body
		if rest, ok := strings.CutPrefix(body, "<!-- sluice:"); ok {
			_, body, _ = strings.Cut(rest, "\n")
		}
		if c.Author != "github-actions[bot]" {
			body = c.Author + ": " + body
		}
		out = append(out, body)
	}
	return out
}

func (s *scene) wantBodies(t *testing.T, want ...string) {
	t.Helper()
	if got := s.bodies(); !slices.Equal(got, want) {
		t.Errorf("comments %.300q, want %.300q", got, want)
	}
}

const (
	commentsPath = "/repos/*/*/issues/*/comments"
	commentPath  = "/repos/*/*/issues/comments/*"
	pullPath     = "/repos/*/*/pulls/*"
	checksPath   = "/repos/*/*/check-runs"
	checkPath    = "/repos/*/*/check-runs/*"
	statusPath   = "/repos/*/*/statuses/*"
)

func TestOptions(t *testing.T) {
	t.Parallel()
	for _, opts := range []github.Options{
		{Repo: "config"}, {Repo: "acme/"}, {Repo: "acme/config/x"}, {Repo: "acme/..?"}, {},
		{Repo: "acme/config", APIURL: "ftp://x"}, {Repo: "acme/config", APIURL: "x"},
	} {
		if _, err := github.New(opts); err == nil {
			t.Errorf("%+v is fine, want an error", opts)
		}
	}
	if _, err := github.New(github.Options{Repo: "acme/config"}); err != nil {
		t.Error(err)
	}
}
