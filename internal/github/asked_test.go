package github_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-dev/sluice/internal/github"
	"github.com/sluice-dev/sluice/internal/githubtest"
)

// TestCommentEvents has every kind of comment that is nobody's command, and one that is.
func TestCommentEvents(t *testing.T) {
	t.Parallel()
	payload := func(change ...string) []byte {
		text := `{"action":"created","repository":{"full_name":"acme/config","default_branch":"main"},"sender":{"login":"alice"},
			"issue":{"number":7,"pull_request":{"url":"u"}},"comment":{"id":9,"body":"/sluice recheck","user":{"login":"alice","type":"User"}}}`
		return []byte(strings.NewReplacer(change...).Replace(text))
	}
	for name, tt := range map[string]struct {
		payload []byte
		why     string // "" where the comment is obeyed
	}{
		"a command":            {payload(), ""},
		"edited":               {payload(`"created"`, `"edited"`), "was edited"},
		"deleted":              {payload(`"created"`, `"deleted"`), "was deleted"},
		"on an issue":          {payload(`"pull_request":{"url":"u"}`, `"pull_request":null`), "on an issue"},
		"by a bot":             {payload(`"type":"User"`, `"type":"Bot"`), "not a person"},
		"by a ghost":           {payload(`"type":"User"`, `"type":"Mannequin"`), "not a person"},
		"a name with a path":   {payload(`"alice"`, `"../../x"`), "not a person"},
		"a name of a bot":      {payload(`"alice"`, `"sluice[bot]"`), "not a person"},
		"sent by another":      {payload(`"sender":{"login":"alice"}`, `"sender":{"login":"mallory"}`), "somebody else"},
		"without a command":    {payload("/sluice recheck", "nice work"), "no command"},
		"a quote of a command": {payload("/sluice recheck", "> /sluice recheck"), "no command"},
	} {
		got, err := github.ParseEvent("issue_comment", tt.payload, github.Env{})
		switch {
		case err != nil:
			t.Errorf("%s: %v", name, err)
		case tt.why != "" && (!strings.Contains(got.Why, tt.why) || got.Comment != nil):
			t.Errorf("%s: why %q, want %q; comment %+v", name, got.Why, tt.why, got.Comment)
		case tt.why == "":
			want := &github.Comment{ID: 9, Pull: 7, Author: "alice", Body: "/sluice recheck", Commands: []github.Command{{Name: "recheck"}}}
			if diff := cmp.Diff(want, got.Comment); diff != "" || got.Check || got.Promote {
				t.Errorf("%s: %s", name, diff)
			}
		}
	}
}

// TestGateEvents: what may open a gate has promotions looked at, on the default branch; the rest says why not.
func TestGateEvents(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	for name, tt := range map[string]struct {
		event   string
		payload []byte
		why     string
	}{
		"a status that succeeds":     {"status", s.repo.StatusEvent(s.head, "argocd/shop", "success"), ""},
		"a status that fails":        {"status", s.repo.StatusEvent(s.head, "argocd/shop", "failure"), ""},
		"a status that is pending":   {"status", s.repo.StatusEvent(s.head, "argocd/shop", "pending"), "pending"},
		"our own status":             {"status", s.repo.StatusEvent(s.head, "sluice/gate", "success"), "sluice's own"},
		"a deployment that succeeds": {"deployment_status", s.repo.DeploymentStatusEvent(s.head, "staging", "success"), ""},
		"a deployment under way":     {"deployment_status", s.repo.DeploymentStatusEvent(s.head, "staging", "in_progress"), "in_progress"},
		"a check that is completed":  {"check_run", s.repo.CheckRunEvent(s.head, "smoke", "completed"), ""},
		"a check that is created":    {"check_run", s.repo.CheckRunEvent(s.head, "smoke", "created"), "was created"},
		"a suite that is completed":  {"check_suite", s.repo.CheckSuiteEvent(s.head, "Iv1.a", "completed"), ""},
	} {
		env := s.repo.RunnerEnv(tt.event, tt.payload)
		got, err := github.NewActions(func(key string) string { return env[key] }, nil).Event()
		if err != nil || got.Check || got.Promote != (tt.why == "") || !strings.Contains(got.Why, tt.why) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		if tt.why == "" && (got.Head != s.repo.Tip("main") || got.Ref != "refs/heads/main") {
			t.Errorf("%s: on %s at %s", name, got.Ref, got.Head)
		}
	}
}

