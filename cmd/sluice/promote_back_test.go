package main

import (
	"strings"
	"testing"

	"github.com/sluice-dev/sluice/internal/githubtest"
)

// TestHotfixIsOfferedBack has prod changed first. The status offers that back to dev and says how; the command opens the pull request, which is
// checked like any other; the job keeps it; and when it is merged there is nothing left to offer, and nothing that takes the hotfix away.
func TestHotfixIsOfferedBack(t *testing.T) {
	t.Parallel()
	s := cloth(t)
	for _, step := range []string{"dev-to-staging", "staging-to-prod"} { // all environments alike
		s.wantCode(s.promotions("schedule", s.repo.DispatchEvent("main")), 0)
		s.wantCode(s.promotions("push", s.mergePull(s.promotion("web/"+step).Number)), 0)
	}
	known := len(s.repo.Pulls())
	_, push := s.merge("hotfix", "A limit that holds", githubtest.Files{"prod/web/web.env": "LEVEL=debug\nLIMIT=99\n"})
	s.wantCode(s.promotions("push", push), 0)
	if n := len(s.repo.Pulls()); n != known+1 {
		t.Fatalf("the job promotes something by itself: %+v", s.repo.Pulls()[known:])
	}

	status := s.commandLine("status").log
	s.wants("the status", status, "web: prod changed it first: dev/web/web.env LIMIT is 99 there, and 20 in dev")
	_, command, offered := strings.Cut(status, "web: take it back to dev: sluice ")
	command, _, _ = strings.Cut(command, "\n")
	if !offered || !strings.HasPrefix(command, "promote --from prod --to dev --app web --only commit=") {
		t.Fatalf("the status offers %q", command)
	}
	s.wantCode(s.commandLine(append(strings.Fields(strings.Replace(command, "WHY", "the-outage-of-Monday", 1)), "--open")...), 0)
	pulls := s.repo.Pulls()
	back := pulls[len(pulls)-1]
	if back.State != "open" || back.Draft || !strings.HasPrefix(back.Title, "Promote web: prod → dev (only ") {
		t.Errorf("%+v", back)
	}
	diff := s.repo.Git("diff", "main", back.Head)
	s.wants("the change", diff, "dev/web/web.env", "-LIMIT=20\n+LIMIT=99")
	s.wants("the commit", s.repo.Git("log", "-1", "--format=%B", back.Head), "Sluice-Promotion: web prod->dev\n", "Sluice-Pull-Request: #", "Sluice-Reason: the-outage-of-Monday\n")
	s.wants("the body", back.Body, "out of the order of promotion", "the-outage-of-Monday", "A limit that holds", "The rendered change in dev equals the rendered change that prod had")
	if checks := s.repo.CheckRuns(back.Head); len(checks) != 1 || checks[0].Conclusion != "success" {
		t.Errorf("check runs: %+v", checks)
	}
	writes := s.writes()
	s.wantCode(s.promotions("schedule", s.repo.DispatchEvent("main")), 0)
	if now := s.writes(); now != writes {
		t.Errorf("%d more writes, though nothing has changed", now-writes)
	}

	// Merged, it goes the usual way to staging, and prod has it already.
	s.wantCode(s.promotions("push", s.mergePull(back.Number)), 0)
	if s.repo.Tip(back.HeadRef) != "" {
		t.Error("its branch is still there")
	}
	staging := s.promotion("web/dev-to-staging")
	s.wants("the change", s.repo.Git("diff", "main", staging.Head), "staging/web/web.env", "+LIMIT=99")
	s.wantCode(s.promotions("push", s.mergePull(staging.Number)), 0)
	s.wantAllMerged()
	if end := s.commandLine("status").log; strings.Contains(end, "changed it first") || strings.Contains(end, "behind") {
		t.Errorf("in the end the status says\n%s", end)
	}
	if got := s.repo.Git("show", "main:prod/web/web.env"); got != "LEVEL=debug\nLIMIT=99" {
		t.Errorf("prod has %q", got)
	}
}
