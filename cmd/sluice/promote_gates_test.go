package main

import (
	"strings"
	"testing"
	"time"

	"github.com/sluice-dev/sluice/internal/githubtest"
)

// TestGateOpens has a promotion wait for a status, which then comes: the commit status sluice/gate, the body and `sluice status` follow.
func TestGateOpens(t *testing.T) {
	t.Parallel()
	s := cloth(t)
	s.repo.Commit("main", githubtest.Files{
		".sluice.yaml": "order: [dev, staging, prod]\ntargets: [{path: \"{env}/{app}\"}]\npromotion: {gates: [{to: staging, statuses: [\"deployed/{app}-{from}\"]}]}\n",
	}, "A gate")
	source := s.repo.Tip("main")
	unknown := s.commandLine("status")
	s.wants("the status", unknown.log, "web to staging: wait: status deployed/web-dev: no status of this name on the source commit yet")

	// `sluice promote --open` does what the job does.
	s.wantCode(s.commandLine("promote", "--open"), 0)
	pull := s.promotion("web/dev-to-staging")
	gate := func() githubtest.Status {
		statuses := s.repo.Statuses(s.promotion("web/dev-to-staging").Head)
		return statuses[0]
	}
	if now := gate(); now.State != "pending" || !strings.Contains(now.Description, "deployed/web-dev") {
		t.Errorf("%+v", now)
	}
	s.wants("the body", pull.Body, "status deployed/web-dev", "waits")
	writes := s.writes()
	s.wantCode(s.promotions("schedule", s.repo.DispatchEvent("main")), 0)
	if now := s.writes(); now != writes {
		t.Errorf("%d more writes, though nothing has changed", now-writes)
	}
	waiting := s.commandLine("status", "--output", "json")
	s.wants("the status", waiting.log, `"gate": "wait"`, `"number": 3`, `"state": "open"`)
	s.wants("the plan", s.commandLine("promote", "--to", "staging").log, "pull request #3 (open)", "gate closed status deployed/web-dev")

	// The pull request is of the older change, and the status shows the gates of that one: they open, while the newest waits.
	pinned := s.repo.Git("log", "-1", "--format=%(trailers:key=Sluice-Source,valueonly,separator=)", pull.Head)
	s.repo.SetStatus(pinned, githubtest.Status{Context: "deployed/web-dev", State: "success", Creator: "argo-cd[bot]"}, time.Now())
	s.wants("the plan", s.commandLine("promote", "--to", "staging").log, "gate closed status deployed/web-dev")
	ofPull := s.commandLine("status")
	s.wants("the status", ofPull.log, "web to staging: pull request #3 http", " of "+pinned[:10])
	if strings.Contains(ofPull.log, "wait") {
		t.Errorf("the status tells of the gates of another source:\n%s", ofPull.log)
	}

	s.repo.SetStatus(source, githubtest.Status{Context: "deployed/web-dev", State: "success", Creator: "argo-cd[bot]"}, time.Now())
	s.wantCode(s.promotions("status", s.repo.StatusEvent(source, "deployed/web-dev", "success")), 0)
	if now := gate(); now.State != "success" || now.Context != "sluice/gate" {
		t.Errorf("%+v", now)
	}
	// Until then the oldest change waited, which would be through first; now it is the newest whose gates are open.
	now := s.promotion("web/dev-to-staging")
	if now.Number != pull.Number {
		t.Errorf("another pull request: %+v", now)
	}
	for head, want := range map[string]string{pull.Head: "LEVEL=debug\nLIMIT=10", now.Head: "LEVEL=debug\nLIMIT=20"} {
		if got := s.repo.Git("show", head+":staging/web/web.env"); got != want {
			t.Errorf("at %s: %q, want %q", head, got, want)
		}
	}
	first, second := s.repo.Git("log", "-1", "--format=%B", pull.Head), s.repo.Git("log", "-1", "--format=%B", now.Head)
	if !strings.Contains(first, "#1\n") || strings.Contains(first, "#2\n") || !strings.Contains(second, "#2\n") || strings.Contains(second, "#1\n") {
		t.Errorf("what the commits say they carry:\n%s\n%s", first, second)
	}
	open := s.commandLine("status")
	if strings.Contains(open.log, "wait") {
		t.Errorf("the status:\n%s", open.log)
	}
	s.wants("the status", open.log, "web to staging: pull request #3 http")
}

