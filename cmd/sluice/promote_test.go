package main

import (
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice/internal/githubtest"
)

// newPromotionStage is a stage in which all environments once had the same version of shop.
func newPromotionStage(t *testing.T) *stage {
	t.Helper()
	s := newStage(t)
	files := s.retag(shopDev, "1.4.2")
	staging := strings.Replace(shopDev, "/dev/", "/staging/", 1)
	files[staging] = s.repo.Git("show", "main:"+staging) + "\n# Nothing here is urgent.\n"
	s.repo.Commit("main", files, "Shop as it is everywhere")
	s.base = s.repo.Tip("main")
	return s
}

// promotions runs `sluice action` as the promotion job does, for an event on main.
func (s *stage) promotions(event string, payload []byte) stepRun {
	s.Helper()
	return s.step(event, payload, s.gh.PromotionToken(), map[string]string{"INPUT_PROMOTE": "true"})
}

// merge has a person change files on a branch and merge the pull request, and gives its number and the event.
func (s *stage) merge(branch, title string, files githubtest.Files) (int, []byte) {
	s.Helper()
	s.repo.Commit(branch, files, title)
	pr := s.repo.OpenPullRequest(githubtest.PullOptions{Head: branch, Title: title, Author: "alice"})
	return pr, s.mergePull(pr)
}

// mergePull has a person merge a pull request, and gives the push that follows.
func (s *stage) mergePull(number int) []byte {
	s.Helper()
	before := s.repo.Tip("main")
	return s.repo.PushEvent("refs/heads/main", before, s.repo.MergePullRequest(number))
}

// promotion gives the newest pull request from the branch of a promotion.
func (s *stage) promotion(branch string) githubtest.Pull {
	s.Helper()
	return s.pullFrom("sluice/promote/" + branch)
}

// pullFrom gives the newest pull request from a branch.
func (s *stage) pullFrom(branch string) githubtest.Pull {
	s.Helper()
	list := s.repo.Pulls()
	for _, p := range slices.Backward(list) {
		if p.HeadRef == branch {
			return p
		}
	}
	s.Fatalf("no pull request from %s; there are %+v", branch, list)
	return githubtest.Pull{}
}

const (
	shopDev = "apps/shop/overlays/dev/kustomization.yaml"
	shopTag = "newTag: "
)

// retag gives a file of main with another tag in it.
func (s *stage) retag(file, tag string) githubtest.Files {
	s.Helper()
	text := s.repo.Git("show", "main:"+file) + "\n"
	at := strings.Index(text, shopTag)
	if at < 0 {
		s.Fatalf("no tag in %s:\n%s", file, text)
	}
	rest := text[at:]
	return githubtest.Files{file: text[:at] + shopTag + tag + rest[strings.Index(rest, "\n"):]}
}

