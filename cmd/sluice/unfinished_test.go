package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice/internal/githubtest"
	"github.com/sluice-dev/sluice/testdata"
)

const nowhere = "0123456789abcdef0123456789abcdef01234567" // a commit that there is not

// TestUnfinished has the check itself fail: the required check must not stay pending, and the green of an earlier run on the same commit
// must not stand.
func TestUnfinished(t *testing.T) {
	t.Parallel()
	for _, granted := range githubtest.Grants {
		t.Run(granted.Name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			head := s.repo.Commit("feature", s.change(), "change")
			pr := s.repo.OpenPullRequest(githubtest.PullOptions{Head: "feature"})
			token := s.gh.GrantedToken(granted)
			event := s.repo.PullRequestEvent(pr, "opened")
			s.wantCode(s.step("pull_request", event, token, nil), 0)

			run := s.step("merge_group", s.repo.MergeGroupEvent(nowhere, head), token, nil)
			s.wantCode(run, 3)
			s.wants("the log", run.log, nowhere, "could not be fetched")
			s.wants("the summary", run.summary, "the check itself failed", nowhere)
			if got := outputOf(run.outputs, "verdict"); got != "incomplete" {
				t.Errorf("the output verdict is %q", got)
			}
			s.wantVerdict(head, granted, "action_required", "error")

			// The run of a pull request says so in the comment too, which would otherwise speak of no objections.
			s.wantCode(s.step("pull_request", event, token, nil), 0)
			s.wantVerdict(head, granted, "success", "success")
			run = s.step("pull_request", event, token, map[string]string{"INPUT_DIRECTORY": "missing"})
			s.wantCode(run, 2)
			s.wantVerdict(head, granted, "action_required", "error")
			comments := s.repo.Comments(pr)
			if !granted.Comments {
				if len(comments) > 0 {
					t.Errorf("comments: %+v", comments)
				}
				return
			}
			if len(comments) != 1 {
				t.Fatalf("%d comments, want one", len(comments))
			}
			s.wants("the comment", comments[0].Body, "the check itself failed", "it was not checked", "/actions/runs/1")
		})
	}
}

// wantVerdict demands what stands on a commit in the end: of check runs and statuses the newest.
func (s *stage) wantVerdict(head string, granted githubtest.Grant, check, status string) {
	s.Helper()
	switch checks, statuses := s.repo.CheckRuns(head), s.repo.Statuses(head); {
	case granted.Checks && !granted.Person:
		if len(checks) == 0 || checks[len(checks)-1].Conclusion != check || checks[len(checks)-1].Status != "completed" {
			s.Errorf("check runs: %+v, want %s last", checks, check)
		}
	case granted.Statuses:
		if len(statuses) == 0 || statuses[len(statuses)-1].State != status {
			s.Errorf("statuses: %+v, want %s last", statuses, status)
		}
	}
}

// TestEmbeddedRepository has a pull request bring the files of a bare repository, whose configuration names a program, into the directory
// in which the workflow runs sluice. Git would take it for the repository.
func TestEmbeddedRepository(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	mark := filepath.Join(t.TempDir(), "ran")
	script := "touch " + mark + "; false"
	head := s.repo.Commit("feature", githubtest.Files{
		"apps/HEAD":          "ref: refs/heads/main\n",
		"apps/objects/keep":  "",
		"apps/refs/keep":     "",
		"apps/hooks/x":       "",
		"apps/config":        "[core]\n\trepositoryformatversion = 0\n\tbare = true\n\tfsmonitor = \"" + script + "\"\n\tsshCommand = \"" + script + "\"\n[remote \"origin\"]\n\turl = ssh://example.invalid/x\n",
		"apps/README":        "harmless\n",
		"apps/pay/HEAD":      "ref: refs/heads/main\n",
		"apps/pay/objects/x": "",
		"apps/pay/refs/x":    "",
		"apps/pay/config":    "[core]\n\tbare = false\n\tworktree = ..\n\tfsmonitor = \"" + script + "\"\n\tsshCommand = \"" + script + "\"\n[remote \"origin\"]\n\turl = ssh://example.invalid/x\n",
	}, "harmless")
	pr := s.repo.OpenPullRequest(githubtest.PullOptions{Head: "feature"})
	for _, dir := range []string{"apps", "apps/pay"} {
		run := s.step("pull_request", s.repo.PullRequestEvent(pr, "opened"), s.gh.ActionsToken(), map[string]string{"INPUT_DIRECTORY": dir})
		if run.code == 0 {
			t.Errorf("%s: the repository in the pull request is taken for the repository:\n%s", dir, run.log)
		}
		if _, err := os.Stat(mark); err == nil {
			t.Fatalf("%s: a program of the pull request ran:\n%s", dir, run.log)
		}
		if !strings.Contains(run.log, "repository") {
			t.Errorf("%s: the log does not say why:\n%s", dir, run.log)
		}
	}
	if checks := s.repo.CheckRuns(head); len(checks) != 1 || checks[0].Conclusion != "action_required" {
		t.Errorf("check runs: %+v", checks)
	}
}

// TestRetargeted changes the branch that a pull request goes to: the rules of another branch bind then, and the verdict is made anew.
func TestRetargeted(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.repo.Commit("lax", githubtest.Files{".sluice.yaml": "severities: {schema/invalid: \"off\", policy/resources: \"off\", \"policy/*\": \"off\"}\n"}, "lax")
	head := s.repo.Commit("feature", filesOf(t, testdata.Change()), "change")
	pr := s.repo.OpenPullRequest(githubtest.PullOptions{Head: "feature", Base: "lax"})
	s.wantCode(s.step("pull_request", s.repo.PullRequestEvent(pr, "opened"), s.gh.ActionsToken(), nil), 0)
	s.wantVerdict(head, githubtest.Grants[0], "success", "")
	s.repo.Retarget(pr, "main")
	// The runner checks out the trial merge with the branch before.
	s.wantCode(s.step("pull_request", s.repo.PullRequestEvent(pr, "edited"), s.gh.ActionsToken(), nil), 1)
	s.wantVerdict(head, githubtest.Grants[0], "failure", "")
}

// TestVerdictsOfOtherEvents has a branch loosen its own rules in one push and break them in the next: what the second push is held against
// finds nothing, and neither does a run by hand. The verdict on the pull request stands all the same.
func TestVerdictsOfOtherEvents(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	lax := s.repo.Commit("feature", githubtest.Files{".sluice.yaml": "severities: {schema/invalid: \"off\", policy/resources: \"off\", \"policy/*\": \"off\"}\n"}, "lax")
	head := s.repo.Commit("feature", filesOf(t, testdata.Change()), "change")
	pr := s.repo.OpenPullRequest(githubtest.PullOptions{Head: "feature"})
	s.wantCode(s.step("pull_request", s.repo.PullRequestEvent(pr, "opened"), s.gh.ActionsToken(), nil), 1)
	s.step("push", s.repo.PushEvent("refs/heads/feature", lax, head), s.gh.ActionsToken(), nil)
	s.step("workflow_dispatch", s.repo.DispatchEvent("feature"), s.gh.ActionsToken(), nil)
	got := map[string]string{}
	for _, check := range s.repo.CheckRuns(head) {
		got[check.Name] = check.Conclusion
	}
	if len(got) != 3 || got["sluice"] != "failure" || got["sluice (push)"] != "success" || got["sluice (workflow_dispatch)"] == "" {
		t.Errorf("check runs: %v", got)
	}
}
