package main

import (
	"fmt"
	"testing"

	"github.com/sluice-dev/sluice/internal/githubtest"
)

// eventScene is a small repository with a pull request that breaks a rule.
func eventScene(t *testing.T) *askedScene {
	t.Helper()
	gh := githubtest.New(t)
	repo := gh.CreateRepo("acme/config")
	deployment := func(replicas string) string {
		return "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: shop}\nspec:\n  replicas: " + replicas + "\n  selector: {matchLabels: {app: shop}}\n" +
			"  template:\n    metadata: {labels: {app: shop}}\n    spec: {containers: [{name: shop, image: shop:1}]}\n"
	}
	base := repo.Commit("main", githubtest.Files{
		".sluice.yaml":                "targets: [{path: \"apps/{app}/{env}\"}]\norder: [prod]\n",
		"apps/shop/prod/shop.yaml":    deployment("2"),
		"apps/shop/prod/another.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: another}\n",
	}, "begin")
	s := &askedScene{stage: &stage{t, gh, repo, base}}
	s.head = repo.Commit("feature", githubtest.Files{"apps/shop/prod/shop.yaml": deployment("many")}, "change")
	s.pr = repo.OpenPullRequest(githubtest.PullOptions{Head: "feature"})
	repo.SetCollaborator("wim", "write")
	return s
}

// TestEventsAndPermissions runs each event with each permission: what runs, on which commit, where it reports, how it ends.
func TestEventsAndPermissions(t *testing.T) {
	t.Parallel()
	for _, event := range []struct {
		name  string
		pull  bool // there is a pull request to comment on
		asked bool // by somebody after the fact: the run is no check of the pull request
		code  int  // how it ends where the result is published
		make  func(*askedScene) (payload []byte, reportsOn string)
	}{
		{"pull_request", true, false, 1, func(s *askedScene) ([]byte, string) { return s.repo.PullRequestEvent(s.pr, "opened"), s.head }},
		{"merge_group", false, false, 1, func(s *askedScene) ([]byte, string) { return s.repo.MergeGroupEvent(s.base, s.head), s.head }},
		{"push", false, false, 1, func(s *askedScene) ([]byte, string) {
			return s.repo.PushEvent("refs/heads/feature", s.base, s.head), s.head
		}},
		{"workflow_dispatch", false, false, 1, func(s *askedScene) ([]byte, string) { return s.repo.DispatchEvent("feature"), s.head }},
		{"issue_comment", true, true, 0, func(s *askedScene) ([]byte, string) {
			return s.repo.CommentEvent(s.repo.AddComment(s.pr, "wim", "/sluice recheck"), "created"), s.head
		}},
		{"check_run", true, true, 0, func(s *askedScene) ([]byte, string) {
			return s.repo.CheckRunEvent(s.head, "sluice", "rerequested"), s.head
		}},
	} {
		for _, granted := range githubtest.Grants {
			t.Run(event.name+"/"+granted.Name, func(t *testing.T) {
				t.Parallel()
				s := eventScene(t)
				payload, commit := event.make(s)
				before := len(s.repo.Comments(s.pr))
				run := s.step(event.name, payload, s.gh.GrantedToken(granted), nil)

				check := granted.Checks && !granted.Person
				status := !check && granted.Statuses
				comment := event.pull && granted.Comments
				code := event.code
				if event.asked && (!check && !status || event.pull && !comment) {
					code = 3 // nobody would see the result
				}
				s.wantCode(run, code)
				got := fmt.Sprintf("%d comments, %d check runs, %d statuses", len(s.repo.Comments(s.pr))-before, len(s.repo.CheckRuns(commit)), len(s.repo.Statuses(commit)))
				want := fmt.Sprintf("%d comments, %d check runs, %d statuses", one(comment), one(check), one(status))
				if got != want {
					t.Errorf("%s, want %s:\n%s", got, want, run.log)
				}
				for _, c := range s.repo.CheckRuns(commit) {
					if c.Conclusion != "failure" {
						t.Errorf("check run: %s", c.Conclusion)
					}
				}
				s.wants("the summary", run.summary, "1 finding must be fixed")
				if !check {
					s.wants("the log", run.log, "::error ", "file=apps/shop/prod/shop.yaml")
				}
				if event.pull && !comment {
					s.wants("the log", run.log, "the comment could not be written", "pull-requests: write")
				}
				if !check && !status {
					s.wants("the log", run.log, "the check run could not be written", "checks: write")
				}
			})
		}
	}
}

func one(is bool) int {
	if is {
		return 1
	}
	return 0
}

// TestGateEvents has the events that may open a gate, and those that are news of nothing.
func TestGateEvents(t *testing.T) {
	t.Parallel()
	s := eventScene(t)
	token := s.gh.ActionsToken()
	for name, payload := range map[string][]byte{
		"status":              s.repo.StatusEvent(s.base, "argocd/shop", "success"),
		"deployment_status":   s.repo.DeploymentStatusEvent(s.base, "dev", "success"),
		"check_suite":         s.repo.CheckSuiteEvent(s.base, "Iv1.a", "completed"),
		"pull_request_review": s.repo.ReviewEvent(s.pr, "submitted", "approved"),
	} {
		run := s.step(name, payload, token, nil)
		s.wantCode(run, 0)
		s.wants("the log of "+name, run.log, "about promotions")
	}
	run := s.step("status", s.repo.StatusEvent(s.base, "argocd/shop", "pending"), token, nil)
	s.wantCode(run, 0)
	s.wants("the log", run.log, "it opens no gate")
	run = s.step("issues", []byte("{}"), token, nil)
	s.wantCode(run, 2)
	s.wants("the log", run.log, "take the event out of the workflow's `on:`")
	if checks := s.repo.CheckRuns(s.base); len(checks) > 0 {
		t.Errorf("check runs: %+v", checks)
	}
}