// TestPromotionStory is the main story: a merge to dev opens the promotion to staging, checked and with its evidence; its merge opens
// the one to prod; and when that is merged there is nothing left.
func TestPromotionStory(t *testing.T) {
	t.Parallel()
	s := newPromotionStage(t)
	quiet := s.promotions("push", s.repo.PushEvent("refs/heads/main", s.base, s.base))
	s.wantCode(quiet, 0)
	if len(s.repo.Pulls()) != 0 {
		t.Fatalf("something is promoted before anything changed: %+v\n%s", s.repo.Pulls(), quiet.log)
	}

	number, push := s.merge("shop-1.6", "Shop 1.6.0", s.retag(shopDev, "v1.6.0"))
	run := s.promotions("push", push)
	s.wantCode(run, 0)
	staging := s.promotion("shop/dev-to-staging")
	if staging.Author != "github-actions[bot]" || staging.State != "open" || staging.Draft || staging.Title != "Promote shop: dev → staging" {
		t.Errorf("%+v", staging)
	}
	if changed := s.repo.Git("diff", "--name-only", "main", staging.Head); changed != "apps/shop/overlays/staging/kustomization.yaml" {
		t.Errorf("the promotion changes %s", changed)
	}
	s.wants("the change", s.repo.Git("diff", "main", staging.Head), "+    newTag: v1.6.0")
	message := s.repo.Git("log", "-1", "--format=%B", staging.Head)
	s.wants("the commit", message, "Sluice-Promotion: shop dev->staging\n", "Sluice-Source: ", "Sluice-Pull-Request: #1\n", "Co-authored-by: Octo Cat <octocat@example.com>", "Sluice-Tree: ")
	s.wants("the body", staging.Body, "<!-- sluice:promotion head="+staging.Head, "[#1](", "Shop 1.6.0 by `alice`", "apps/shop/overlays/staging", "### Gates",
		"The rendered change in staging equals the rendered change that dev had: 1 object.")
	comments := s.repo.Comments(staging.Number)
	if len(comments) != 1 {
		t.Fatalf("%d comments", len(comments))
	}
	s.wants("the comment", comments[0].Body, "shop:v1.6.0", "no objections")
	if checks := s.repo.CheckRuns(staging.Head); len(checks) != 1 || checks[0].Name != "sluice" || checks[0].Conclusion != "success" {
		t.Errorf("check runs: %+v", checks)
	}
	if statuses := s.repo.Statuses(staging.Head); len(statuses) != 1 || statuses[0].Context != "sluice/gate" || statuses[0].State != "success" {
		t.Errorf("statuses: %+v", statuses)
	}
	s.wants("the summary", run.summary, "| `shop` | `dev` → `staging` | #2 (open) |")
	if number != 1 || len(s.repo.Pulls()) != 2 {
		t.Errorf("%d pull requests", len(s.repo.Pulls()))
	}

	// Whatever else starts the job, there is nothing more to do.
	writes := s.writes()
	for event, payload := range map[string][]byte{"schedule": s.repo.DispatchEvent("main"), "workflow_dispatch": s.repo.DispatchEvent("main"), "push": push} {
		s.wantCode(s.promotions(event, payload), 0)
	}
	if now := s.writes(); now != writes {
		t.Errorf("%d more writes, though nothing has changed", now-writes)
	}

	s.wantCode(s.promotions("push", s.mergePull(staging.Number)), 0)
	if s.repo.Tip("sluice/promote/shop/dev-to-staging") != "" {
		t.Error("the branch of the merged promotion is still there")
	}
	prod := s.promotion("shop/staging-to-prod")
	s.wants("the change", s.repo.Git("diff", "main", prod.Head), "+    newTag: v1.6.0", "overlays/prod/")
	s.wants("the body", prod.Body, "Promote shop: dev → staging by `github-actions[bot]`")

	s.wantCode(s.promotions("push", s.mergePull(prod.Number)), 0)
	s.wantAllMerged()
	s.rollBackProd()
	s.wantAllMerged()
}

// wantAllMerged wants no pull request open, nor closed by us, and no branch left.
func (s *stage) wantAllMerged() {
	s.Helper()
	for _, p := range s.repo.Pulls() {
		if !p.Merged {
			s.Errorf("left: %+v", p)
		}
	}
	if left := s.repo.Git("for-each-ref", "--format=%(refname)", "refs/heads/sluice"); left != "" {
		s.Errorf("left: %s", left)
	}
}

// writes counts the calls that change something on GitHub.
func (s *stage) writes() (n int) {
	for _, r := range s.gh.Requests() {
		if r.Method != "GET" && !strings.HasSuffix(r.Path, "/graphql") {
			n++
		}
	}
	return n
}

