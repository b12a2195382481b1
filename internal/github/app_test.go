package github_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluice-dev/sluice/internal/github"
	"github.com/sluice-dev/sluice/internal/githubtest"
)

// installation registers an App that may do what a check needs, on the scene's repository, and gives the source of its tokens.
func (s *scene) installation(t *testing.T, change ...func(*github.Options)) (*github.Installation, *[]string) {
	t.Helper()
	s.gh.Clock = s.clock.now
	key := s.gh.AddApp("42", "gatekeeper", map[string]string{"contents": "read", "pull-requests": "write", "checks": "write"}, s.repo, s.gh.CreateRepo("acme/other"))
	opts := github.Options{
		Repo: s.repo.FullName, APIURL: s.gh.APIURL, Token: "of nobody",
		Now: s.clock.now, Sleep: s.clock.sleep, Jitter: func(d time.Duration) time.Duration { return d },
	}
	for _, f := range change {
		f(&opts)
	}
	var made []string
	// Some put the key into a secret as one line.
	i, err := github.App{ID: "42", PrivateKey: strings.ReplaceAll(key, "\n", `\n`)}.Installation(opts, func(token string) { made = append(made, token) })
	if err != nil {
		t.Fatal(err)
	}
	return i, &made
}

// asApp gives a client with the App's tokens.
func (s *scene) asApp(t *testing.T, i *github.Installation, change ...func(*github.Options)) *github.Client {
	t.Helper()
	return s.as(t, "", append(change, func(o *github.Options) { o.Installation = i })...)
}

func TestAppToken(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	installation, made := s.installation(t)
	s.gh.AddFault(githubtest.Fault{Method: "POST", Path: "/app/installations/*/access_tokens", Status: 502, Apply: true})
	if err := installation.Begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	if tokens := s.gh.AppTokens("gatekeeper"); len(tokens) != 2 || !slices.Equal(*made, tokens[1:]) {
		t.Errorf("told of %q, got %q, of which the answer with the first was lost", *made, tokens)
	}
	client := s.asApp(t, installation)
	if login, err := client.Login(t.Context()); err != nil || login != "gatekeeper[bot]" || client.Calls() != 0 {
		t.Errorf("%q, %v, %d calls", login, err, client.Calls())
	}
	if result, err := client.UpsertComment(t.Context(), s.pr, "check", []string{"text"}, github.CommentOptions{Head: s.head}); err != nil || result.Action != github.CommentCreated {
		t.Errorf("%+v, %v", result, err)
	}
	elsewhere, err := github.New(github.Options{Repo: "acme/other", APIURL: s.gh.APIURL, Token: (*made)[0], Now: s.clock.now, Sleep: s.clock.sleep})
	if err != nil {
		t.Fatal(err)
	}
	if err := elsewhere.AddLabels(t.Context(), 1, "x"); err == nil || !strings.Contains(err.Error(), "not found (404)") {
		t.Errorf("the token reaches another repository: %v", err)
	}
}

func TestAppThatIsRefused(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.gh.AddApp("42", "gatekeeper", nil, s.repo)
	foreign := s.gh.AddApp("43", "elsewhere", nil, s.gh.CreateRepo("acme/other"))
	opts := github.Options{Repo: s.repo.FullName, APIURL: s.gh.APIURL, Sleep: func(context.Context, time.Duration) error { return nil }}
	for name, test := range map[string]struct {
		app  github.App
		says string
	}{
		"a key that is not PEM":        {github.App{ID: "42", PrivateKey: "secret-stuff"}, "PEM"},
		"a key of another kind":        {github.App{ID: "42", PrivateKey: "-----BEGIN EC PRIVATE KEY-----\nc2VjcmV0\n-----END EC PRIVATE KEY-----\n"}, "not an RSA key"},
		"the key of another App":       {github.App{ID: "42", PrivateKey: foreign}, "private key"},
		"an App that is not installed": {github.App{ID: "43", PrivateKey: foreign}, "not installed"},
	} {
		installation, err := test.app.Installation(opts, func(string) { t.Errorf("%s: a token", name) })
		if err == nil {
			err = installation.Begin(t.Context())
		}
		if err == nil || !strings.Contains(err.Error(), test.says) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestAppTokenIsRenewed: a token lives for an hour. Before it ends a new one is got; one that GitHub refuses earlier is replaced, and the
// call that it was refused for is made again, whatever it does. The memory of answers is of no harm.
func TestAppTokenIsRenewed(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	installation, made := s.installation(t)
	client := s.asApp(t, installation)
	say := func(text string, tokens int) {
		t.Helper()
		s.upsert(t, client, s.head, text)
		s.wantAppComment(t, text)
		if len(*made) != tokens {
			t.Errorf("%q: %d tokens, want %d", text, len(*made), tokens)
		}
	}
	say("at once", 1)
	s.clock.pass(50 * time.Minute)
	say("fifty minutes later", 1)
	s.clock.pass(5 * time.Minute)
	say("before the hour is over", 2)
	s.gh.ExpireAppTokens()
	say("after it was taken away", 3)
	s.gh.ExpireAppTokens()
	if err := client.AddLabels(t.Context(), s.pr, "a write"); err != nil || len(*made) != 4 {
		t.Errorf("a write whose token has expired: %v, %d tokens", err, len(*made))
	}

	// What cannot be renewed ends with the reason, after one question.
	s.gh.ExpireAppTokens()
	s.gh.AddFault(githubtest.Fault{Method: "POST", Path: "/app/installations/*/access_tokens", Status: 403, Times: -1})
	before := len(s.gh.Requests())
	_, err := client.UpsertComment(t.Context(), s.pr, "check", []string{"too late"}, github.CommentOptions{Head: s.head})
	if err == nil || !strings.Contains(err.Error(), "get a token of GitHub App 42 for acme/config") {
		t.Errorf("%v", err)
	}
	if n := len(s.gh.Requests()) - before; n != 2 {
		t.Errorf("%d requests, want one and one for a token", n)
	}
}

// TestWaitingForATokenCounts: what a run waits for a token is part of all that it may wait.
func TestWaitingForATokenCounts(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	installation, _ := s.installation(t)
	limit := githubtest.SecondaryLimit(403, 100*second)
	s.gh.AddFault(times(2, limit.On("POST", "/app/installations/*/access_tokens")))
	s.gh.AddFault(times(2, limit.On("GET", pullPath)))
	_, err := s.asApp(t, installation).OpenPull(t.Context(), s.pr)
	if want := []time.Duration{100 * second, 100 * second, 100 * second}; !errors.As(err, new(*github.LimitError)) || !slices.Equal(s.clock.slept, want) {
		t.Errorf("%v after %v, want %v", err, s.clock.slept, want)
	}
}

// TestAppTokenForMany: calls at the same time whose token has expired get one new token together.
func TestAppTokenForMany(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	installation, made := s.installation(t)
	client := s.asApp(t, installation)
	if err := installation.Begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.gh.ExpireAppTokens()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if at, err := client.Branch(t.Context(), "feature"); err != nil || at != s.head {
				t.Errorf("%q, %v", at, err)
			}
		})
	}
	wg.Wait()
	if len(*made) != 2 {
		t.Errorf("%d tokens, want two", len(*made))
	}
}