func TestMayWrite(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	for person, permission := range map[string]string{"ada": "admin", "wim": "write", "rita": "read", "nora": "none"} {
		s.repo.SetCollaborator(person, permission)
		may, err := s.client.MayWrite(t.Context(), person)
		if want := permission == "admin" || permission == "write"; err != nil || may != want {
			t.Errorf("%s, %s: %t, %v", person, permission, may, err)
		}
	}
	for _, person := range []string{"stranger", "../ada", "", "ada/../ada", "sluice[bot]"} {
		if may, err := s.client.MayWrite(t.Context(), person); err != nil || may {
			t.Errorf("%q: %t, %v", person, may, err)
		}
	}
	for _, code := range []int{401, 403, 404, 500} {
		s.gh.ClearFaults()
		s.gh.AddFault(githubtest.Fault{Path: "/repos/*/*/collaborators/*/permission", Times: -1, Status: code})
		if may, err := s.client.MayWrite(t.Context(), "ada"); err == nil || may {
			t.Errorf("%d: %t, %v: nobody knows", code, may, err)
		}
	}
}

func TestReact(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	id := s.repo.AddComment(s.pr, "alice", "/sluice recheck")
	for _, reaction := range []github.Reaction{github.Seen, github.NotAllowed, github.NotUnderstood, github.Seen} {
		if err := s.client.React(t.Context(), id, reaction); err != nil {
			t.Error(err)
		}
	}
	if got := s.repo.Comments(s.pr)[0].Reactions; !slices.Equal(got, []string{"eyes", "-1", "confused"}) {
		t.Errorf("reactions %q", got)
	}
	var permission *github.PermissionError
	if err := s.as(t, s.gh.ForkToken()).React(t.Context(), id, github.Seen); !errors.As(err, &permission) {
		t.Errorf("%v, want that a permission is missing", err)
	}
}

func TestStands(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	id := s.repo.AddComment(s.pr, "alice", "/sluice recheck\n")
	comment := github.Comment{ID: id, Body: "/sluice recheck\r\n"}
	stands := func(want bool) {
		t.Helper()
		if got, err := s.client.Stands(t.Context(), comment); err != nil || got != want {
			t.Errorf("%t, %v, want %t", got, err, want)
		}
	}
	stands(true)
	s.repo.EditComment(id, "never mind")
	stands(false)
	s.repo.DeleteComment(id)
	stands(false)
}

func TestOpenPull(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	fork := s.repo.Fork("stranger")
	theirs := fork.Commit("theirs", githubtest.Files{"a.yaml": "a: 3\n"}, "change")
	pr := s.repo.OpenPullRequest(githubtest.PullOptions{Head: "theirs", From: fork})
	got, err := s.client.OpenPull(t.Context(), pr)
	if err != nil {
		t.Fatal(err)
	}
	if got.Pull.MergeSHA == "" {
		t.Error("no trial merge")
	}
	got.Pull.MergeSHA = ""
	want := github.Event{
		Name: "pull_request", Repo: "acme/config", DefaultBranch: "main", Check: true, Base: s.repo.Tip("main"), Head: theirs, Ref: "refs/heads/main",
		Pull: &github.Pull{Number: pr, HeadRef: "theirs", HeadRepo: "stranger/config", Fork: true},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	s.repo.ClosePullRequest(pr)
	if got, err := s.client.OpenPull(t.Context(), pr); err != nil || got.Check || got.Why != fmt.Sprintf("pull request %d is closed", pr) {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := s.client.OpenPull(t.Context(), 99); err == nil {
		t.Error("pull request 99 is there")
	}
}

func TestPullsAt(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.gh.PageSize = 1
	s.repo.Commit("elsewhere", nil, "another base")
	second := s.repo.OpenPullRequest(githubtest.PullOptions{Head: "feature", Base: "elsewhere"})
	closed := s.repo.OpenPullRequest(githubtest.PullOptions{Head: "feature"})
	s.repo.ClosePullRequest(closed)
	if got, err := s.client.PullsAt(t.Context(), s.head); err != nil || !slices.Equal(got, []int{s.pr, second}) {
		t.Errorf("%v, %v", got, err)
	}
	old := s.head
	s.push(t)
	if got, err := s.client.PullsAt(t.Context(), old); err != nil || len(got) > 0 {
		t.Errorf("a commit that is no head any more: %v, %v", got, err)
	}
}

// TestOwnStatus: a verdict that stands in for the check run of a step called otherwise than sluice starts no promotion.
func TestOwnStatus(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	for context, own := range map[string]bool{"eu": true, "eu (push)": true, "europe": false, "us": false, "eu/argocd": false} {
		path := filepath.Join(t.TempDir(), "event.json")
		if err := os.WriteFile(path, s.repo.StatusEvent(s.head, context, "success"), 0o600); err != nil {
			t.Fatal(err)
		}
		env := map[string]string{"GITHUB_EVENT_NAME": "status", "GITHUB_EVENT_PATH": path, "GITHUB_REPOSITORY": s.repo.FullName, "GITHUB_SHA": s.head}
		event, err := github.NewActions(func(key string) string { return env[key] }, nil).Event()
		if err != nil || event.OwnStatus("eu") != own {
			t.Errorf("%q: %v, %v, want %v", context, event.OwnStatus("eu"), err, own)
		}
	}
}