// rollBackProd takes shop in prod back by a pull request; what was taken back comes again only with a change of staging.
func (s *stage) rollBackProd() {
	s.Helper()
	prodFile := strings.Replace(shopDev, "/dev/", "/prod/", 1)
	ask := []string{"promote", "--rollback", "--env", "prod", "--app", "shop", "--reason", "5xx since 13:00", "--open"}
	run := s.commandLine(ask...)
	s.wantCode(run, 0)
	s.wants("the output", run.log, "shop in prod: to be rolled back, 2 files", "pull request #4 (open)")
	back := s.pullFrom("sluice/rollback/shop/prod")
	if back.Title != "Roll back shop in prod" || back.Draft || back.State != "open" {
		s.Errorf("%+v", back)
	}
	s.wants("the change", s.repo.Git("diff", "main", back.Head), "-    newTag: v1.6.0", "overlays/prod/", "+- {app: shop, to: prod, source: ")
	s.wants("the commit", s.repo.Git("log", "-1", "--format=%B", back.Head), "Sluice-Promotion: shop prod->prod\n", "Sluice-Part: rollback\n", "Sluice-Reason: 5xx since 13:00\n")
	s.wants("the body", back.Body, "apps/shop/overlays/prod renders as it did at", ".sluice/holds.yaml", "5xx since 13:00")
	if comments := s.repo.Comments(back.Number); len(comments) != 1 || !strings.Contains(comments[0].Body, "shop:v1.6.0") {
		s.Errorf("comments: %+v", comments)
	}
	if checks := s.repo.CheckRuns(back.Head); len(checks) != 1 || checks[0].Conclusion != "success" {
		s.Errorf("check runs: %+v", checks)
	}
	if statuses := s.repo.Statuses(back.Head); len(statuses) != 1 || statuses[0].State != "success" {
		s.Errorf("statuses: %+v", statuses)
	}

	// Asked again, it is the same pull request; and the promotion job leaves it alone.
	writes := s.writes()
	s.wantCode(s.commandLine(ask...), 0)
	s.wantCode(s.promotions("schedule", s.repo.DispatchEvent("main")), 0)
	if now := s.writes(); now != writes {
		s.Errorf("%d more writes, though nothing has changed", now-writes)
	}

	held := s.promotions("push", s.mergePull(back.Number))
	s.wantCode(held, 0)
	s.wants("the log", held.log, "shop: staging → prod: held", "5xx since 13:00", "it ends when the source changes")
	if n := len(s.repo.Pulls()); n != 4 {
		s.Errorf("%d pull requests: what was rolled back is promoted again", n)
	}
	if text := s.repo.Git("show", "main:"+prodFile); strings.Contains(text, "v1.6.0") {
		s.Errorf("prod is not rolled back:\n%s", text)
	}

	_, push := s.merge("shop-1.6.1", "Shop 1.6.1", s.retag(shopDev, "v1.6.1"))
	s.wantCode(s.promotions("push", push), 0)
	s.wantCode(s.promotions("push", s.mergePull(s.promotion("shop/dev-to-staging").Number)), 0)
	again := s.promotion("shop/staging-to-prod")
	s.wants("the change", s.repo.Git("diff", "main", again.Head), "+    newTag: v1.6.1")
	s.wantCode(s.promotions("push", s.mergePull(again.Number)), 0)
}

// commandLine runs the program as a person does, in a clone of the repository with a token in the environment.
func (s *stage) commandLine(args ...string) (run stepRun) {
	s.Helper()
	dir := s.TempDir()
	if out, err := exec.Command("git", "clone", "--quiet", s.repo.CloneURL, dir).CombinedOutput(); err != nil {
		s.Fatalf("git clone: %v\n%s", err, out)
	}
	self, err := os.Executable()
	if err != nil {
		s.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Args = append([]string{"sluice"}, args...)
	cmd.Dir = dir
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "GIT_AUTHOR_NAME=Alice",
		"GITHUB_TOKEN=" + s.gh.PromotionToken(), "GITHUB_API_URL=" + s.gh.APIURL, "GITHUB_REPOSITORY=" + s.repo.FullName,
	}
	out, err := cmd.CombinedOutput()
	if exit := new(exec.ExitError); errors.As(err, &exit) {
		run.code = exit.ExitCode()
	} else if err != nil {
		s.Fatal(err)
	}
	run.log = string(out)
	return run
}
