package main

import (
	"strings"
	"testing"

	"github.com/sluice-dev/sluice/internal/githubtest"
)

// TestVersionedBasesOnGitHub promotes a base to its copy by pull request, with a conflict in the copy, and takes the copy back with its
// target. What was taken back comes again when the base changes, though a commit recorded it as promoted.
func TestVersionedBasesOnGitHub(t *testing.T) {
	t.Parallel()
	gh := githubtest.New(t)
	repo := gh.CreateRepo("acme/config")
	config := func(level, limit string) string {
		return "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: shop\ndata:\n  level: " + level + "\n  limit: \"" + limit + "\"\n"
	}
	files := githubtest.Files{".sluice.yaml": "promotion: {base: versioned}\n"}
	for base, env := range map[string]string{"base": "dev", "base-prod": "prod"} {
		files["apps/shop/"+base+"/kustomization.yaml"] = "resources: [map.yaml]\n"
		files["apps/shop/"+base+"/map.yaml"] = config("info", "10")
		files["apps/shop/overlays/"+env+"/kustomization.yaml"] = "resources: [../../" + base + "]\nnamePrefix: " + env + "-\n"
	}
	s := &stage{t, gh, repo, repo.Commit("main", files, "begin")}
	at := func(rev string) string { return s.repo.Git("show", rev+":apps/shop/base-prod/map.yaml") + "\n" }

	_, push := s.merge("limit", "A higher limit", githubtest.Files{"apps/shop/base/map.yaml": config("info", "20")})
	s.wantCode(s.promotions("push", push), 0)
	first := s.promotion("shop/dev-to-prod")
	if at(first.Head) != config("info", "20") || first.Draft {
		t.Errorf("%+v\n%s", first, at(first.Head))
	}
	s.wants("the body", first.Body, "The rendered change in prod", "A higher limit")
	s.wants("the check", s.repo.Comments(first.Number)[0].Body, "no objections", "limit")
	s.wantCode(s.promotions("push", s.mergePull(first.Number)), 0)

	// Both sides change a field of the base: a conflict in the copy; the rest of the file is promoted.
	s.repo.Commit("main", githubtest.Files{"apps/shop/base-prod/map.yaml": config("trace", "20")}, "Look closer in prod")
	s.repo.Commit("main", githubtest.Files{"apps/shop/base/map.yaml": config("warn", "30")}, "Say less")
	s.wantCode(s.promotions("schedule", s.repo.DispatchEvent("main")), 0)
	second := s.promotion("shop/dev-to-prod")
	if !second.Draft || at(second.Head) != config("trace", "30") {
		t.Errorf("%+v\n%s", second, at(second.Head))
	}
	s.wants("the body", second.Body, "apps/shop/base-prod/map.yaml:6", "`data.level`", "`trace`", "`warn`")
	// The event of the closed pull request does as well as that of the push.
	before := s.repo.Tip("main")
	s.repo.MergePullRequest(second.Number)
	s.wantCode(s.promotions("pull_request", s.repo.PullRequestEvent(second.Number, "closed")), 0)
	if s.repo.Tip(second.HeadRef) != "" || len(s.repo.Pulls()) != 3 {
		t.Errorf("left: %+v", s.repo.Pulls())
	}

	// A rollback takes the copy back with the target, and renders what it did.
	run := s.commandLine("promote", "--rollback", "--env", "prod", "--app", "shop", "--reason", "too many", "--open")
	s.wantCode(run, 0)
	back := s.pullFrom("sluice/rollback/shop/prod")
	if back.Draft || at(back.Head) != s.repo.Git("show", before+":apps/shop/base-prod/map.yaml")+"\n" {
		t.Errorf("%+v\n%s", back, at(back.Head))
	}
	s.wants("the output", run.log, "apps/shop/overlays/prod renders as it did at")
	held := s.promotions("push", s.mergePull(back.Number))
	s.wants("the log", held.log, "shop: dev → prod: held")
	if n := len(s.repo.Pulls()); n != 4 {
		t.Errorf("%d pull requests: what was rolled back is promoted again", n)
	}
	_, push = s.merge("limit-40", "Another limit", githubtest.Files{"apps/shop/base/map.yaml": config("warn", "40")})
	s.wantCode(s.promotions("push", push), 0)
	again := s.promotion("shop/dev-to-prod")
	if again.Number == second.Number || !strings.Contains(at(again.Head), `limit: "40"`) {
		t.Errorf("%+v\n%s", again, at(again.Head))
	}
}
