package github_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/sluice-dev/sluice/internal/github"
	"github.com/sluice-dev/sluice/internal/githubtest"
)

func TestAppToken(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	other := s.gh.CreateRepo("acme/other")
	may := map[string]string{"contents": "read", "pull-requests": "write", "checks": "write"}
	key := s.gh.AddApp("42", "gatekeeper", may, s.repo)
	foreign := s.gh.AddApp("43", "elsewhere", may, other)
	opts := github.Options{Repo: s.repo.FullName, APIURL: s.gh.APIURL, Sleep: func(context.Context, time.Duration) error { return nil }}

	s.gh.AddFault(githubtest.Fault{Method: "POST", Path: "/app/installations/*/access_tokens", Status: 502, Apply: true})
	token, err := github.App{ID: "42", PrivateKey: strings.ReplaceAll(key, "\n", `\n`)}.Token(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	client := s.as(t, token)
	if login, err := client.Login(t.Context()); err != nil || login != "gatekeeper[bot]" {
		t.Errorf("%q, %v", login, err)
	}
	if result, err := client.UpsertComment(t.Context(), s.pr, "check", []string{"text"}, github.CommentOptions{Head: s.head}); err != nil || result.Action != github.CommentCreated {
		t.Errorf("%+v, %v", result, err)
	}
	for name, test := range map[string]struct {
		app  github.App
		says string
	}{
		"a key that is not PEM":        {github.App{ID: "42", PrivateKey: "secret-stuff"}, "PEM"},
		"a key of another kind":        {github.App{ID: "42", PrivateKey: "-----BEGIN EC PRIVATE KEY-----\nc2VjcmV0\n-----END EC PRIVATE KEY-----\n"}, "not an RSA key"},
		"the key of another App":       {github.App{ID: "42", PrivateKey: foreign}, "private key"},
		"an App that is not installed": {github.App{ID: "43", PrivateKey: foreign}, "not installed"},
	} {
		if _, err := test.app.Token(t.Context(), opts); err == nil || !strings.Contains(err.Error(), test.says) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", name, err)
		}
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
}