func (s *scene) wantAppComment(t *testing.T, text string) {
	t.Helper()
	if c := s.repo.Comments(s.pr); len(c) != 1 || c[0].Author != "gatekeeper[bot]" || !strings.HasSuffix(c[0].Body, "\n"+text) {
		t.Errorf("comments %+v, want %q", c, text)
	}
}

// TestFixedTokenIsNotAskedForAgain: another try with the same token would be refused again.
func TestFixedTokenIsNotAskedForAgain(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	_, err := s.as(t, "wrong").PullsOf(t.Context(), "feature")
	if err == nil || !strings.Contains(err.Error(), "401") || len(s.gh.Requests()) != 1 {
		t.Errorf("%v after %d requests", err, len(s.gh.Requests()))
	}
}

// TestClockThatIsWrong: the clock of a machine may be wrong by hours. What an App signs is for GitHub's time, a token is renewed when it ends
// and not before, and a limit is waited for as long as GitHub means.
func TestClockThatIsWrong(t *testing.T) {
	t.Parallel()
	for name, wrong := range map[string]time.Duration{"ahead": 3 * time.Hour, "behind": -3 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			skew := func(o *github.Options) { o.Now = func() time.Time { return s.clock.now().Add(wrong) } }
			installation, made := s.installation(t, skew)
			client := s.asApp(t, installation, skew)
			for range 3 {
				s.upsert(t, client, s.head, "text")
			}
			if len(*made) != 1 {
				t.Errorf("%d tokens for three comments", len(*made))
			}
			s.gh.AddFault(githubtest.PrimaryLimit(403, s.clock.now().Add(40*second)).On("GET", commentsPath))
			s.upsert(t, client, s.head, "more")
			at := s.clock.now().Add(20 * second).UTC().Format(http.TimeFormat)
			s.gh.AddFault(githubtest.Fault{Method: "GET", Path: commentsPath, Status: 429, Header: map[string]string{"Retry-After": at}})
			s.upsert(t, client, s.head, "and more")
			if want := []time.Duration{41 * second, 20 * second}; !slices.Equal(s.clock.slept, want) {
				t.Errorf("slept %v, want %v", s.clock.slept, want)
			}
			s.clock.pass(55 * time.Minute)
			s.upsert(t, client, s.head, "later")
			if len(*made) != 2 {
				t.Errorf("%d tokens after an hour", len(*made))
			}
		})
	}
}

// TestConditionalRequests has an answer that did not change asked for by its ETag, and one that did read anew.
func TestConditionalRequests(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	match := func() github.PullMatch {
		t.Helper()
		match, err := s.client.MatchPull(t.Context(), s.pr, github.Run{Head: s.head, HeadID: s.repo.ID()})
		if err != nil {
			t.Fatal(err)
		}
		return match
	}
	statuses := func() (out []int) {
		for _, r := range s.gh.Requests() {
			out = append(out, r.Sent)
		}
		return out
	}
	for range 2 {
		if match() != github.PullMatches {
			t.Error("no match")
		}
	}
	s.push(t)
	if match() != github.PullMovedOn {
		t.Error("the push was not seen")
	}
	if got := statuses(); len(got) != 3 || got[0] != 200 || got[1] != 304 || got[2] != 200 {
		t.Errorf("statuses %v, want 200, 304, 200", got)
	}
	if s.client.Calls() != 3 {
		t.Errorf("%d calls are counted: a 304 is one, though GitHub does not count it", s.client.Calls())
	}
}
