package github_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/sluice-dev/sluice/internal/github"
	"github.com/sluice-dev/sluice/internal/githubtest"
)

const (
	prBase   = "f95f852bd8fca8fcc58a9a2d6c842781e32a215e"
	prHead   = "ec26c3e57ca3a959ca5aad62de7213c562f8c821"
	prMerge  = "b1d2c3e4f5a60718293a4b5c6d7e8f9012345678"
	prTrial  = "c4295bd74fb0f4fda03689c3df3f2803b658fd85"
	pushed   = "6113728f27ae82c7b1a177c8d03f9e96e0adf246"
	runnerAt = "0123456789012345678901234567890123456789"
	rerunAt  = "d6fde92930d4715a2b49857d24b940956b26d2d3"
	hello    = "Codertocat/Hello-World"
)

// TestEveryExampleEvent goes over all examples of payloads: what runs, on which commits, and what is refused.
func TestEveryExampleEvent(t *testing.T) {
	t.Parallel()
	pull := func(change func(*github.Event)) github.Event {
		e := github.Event{
			Name: "pull_request", Repo: hello, DefaultBranch: "master", Sender: "Codertocat", Check: true,
			Base: prBase, Head: prHead, Ref: "refs/heads/master",
			Pull: &github.Pull{Number: 2, HeadRef: "changes", HeadRepo: hello, Labels: []string{"bug"}},
		}
		change(&e)
		return e
	}
	action := func(name string) github.Event { return pull(func(e *github.Event) { e.Action = name }) }
	fork := func(name string) github.Event {
		return pull(func(e *github.Event) {
			e.Action, e.Sender, e.Pull.HeadRepo, e.Pull.Fork = name, "forker", "forker/Hello-World", true
		})
	}
	comment := func(action, why string) github.Event {
		return github.Event{Name: "issue_comment", Action: action, Repo: hello, DefaultBranch: "master", Sender: "Codertocat", Why: why}
	}
	gate := func(name, action string) github.Event {
		return github.Event{Name: name, Action: action, Repo: hello, DefaultBranch: "master", Sender: "Codertocat", Promote: true, Head: runnerAt, Ref: "refs/heads/master"}
	}
	want := map[string]github.Event{
		"pull_request.opened.json":           action("opened"),
		"pull_request.synchronize.json":      action("synchronize"),
		"pull_request.reopened.json":         action("reopened"),
		"pull_request.ready_for_review.json": action("ready_for_review"),
		"pull_request.labeled.json": pull(func(e *github.Event) {
			e.Action, e.Pull.MergeSHA = "labeled", prTrial
		}),
		"pull_request.opened-from-fork.json":      fork("opened"),
		"pull_request.synchronize-from-fork.json": fork("synchronize"),
		"pull_request.opened-fork-deleted.json": pull(func(e *github.Event) {
			e.Action, e.Sender, e.Pull.HeadRepo, e.Pull.Fork = "opened", "forker", "", true
		}),
		"pull_request.closed-unmerged.json": pull(func(e *github.Event) {
			e.Action, e.Check, e.Why = "closed", false, "the pull request was closed without being merged"
			e.Pull.MergeSHA = prTrial
		}),
		"pull_request.closed-merged.json": pull(func(e *github.Event) {
			e.Action, e.Check, e.Promote, e.Head = "closed", false, true, prMerge
			e.Pull.Merged, e.Pull.MergeSHA = true, prMerge
		}),
		"merge_group.checks_requested.json": {
			Name: "merge_group", Action: "checks_requested", Repo: "octo-org/octo-repo", DefaultBranch: "main", Sender: "Codertocat", Check: true,
			Base: "380387fbc80638b734a49e1be1c4dfec1c01b33c", Head: "2ffea6db159f6b6c47a24e778fb9ef40cf6b1c7d",
			Ref: "refs/heads/gh-readonly-queue/main/pr-104-929f8209d40f77f4abc622a499c93a83babdbe64",
		},
		"push.branch-created.json": {
			Name: "push", Repo: hello, DefaultBranch: "master", Sender: "Codertocat", Check: true, Promote: true, Head: pushed, Ref: "refs/heads/master",
		},
		"push.branch.json": {
			Name: "push", Repo: "binkkatal/sample_app", DefaultBranch: "master", Sender: "binkkatal", Check: true, Promote: true,
			Base: "737d38c599c1b2991664dfc6155d6bf516fcce36", Head: "fd489864e7642b48eaad6e3f155c10e46810ec72", Ref: "refs/heads/master",
		},
		"push.tag.json": {
			Name: "push", Repo: hello, DefaultBranch: "master", Sender: "Codertocat", Head: pushed, Ref: "refs/tags/simple-tag",
			Why: "the push was of a tag: environments live on branches",
		},
		"push.deleted.json": {
			Name: "push", Repo: hello, DefaultBranch: "master", Sender: "Codertocat", Base: pushed, Ref: "refs/tags/simple-tag",
			Why: "the push deleted refs/tags/simple-tag",
		},
		"workflow_dispatch.json": {
			Name: "workflow_dispatch", Repo: "octo-org/octo-repo", DefaultBranch: "main", Sender: "octocat", Check: true, Promote: true, Head: runnerAt, Ref: "refs/heads/main",
		},
		"repository_dispatch.json": {
			Name: "repository_dispatch", Action: "on-demand-test", Repo: "octo-org/octo-repo", DefaultBranch: "master", Sender: "Codertocat", Check: true, Promote: true, Head: runnerAt, Ref: "refs/heads/master",
		},
		"workflow_run.completed-no-prs.json": {
			Name: "workflow_run", Action: "completed", Repo: "octo-org/octo-repo", DefaultBranch: "master", Sender: "Codertocat",
			Head: "3484a3fb816e0859fd6e1cea078d76385ff50625", Why: `the workflow run was for the event "repository_dispatch": only those of pull requests from forks leave a report to publish`,
		},
		"workflow_run.completed.json": {
			Name: "workflow_run", Action: "completed", Repo: "octo-org/octo-repo", DefaultBranch: "master", Sender: "Codertocat",
			Head: "3484a3fb816e0859fd6e1cea078d76385ff50625", Why: `the workflow run was for the event "repository_dispatch": only those of pull requests from forks leave a report to publish`,
		},
		"issue_comment.created-on-pr.json": {
			Name: "issue_comment", Action: "created", Repo: "chhsia0/knative-route-demo", DefaultBranch: "master", Sender: "chhsia0", Why: "the comment has no command for sluice",
		},
		"issue_comment.created-on-issue.json": comment("created", "the comment is on an issue, not on a pull request"),
		"issue_comment.edited.json":           comment("edited", "the comment was edited: a command counts when the comment is written"),
		"issue_comment.deleted.json":          comment("deleted", "the comment was deleted: a command counts when the comment is written"),
		"check_run.rerequested.json": {
			Name: "check_run", Action: "rerequested", Repo: "github/hello-world", DefaultBranch: "master", Sender: "octocat", Head: rerunAt,
			Rerun: &github.CheckRef{Head: rerunAt, Name: "randscape", Apps: []string{"2"}},
		},
		"check_run.requested_action.json": {
			Name: "check_run", Action: "requested_action", Repo: "electron/electron", DefaultBranch: "master", Sender: "codebytere", Head: "5bd5f196a46b8222fb7484f05faba41a73cf34bd",
			Click: &github.Click{
				Check:  github.CheckRef{Head: "5bd5f196a46b8222fb7484f05faba41a73cf34bd", Name: "API Review", Apps: []string{"25811"}},
				Button: "lgtm|26764", By: "codebytere",
			},
		},
		"check_run.completed.json": gate("check_run", "completed"),
		"check_suite.requested.json": {
			Name: "check_suite", Action: "requested", Repo: hello, DefaultBranch: "master", Sender: "Codertocat", Head: prBase,
			Why: "the check suite was requested: pull requests are checked on pull_request",
		},
		"check_suite.rerequested.json": {
			Name: "check_suite", Action: "rerequested", Repo: hello, DefaultBranch: "master", Sender: "octocoders-linter[bot]", Head: prHead,
			Rerun: &github.CheckRef{Head: prHead, Apps: []string{"29310"}},
		},
		"check_suite.completed.json": {
			Name: "check_suite", Action: "completed", Repo: hello, DefaultBranch: "main", Sender: "Codertocat", Promote: true, Head: runnerAt, Ref: "refs/heads/main",
		},
		"status.json": ofStatus(gate("status", ""), "default"),
		"pull_request_review.submitted.json": {
			Name: "pull_request_review", Action: "submitted", Repo: hello, DefaultBranch: "master", Sender: "Codertocat", Head: prHead, Ref: "refs/heads/master",
			Why: "the review only comments: it approves nothing",
		},
		"pull_request_review.submitted-fork.json": {
			Name: "pull_request_review", Action: "submitted", Repo: "baxterthehacker/public-repo", DefaultBranch: "master", Sender: "baxterthehacker",
			Head: "b7a1f9c27caa4e03c14a88feb56e2d4f7500aa63", Ref: "refs/heads/master",
			Why: "the review is of a pull request from a fork: promotions come from the repository itself",
		},
		"deployment_status.created.json": gate("deployment_status", "created"),
		"schedule.json": {
			Name: "schedule", Repo: hello, DefaultBranch: "master", Check: true, Promote: true, Head: runnerAt, Ref: "refs/heads/master",
		},
	}
	manifest, err := githubtest.EventFile("MANIFEST.json")
	if err != nil {
		t.Fatal(err)
	}
	var examples []struct{ File, Event string }
	if err := json.Unmarshal(manifest, &examples); err != nil {
		t.Fatal(err)
	}
	env := github.Env{Repo: hello, SHA: runnerAt, Ref: "refs/heads/master"}
	for _, example := range examples {
		t.Run(example.File, func(t *testing.T) {
			payload, err := githubtest.EventFile(example.File)
			if err != nil {
				t.Fatal(err)
			}
			got, err := github.ParseEvent(example.Event, payload, env)
			expected, runs := want[example.File]
			delete(want, example.File)
			var refused *github.EventError
			if !runs {
				if !errors.As(err, &refused) || refused.Name != example.Event {
					t.Errorf("%+v, %v: want an EventError", got, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(expected, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	for file := range want {
		t.Errorf("%s is not among the examples", file)
	}
}

func TestRefusedEvents(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"":                    "sluice check",
		"pull_request_target": "Use `on: pull_request`",
		"workflow_run":        "no workflow run",
		"issue_comment":       "no comment",
		"check_run":           "no check run",
		"check_suite":         "no check suite",
		"status":              "not a commit id",
		"deployment_status":   "no deployment",
		"pull_request_review": "no pull request",
		"issues":              "check_run, check_suite, status, deployment_status and pull_request_review",
	} {
		_, err := github.ParseEvent(name, []byte("{}"), github.Env{})
		var refused *github.EventError
		if !errors.As(err, &refused) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q in it", name, err, want)
		}
	}
}

func TestPayloadsThatLackWhatTheyMustHave(t *testing.T) {
	t.Parallel()
	id := prHead
	for name, tt := range map[string]struct{ event, payload, want string }{
		"not JSON":           {"push", `<html>`, "not JSON"},
		"no pull request":    {"pull_request", `{}`, "no pull request"},
		"number zero":        {"pull_request", `{"pull_request":{"number":0}}`, "no pull request"},
		"no base repository": {"pull_request", `{"pull_request":{"number":1}}`, "which repository"},
		"an option for a commit": {"pull_request", `{"pull_request":{"number":1,"base":{"sha":"--upload-pack=x","repo":{"full_name":"a/b"}},"head":{"sha":"` + id + `"}}}`,
			`base is "--upload-pack=x", not a commit id`},
		"merged without a commit": {"pull_request", `{"action":"closed","repository":{"default_branch":"main"},"pull_request":{"number":1,"merged":true,
			"base":{"ref":"main","sha":"` + id + `","repo":{"full_name":"a/b"}},"head":{"sha":"` + id + `"}}}`, "merge_commit_sha"},
		"no merge group":     {"merge_group", `{}`, "no merge group"},
		"a push of nothing":  {"push", `{"ref":"refs/heads/main"}`, "before"},
		"a short id":         {"push", `{"ref":"refs/heads/main","before":"` + id + `","after":"ec26c3e"}`, "after"},
		"a click on nothing": {"check_run", `{"action":"requested_action","check_run":{"head_sha":"` + id + `"},"sender":{"login":"wim","type":"User"}}`, "which button"},
		"a click on no commit": {"check_run", `{"action":"requested_action","check_run":{"head_sha":"--x"},"requested_action":{"identifier":"ignore:0123456789ab"},"sender":{"login":"wim","type":"User"}}`,
			"not a commit id"},
		"a run of no commit":  {"schedule", `{}`, "GITHUB_SHA"},
		"a number for a name": {"push", `{"ref":7}`, "not JSON as GitHub sends it"},
	} {
		_, err := github.ParseEvent(tt.event, []byte(tt.payload), github.Env{})
		var refused *github.EventError
		if !errors.As(err, &refused) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q in it", name, err, tt.want)
		}
	}
}

func TestMergeIntoAnotherBranchPromotesNothing(t *testing.T) {
	t.Parallel()
	payload, err := githubtest.EventFile("pull_request.closed-merged.json")
	if err != nil {
		t.Fatal(err)
	}
	payload = []byte(strings.ReplaceAll(string(payload), `"ref":"master"`, `"ref":"release"`))
	got, err := github.ParseEvent("pull_request", payload, github.Env{})
	if err != nil || got.Promote || got.Check || got.Why == "" {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestReviewsThatMayOpenAGate: an approval, a demand for changes and what takes one back start the promotion job; nothing else does.
func TestReviewsThatMayOpenAGate(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	for _, tt := range []struct {
		action, state string
		promote       bool
	}{
		{"submitted", "approved", true}, {"submitted", "changes_requested", true}, {"dismissed", "dismissed", true},
		{"submitted", "commented", false}, {"edited", "approved", false},
	} {
		got, err := github.ParseEvent("pull_request_review", s.repo.ReviewEvent(s.pr, tt.action, tt.state), github.Env{})
		if err != nil || got.Promote != tt.promote || got.Check || (got.Why == "") != tt.promote || got.Head != s.head || got.Ref != "refs/heads/main" {
			t.Errorf("%s, %s: %+v, %v", tt.action, tt.state, got, err)
		}
	}
	other := strings.ReplaceAll(string(s.repo.ReviewEvent(s.pr, "submitted", "approved")), `"ref":"main"`, `"ref":"release"`)
	if got, err := github.ParseEvent("pull_request_review", []byte(other), github.Env{}); err != nil || got.Promote || !strings.Contains(got.Why, "release") {
		t.Errorf("%+v, %v", got, err)
	}
}

// The events that githubtest makes are as GitHub's, with our commits.
func TestEventsOfTheFake(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	base := s.repo.Tip("main")
	zero := strings.Repeat("0", 40)
	for name, tt := range map[string]struct {
		event   string
		payload []byte
		base    string
		head    string
		promote bool
	}{
		"pull request":  {"pull_request", s.repo.PullRequestEvent(s.pr, "opened"), base, s.head, false},
		"merge group":   {"merge_group", s.repo.MergeGroupEvent(base, s.head), base, s.head, false},
		"push":          {"push", s.repo.PushEvent("refs/heads/main", s.head, base), s.head, base, true},
		"push, created": {"push", s.repo.PushEvent("refs/heads/feature", zero, s.head), "", s.head, false},
		"dispatch":      {"workflow_dispatch", s.repo.DispatchEvent("main"), "", base, true},
	} {
		env := s.repo.RunnerEnv(tt.event, tt.payload)
		got, err := github.NewActions(func(key string) string { return env[key] }, nil).Event()
		if err != nil || !got.Check || got.Promote != tt.promote || got.Base != tt.base || got.Head != tt.head || got.Repo != "acme/config" || got.DefaultBranch != "main" {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

// The run of a fork's pull request is taken as GitHub describes it; a run of the repository's own is none of it.
func TestRunOfAFork(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	fork := s.repo.Fork("stranger")
	head := fork.Commit("theirs", githubtest.Files{"a.yaml": "a: 3\n"}, "change")
	pr := s.repo.OpenPullRequest(githubtest.PullOptions{Head: "theirs", From: fork})
	got, err := github.ParseEvent("workflow_run", s.repo.WorkflowRunEvent(7, pr), github.Env{})
	want := &github.Run{ID: 7, Head: head, HeadRepo: "stranger/config", HeadID: fork.ID(), URL: s.gh.URL + "/acme/config/actions/runs/7"}
	if diff := cmp.Diff(want, got.Run); err != nil || diff != "" || got.Check || got.Promote {
		t.Errorf("%+v, %v\n%s", got, err, diff)
	}
	for why, payload := range map[string]string{
		"not from a fork": string(s.repo.WorkflowRunEvent(7, s.pr)),
		"was deleted":     strings.Replace(string(s.repo.WorkflowRunEvent(7, pr)), `"head_repository":{`, `"head_repository":null,"other":{`, 1),
		"is requested":    strings.Replace(string(s.repo.WorkflowRunEvent(7, pr)), `"action":"completed"`, `"action":"requested"`, 1),
		"for the event":   strings.Replace(string(s.repo.WorkflowRunEvent(7, pr)), `"event":"pull_request"`, `"event":"pull_request_target"`, 1),
	} {
		got, err = github.ParseEvent("workflow_run", []byte(payload), github.Env{})
		if err != nil || got.Run != nil || !strings.Contains(got.Why, why) {
			t.Errorf("%s: %+v, %v", why, got, err)
		}
	}
}

func FuzzParseEvent(f *testing.F) {
	side := `{"ref":"main","sha":"` + prHead + `","repo":{"full_name":"a/b"}}`
	f.Add("pull_request", []byte(`{"action":"closed","repository":{"default_branch":"main"},"pull_request":{"number":1,"merged":true,"merge_commit_sha":"`+prMerge+`","base":`+side+`,"head":`+side+`}}`))
	f.Add("push", []byte(`{"ref":"refs/heads/main","before":"`+prBase+`","after":"`+prHead+`"}`))
	f.Add("merge_group", []byte(`{"action":"checks_requested","merge_group":{"base_sha":"`+prBase+`","head_sha":"`+prHead+`"}}`))
	f.Add("schedule", []byte(`{"ref":"main"}`))
	f.Add("check_run", []byte(`{"action":"rerequested","check_run":{"name":"sluice","head_sha":"`+prHead+`"}}`))
	f.Add("check_run", []byte(`{"action":"requested_action","requested_action":{"identifier":"ignore:0123456789ab"},"sender":{"login":"a","type":"User"},"check_run":{"head_sha":"`+prHead+`"}}`))
	f.Add("issue_comment", []byte(`{"action":"created","sender":{"login":"a"},"issue":{"number":1,"pull_request":{}},"comment":{"id":1,"body":"/sluice recheck","user":{"login":"a","type":"User"}}}`))
	f.Fuzz(func(t *testing.T, name string, payload []byte) {
		got, err := github.ParseEvent(name, payload, github.Env{SHA: runnerAt})
		if err != nil {
			return
		}
		for _, id := range []string{got.Base, got.Head} {
			if id != "" && strings.Trim(id, "0123456789abcdef") != "" {
				t.Errorf("commit %q", id)
			}
		}
		if !got.Check && !got.Promote && got.Run == nil && got.Comment == nil && got.Rerun == nil && got.Click == nil && got.Why == "" {
			t.Error("nothing to do, and not said why")
		}
	})
}

// ofStatus is the event of a commit status of a context.
func ofStatus(e github.Event, context string) github.Event {
	e.Status = context
	return e
}
