package main

import (
	"strings"
	"testing"

	"github.com/sluice-dev/sluice/internal/githubtest"
)

// cloth is a repository in which two files of dev have changed by two merged pull requests, and the others are behind.
func cloth(t *testing.T) *stage {
	t.Helper()
	gh := githubtest.New(t)
	repo := gh.CreateRepo("acme/config")
	files := githubtest.Files{".sluice.yaml": "order: [dev, staging, prod]\ntargets: [{path: \"{env}/{app}\"}]\n"}
	for _, env := range []string{"dev", "staging", "prod"} {
		files[env+"/web/kustomization.yaml"] = "configMapGenerator:\n  - name: web\n    envs: [web.env]\n"
		files[env+"/web/web.env"] = "LEVEL=info\nLIMIT=10\n"
	}
	s := &stage{t, gh, repo, repo.Commit("main", files, "begin")}
	s.merge("more", "Tell more", githubtest.Files{"dev/web/web.env": "LEVEL=debug\nLIMIT=10\n"})
	s.merge("limit", "A higher limit", githubtest.Files{"dev/web/web.env": "LEVEL=debug\nLIMIT=20\n"})
	return s
}

// TestPromoteOnePullRequest opens a pull request with the change of one pull request alone. The job keeps it up to date beside the one
// with everything, and both come to the same end.
func TestPromoteOnePullRequest(t *testing.T) {
	t.Parallel()
	s := cloth(t)
	ask := []string{"promote", "--to", "staging", "--only", "pr=#2", "--open"}
	run := s.commandLine(ask...)
	s.wantCode(run, 0)
	part := s.pullFrom("sluice/promote-only/web/dev-to-staging/pr-2")
	if part.State != "open" || part.Draft || part.Title != "Promote web: dev → staging (only pr=#2)" {
		t.Errorf("%+v", part)
	}
	s.wants("the change", s.repo.Git("diff", "main", part.Head), "-LIMIT=10\n+LIMIT=20")
	if strings.Contains(s.repo.Git("diff", "main", part.Head), "+LEVEL") {
		t.Error("the other change is promoted too")
	}
	message := s.repo.Git("log", "-1", "--format=%B", part.Head)
	s.wants("the commit", message, "Sluice-Promotion: web dev->staging\n", "Sluice-Pull-Request: #2\n", "Sluice-Part: pr=#2\n")
	if strings.Contains(message, "Sluice-Pull-Request: #1") {
		t.Errorf("it says that it carries the other change:\n%s", message)
	}
	s.wants("the body", part.Body, "Only a part is promoted", "`pr=#2`", "it was not asked for", "A higher limit", "The rendered change in staging equals the rendered change that dev had")
	if checks := s.repo.CheckRuns(part.Head); len(checks) != 1 || checks[0].Conclusion != "success" {
		t.Errorf("check runs: %+v", checks)
	}
	if statuses := s.repo.Statuses(part.Head); len(statuses) != 1 || statuses[0].Context != "sluice/gate" {
		t.Errorf("statuses: %+v", statuses)
	}
	writes := s.writes()
	s.wantCode(s.commandLine(ask...), 0)
	if now := s.writes(); now != writes {
		t.Errorf("%d more writes, though nothing has changed", now-writes)
	}

	// The job opens the one with everything, and leaves this one as it is.
	s.wantCode(s.promotions("schedule", s.repo.DispatchEvent("main")), 0)
	whole := s.promotion("web/dev-to-staging")
	s.wants("the change", s.repo.Git("diff", "main", whole.Head), "+LEVEL=debug\n+LIMIT=20")
	if now := s.pullFrom(part.HeadRef); now.State != "open" || now.Head != part.Head {
		t.Errorf("%+v", now)
	}

	// The part is merged, by squash: its branch goes, and the rest is still promoted, without a conflict.
	s.repo.Commit("main", githubtest.Files{"staging/web/web.env": "LEVEL=info\nLIMIT=20\n"}, "Promote web: dev → staging (only pr=#2) (#3)\n\n"+message)
	s.wantCode(s.promotions("workflow_dispatch", s.repo.DispatchEvent("main")), 0)
	if now := s.pullFrom(part.HeadRef); now.State != "closed" {
		t.Errorf("there is nothing left of it, and it is %s", now.State)
	}
	whole = s.promotion("web/dev-to-staging")
	if whole.State != "open" || whole.Draft {
		t.Errorf("%+v", whole)
	}
	if diff := s.repo.Git("diff", "main..."+whole.Head); !strings.Contains(diff, "+LEVEL=debug") || strings.Contains(diff, "+LIMIT") {
		t.Errorf("the change:\n%s", diff)
	}
	s.wantCode(s.promotions("push", s.mergePull(whole.Number)), 0)
	if left := s.repo.Git("for-each-ref", "--format=%(refname)", "refs/heads/sluice/promote-only", "refs/heads/sluice/promote/web/dev-to-staging"); left != "" {
		t.Errorf("left: %s", left)
	}
}