// TestApprovalOpensGate has a promotion wait for an approval, which the event of the review brings at once.
func TestApprovalOpensGate(t *testing.T) {
	t.Parallel()
	s := cloth(t)
	s.repo.Commit("main", githubtest.Files{
		".sluice.yaml": "order: [dev, staging, prod]\ntargets: [{path: \"{env}/{app}\"}]\npromotion: {gates: [{to: staging, approvals: 1}]}\n",
	}, "A gate")
	s.wantCode(s.promotions("schedule", s.repo.DispatchEvent("main")), 0)
	pull := s.promotion("web/dev-to-staging")
	for _, step := range []struct{ review, action, state, want string }{
		{"", "", "", "pending"},
		{"APPROVED", "submitted", "approved", "success"},
		{"DISMISSED", "dismissed", "dismissed", "pending"},
	} {
		if step.review != "" {
			s.repo.Review(pull.Number, "wim", step.review, "MEMBER")
			s.wantCode(s.promotions("pull_request_review", s.repo.ReviewEvent(pull.Number, step.action, step.state)), 0)
		}
		if now := s.repo.Statuses(pull.Head); len(now) != 1 || now[0].Context != "sluice/gate" || now[0].State != step.want {
			t.Errorf("after %q the statuses are %+v", step.review, now)
		}
	}
}

// TestConflictIsSettled has a person settle a conflict in the pull request: the job leaves it alone, and after its merge nothing comes
// again. Another change of the same file came with it.
func TestConflictIsSettled(t *testing.T) {
	t.Parallel()
	s := cloth(t)
	s.repo.Commit("main", githubtest.Files{"staging/web/web.env": "LEVEL=trace\nLIMIT=10\n"}, "Look closer")
	s.repo.Commit("main", githubtest.Files{"dev/web/web.env": "LEVEL=warn\nLIMIT=20\n"}, "Say less")
	s.wantCode(s.commandLine("promote", "--open", "--to", "staging"), 1)
	pull := s.promotion("web/dev-to-staging")
	if !pull.Draft || len(pull.Labels) != 1 || pull.Labels[0] != "promotion/conflict" {
		t.Errorf("%+v", pull)
	}
	s.wants("the body", pull.Body, "staging/web/web.env:1", "`LEVEL`", "`trace`", "`warn`", "`info`")
	diff := s.repo.Git("diff", "main", pull.Head)
	if !strings.Contains(diff, "+LIMIT=20") || strings.Contains(diff, "LEVEL=warn") {
		t.Errorf("the change:\n%s", diff)
	}

	// The person takes the source's value, and merges.
	s.repo.Commit(pull.HeadRef, githubtest.Files{"staging/web/web.env": "LEVEL=warn\nLIMIT=20\n"}, "Say less in staging, too")
	head := s.repo.Tip(pull.HeadRef)
	for range 2 {
		s.wantCode(s.promotions("schedule", s.repo.DispatchEvent("main")), 0)
	}
	if s.repo.Tip(pull.HeadRef) != head {
		t.Error("what the person pushed is overwritten")
	}
	comments := s.repo.Comments(pull.Number)
	s.wants("the comment", comments[len(comments)-1].Body, "so it is theirs")
	s.wantCode(s.promotions("push", s.mergePull(pull.Number)), 0)
	for _, p := range s.repo.Pulls() {
		if p.State == "open" && p.HeadRef == pull.HeadRef {
			t.Errorf("it is promoted again: %+v", p)
		}
	}
	s.wants("the change", s.repo.Git("diff", "main", s.promotion("web/staging-to-prod").Head), "+LEVEL=warn\n+LIMIT=20")

	// Another conflict is merged as it is: the target's value stays, and is not asked about again; a later change of something else is
	// promoted without it.
	s.repo.Commit("main", githubtest.Files{"staging/web/web.env": "LEVEL=trace\nLIMIT=20\n"}, "Look closer again")
	s.repo.Commit("main", githubtest.Files{"dev/web/web.env": "LEVEL=error\nLIMIT=30\n"}, "Errors only")
	s.wantCode(s.promotions("schedule", s.repo.DispatchEvent("main")), 0)
	second := s.promotion("web/dev-to-staging")
	if second.Number == pull.Number || !second.Draft {
		t.Errorf("%+v", second)
	}
	s.wantCode(s.promotions("push", s.mergePull(second.Number)), 0)
	_, push := s.merge("limit-40", "A higher limit still", githubtest.Files{"dev/web/web.env": "LEVEL=error\nLIMIT=40\n"})
	s.wantCode(s.promotions("push", push), 0)
	third := s.promotion("web/dev-to-staging")
	if third.Number == second.Number || third.Draft || len(third.Labels) != 0 {
		t.Errorf("%+v", third)
	}
	if diff := s.repo.Git("diff", "main", third.Head); !strings.Contains(diff, "+LIMIT=40") || strings.Contains(diff, "+LEVEL") {
		t.Errorf("the change:\n%s", diff)
	}
	s.wants("the body", third.Body, "the source has not changed it since the last promotion")
}