// TestPartClosedByAPerson has a person close the pull request of a part: its branch goes, nothing opens it again but a person who asks.
func TestPartClosedByAPerson(t *testing.T) {
	t.Parallel()
	s := cloth(t)
	ask := []string{"promote", "--to", "staging", "--only", "field=dev/web/web.env#LEVEL", "--open"}
	s.wantCode(s.commandLine(ask...), 0)
	first := s.repo.Pulls()[2]
	if !strings.HasPrefix(first.HeadRef, "sluice/promote-only/web/dev-to-staging/field-dev-web-web-env-level-") {
		t.Errorf("the branch is %s", first.HeadRef)
	}
	s.repo.ClosePullRequest(first.Number)
	for range 2 {
		s.wantCode(s.promotions("schedule", s.repo.DispatchEvent("main")), 0)
	}
	if s.repo.Tip(first.HeadRef) != "" || s.pullFrom(first.HeadRef).Number != first.Number {
		t.Error("its branch is still there, or it was opened again")
	}
	s.wantCode(s.commandLine(ask...), 0)
	if again := s.pullFrom(first.HeadRef); again.Number == first.Number || again.State != "open" {
		t.Errorf("%+v", again)
	}
}

// TestSkippedStage promotes past a stage, from a comment. The job keeps its gate up to date.
func TestSkippedStage(t *testing.T) {
	t.Parallel()
	s := cloth(t)
	s.repo.SetCollaborator("wim", "write")
	s.repo.Commit("other", githubtest.Files{"dev/web/note.txt": "a\n"}, "Other")
	pr := s.repo.OpenPullRequest(githubtest.PullOptions{Head: "other"})
	say := func(text string) stepRun {
		return s.step("issue_comment", s.repo.CommentEvent(s.repo.AddComment(pr, "wim", text), "created"), s.gh.PromotionToken(), map[string]string{"INPUT_PROMOTE": "true"})
	}
	s.wantCode(say("/sluice promote web --from dev --to prod"), 0)
	comments := s.repo.Comments(pr)
	s.wants("the reply", comments[len(comments)-1].Body, "skips staging", "--reason")
	s.wantCode(say("/sluice promote web --from dev --to prod --reason the limit is too low, see #99"), 0)
	skip := s.promotion("web/dev-to-prod")
	s.wants("the commit", s.repo.Git("log", "-1", "--format=%B", skip.Head), "Sluice-Promotion: web dev->prod\n", "Sluice-Reason: the limit is too low, see #99\n")
	s.wants("the body", skip.Body, "out of the order of promotion", "the limit is too low")

	// A gate that comes later is seen: the job knows of the pull request by its branch.
	s.repo.Commit("main", githubtest.Files{
		".sluice.yaml": "order: [dev, staging, prod]\ntargets: [{path: \"{env}/{app}\"}]\npromotion: {gates: [{to: prod, statuses: [deployed]}]}\n",
	}, "A gate")
	s.wantCode(s.promotions("schedule", s.repo.DispatchEvent("main")), 0)
	if statuses := s.repo.Statuses(skip.Head); statuses[0].State != "pending" {
		t.Errorf("statuses: %+v", statuses)
	}
	s.wantCode(s.promotions("push", s.mergePull(skip.Number)), 0)
	if s.repo.Tip(skip.HeadRef) != "" {
		t.Error("its branch is still there")
	}

	// Only a part, from a comment.
	s.wantCode(say("/sluice promote web --to staging --only pr=#1"), 0)
	if part := s.pullFrom("sluice/promote-only/web/dev-to-staging/pr-1"); part.State != "open" {
		t.Errorf("%+v", part)
	}
}
