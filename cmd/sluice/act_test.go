package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/sluice-dev/sluice/internal/githubtest"
	"github.com/sluice-dev/sluice/testdata"
)

// actProgram gives github.com/nektos/act, which runs workflows without GitHub. `.ci/run` builds it.
func actProgram(t *testing.T) string {
	t.Helper()
	program := os.Getenv("SLUICE_TEST_ACT")
	if program == "" || testing.Short() {
		t.Skip("SLUICE_TEST_ACT=PROGRAM runs action.yml and the workflows of sluice init with act; .ci/run builds it and does")
	}
	return program
}

// actRunner runs the workflows that sluice init writes, with the real action.yml in them: it gets the released program, verifies and
// runs it. The program is this test binary, behind a script, and the release a server of the test.
type actRunner struct {
	*stage
	act, dir  string
	downloads int
	env       []string // as act's flags
}

func newActRunner(s *stage) *actRunner {
	s.Helper()
	r := &actRunner{stage: s, act: actProgram(s.T), dir: s.TempDir()}
	self, err := os.Executable()
	if err != nil {
		s.Fatal(err)
	}
	source, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		s.Fatal(err)
	}
	if err := os.Symlink(self, filepath.Join(r.dir, "sluice")); err != nil {
		s.Fatal(err)
	}
	program := "#!/bin/sh\nexec '" + filepath.Join(r.dir, "sluice") + "' \"$@\"\n"
	releases := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		r.downloads++
		_, _ = w.Write([]byte(program))
	}))
	s.Cleanup(releases.Close)
	sum := sha256.Sum256([]byte(program))
	sums := r.write("checksums.txt", "version v0.0.0\n"+hex.EncodeToString(sum[:])+"  sluice_"+runtime.GOOS+"_"+runtime.GOARCH+"\n")
	templates := filepath.Join(source, "internal", "cli", "workflows")
	for name, text := range filesOf(s.T, os.DirFS(templates)) {
		r.write("work/.github/workflows/"+name, r.underAct(text))
	}
	for _, args := range [][]string{{"init", "--quiet"}, {"add", "--all"}, {"-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "--quiet", "--message=work"}} {
		cmd := exec.Command("git", args...)
		cmd.Dir = filepath.Join(r.dir, "work")
		if out, err := cmd.CombinedOutput(); err != nil {
			s.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	for name, value := range map[string]string{
		"GITHUB_API_URL": s.gh.APIURL, "GITHUB_SERVER_URL": s.gh.URL, "GITHUB_REPOSITORY": s.repo.FullName,
		"SLUICE_CHECKSUMS": sums, "SLUICE_RELEASES": releases.URL, "CLONE_URL": s.repo.CloneURL, "ACTION_SOURCE": source,
		"ARTIFACT": filepath.Join(r.dir, "artifact"),
	} {
		r.env = append(r.env, "--env", name+"="+value)
	}
	return r
}

func (r *actRunner) write(name, content string) string {
	r.Helper()
	file := filepath.Join(r.dir, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		r.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
		r.Fatal(err)
	}
	return file
}

var (
	checkoutStep = regexp.MustCompile(`(?m)^      - uses: actions/checkout@.*\n(        with:\n(          .*\n)+)?`)
	uploadStep   = regexp.MustCompile(`(?m)^      - uses: actions/upload-artifact@.*\n(        .*\n)+`)
	cacheStep    = regexp.MustCompile(`(?m)^      - uses: actions/cache@.*\n(        .*\n)+`) // nothing takes its place: the directory is empty
	sluiceStep   = regexp.MustCompile(`(?m)^      - uses: sluice-dev/sluice@.*\n`)
)

// underAct puts something in the place of what is not at hand without GitHub: the actions of others, by steps that do the same, and the
// released action, by the one of this repository. All else of a workflow stays: events, conditions, permissions, inputs.
func (r *actRunner) underAct(workflow string) string {
	r.Helper()
	if len(sluiceStep.FindAllString(workflow, -1)) != 1 {
		r.Fatalf("want one step of sluice in\n%s", workflow)
	}
	workflow = checkoutStep.ReplaceAllStringFunc(workflow, func(step string) string {
		fetch := `git fetch --quiet --depth=1 origin "$GITHUB_REF"`
		switch {
		case strings.Contains(step, "fetch-depth: 2"):
			fetch = `git fetch --quiet --depth=2 origin "$GITHUB_REF"`
		case strings.Contains(step, "fetch-depth: 0"):
			fetch = `git fetch --quiet origin '+refs/heads/*:refs/remotes/origin/*' "$GITHUB_REF"`
		}
		return "      - run: |\n          git init --quiet\n          git remote add origin \"$CLONE_URL\"\n          " + fetch +
			"\n          git checkout --quiet --detach FETCH_HEAD\n"
	})
	workflow = cacheStep.ReplaceAllString(workflow, "")
	workflow = uploadStep.ReplaceAllString(workflow, `      - if: always()
        run: rm -rf "$$ARTIFACT" && cp -R "$${{ runner.temp }}/sluice-report" "$$ARTIFACT"
`)
	workflow = sluiceStep.ReplaceAllString(workflow, `      - run: |
          mkdir -p .sluice-action/.github
          cp "$$ACTION_SOURCE/action.yml" .sluice-action/
          cp -R "$$ACTION_SOURCE/.github/action" .sluice-action/.github/
      - id: sluice
        uses: ./.sluice-action
`)
	return workflow + `
      - if: always()
        env:
          VERDICT: ${{ steps.sluice.outputs.verdict }}
          CHANGES: ${{ steps.sluice.outputs.changes }}
        run: echo "the verdict is '$VERDICT', $CHANGES changes"
`
}

// run has act do what GitHub does for an event, with a token, and gives its log.
func (r *actRunner) run(event string, payload []byte, token string, green bool) string {
	r.Helper()
	ctx, cancel := context.WithTimeout(r.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, r.act, append([]string{event, "--platform", "ubuntu-latest=-self-hosted", "--no-cache-server",
		"--eventpath", r.write("event.json", string(payload)), "--secret", "GITHUB_TOKEN=" + token}, r.env...)...)
	cmd.Dir = filepath.Join(r.dir, "work")
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + r.dir, "XDG_CACHE_HOME=" + filepath.Join(r.dir, "cache")}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); (err == nil) != green {
		r.Fatalf("act: %v, want green %t:\n%s", err, green, out.String())
	}
	return out.String()
}

// TestActPullRequest has a pull request pass, then fail after another push.
func TestActPullRequest(t *testing.T) {
	t.Parallel()
	r := newActRunner(newStage(t))
	head := r.repo.Commit("feature", r.change(), "good")
	pr := r.repo.OpenPullRequest(githubtest.PullOptions{Head: "feature"})
	r.wants("the first run", r.run("pull_request", r.repo.PullRequestEvent(pr, "opened"), r.gh.ActionsToken(), true), "the verdict is 'pass'")
	first := r.repo.Comments(pr)
	if checks := r.repo.CheckRuns(head); len(first) != 1 || len(checks) != 1 || checks[0].Conclusion != "success" {
		t.Fatalf("comments %+v, check runs %+v", first, checks)
	}

	head = r.repo.Commit("feature", filesOf(t, testdata.Change()), "with mistakes")
	r.wants("the second run", r.run("pull_request", r.repo.PullRequestEvent(pr, "synchronize"), r.gh.ActionsToken(), false), "the verdict is 'fail'")
	second := r.repo.Comments(pr)
	if len(second) != 1 || second[0].ID != first[0].ID {
		t.Fatalf("the comment was not updated in place: %+v", second)
	}
	r.wants("the comment", second[0].Body, "2 findings must be fixed")
	if checks := r.repo.CheckRuns(head); len(checks) != 1 || checks[0].Conclusion != "failure" {
		t.Errorf("check runs: %+v", checks)
	}
	if r.downloads != 1 {
		t.Errorf("%d downloads, want one: the tool cache keeps the program", r.downloads)
	}
}

// TestActFork has a pull request of a stranger go through both stages: the first can only read and stores its report, the second takes
// it from there and comments.
func TestActFork(t *testing.T) {
	t.Parallel()
	r := newActRunner(newStage(t))
	fork := r.repo.Fork("stranger")
	head := fork.Commit("feature", filesOf(t, testdata.Change()), "from outside")
	pr := r.repo.OpenPullRequest(githubtest.PullOptions{Head: "feature", From: fork})
	r.wants("the first stage", r.run("pull_request", r.repo.PullRequestEvent(pr, "opened"), r.gh.ForkToken(), false), "the verdict is 'fail'")
	if comments := r.repo.Comments(pr); len(comments) != 0 {
		t.Fatalf("a token that can only read has commented: %+v", comments)
	}
	r.repo.StoreArtifact(7, "sluice-report", filesOf(t, os.DirFS(filepath.Join(r.dir, "artifact"))))

	r.run("workflow_run", r.repo.WorkflowRunEvent(7, pr), r.gh.StageToken(), true)
	comments := r.repo.Comments(pr)
	if len(comments) != 1 {
		t.Fatalf("%d comments, want one", len(comments))
	}
	r.wants("the comment", comments[0].Body, "2 findings must be fixed", "/actions/runs/7#artifacts)")
	if checks := r.repo.CheckRuns(head); len(checks) != 0 {
		t.Errorf("a verdict that a fork can forge became a check run: %+v", checks)
	}
}

// TestActPromotion has a merge open the promotion to staging, whose merge opens the one to prod. Running again changes nothing.
func TestActPromotion(t *testing.T) {
	t.Parallel()
	r := newActRunner(newPromotionStage(t))
	_, push := r.merge("shop-1.6", "Shop 1.6.0", r.retag(shopDev, "v1.6.0"))
	r.run("push", push, r.gh.PromotionToken(), true)
	staging := r.promotion("shop/dev-to-staging")
	if staging.State != "open" {
		t.Fatalf("%+v", staging)
	}
	r.wants("the change", r.repo.Git("diff", "main", staging.Head), "+    newTag: v1.6.0")
	if checks := r.repo.CheckRuns(staging.Head); len(checks) != 1 || checks[0].Conclusion != "success" {
		t.Errorf("check runs of the promotion: %+v", checks)
	}
	known := len(r.repo.Pulls())
	r.run("push", push, r.gh.PromotionToken(), true)
	if again := r.repo.Pulls(); len(again) != known {
		t.Fatalf("the second run opened more pull requests: %+v", again)
	}

	r.run("push", r.mergePull(staging.Number), r.gh.PromotionToken(), true)
	if prod := r.promotion("shop/staging-to-prod"); prod.State != "open" {
		t.Fatalf("%+v", prod)
	}
}

// TestActRealRepository sets up a real config repository with `sluice init`, and has its workflow check a pull request with a new version
// in one environment and a mistake in the base of all.
func TestActRealRepository(t *testing.T) {
	t.Parallel()
	corpus := filepath.Join("..", "..", "..", "shared", "corpora", "podinfo-deploy")
	if _, err := os.Stat(corpus); err != nil {
		t.Skip("no corpora here: the workflow is not run on a real repository")
	}
	actProgram(t)
	gh := githubtest.New(t)
	repo := gh.CreateRepo("acme/config")
	repo.Commit("main", filesOf(t, os.DirFS(corpus)), "As it is")
	clone := filepath.Join(t.TempDir(), "clone")
	if out, err := exec.Command("git", "clone", "--quiet", repo.CloneURL, clone).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Args, cmd.Dir = []string{"sluice", "init"}, clone
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("sluice init: %v\n%s", err, out)
	}
	setUp := githubtest.Files{".sluice.yaml": readFile(t, filepath.Join(clone, ".sluice.yaml"))}
	for name, text := range filesOf(t, os.DirFS(filepath.Join(clone, ".github"))) {
		setUp[".github/"+name] = text
	}
	base := repo.Commit("main", setUp, "Set up sluice")
	r := newActRunner(&stage{t, gh, repo, base})

	edit := func(name, old, new string) githubtest.Files {
		text := readFile(t, filepath.Join(corpus, name))
		if !strings.Contains(text, old) {
			t.Fatalf("%s lacks %q", name, old)
		}
		return githubtest.Files{name: strings.Replace(text, old, new, 1)}
	}
	repo.Commit("podinfo-3.3", edit("overlays/production/kustomization.yaml", "newTag: 3.2.1", "newTag: 3.3.0"), "Podinfo 3.3 in production")
	head := repo.Commit("podinfo-3.3", edit("base/podinfo/deployment.yaml", "containerPort: 9898", "contianerPort: 9898"), "Tidy up")
	pr := repo.OpenPullRequest(githubtest.PullOptions{Head: "podinfo-3.3"})
	log := r.run("pull_request", repo.PullRequestEvent(pr, "opened"), gh.ActionsToken(), false)
	r.wants("the log", log, "the verdict is 'fail'")
	comments := repo.Comments(pr)
	if len(comments) != 1 {
		t.Fatalf("%d comments:\n%s", len(comments), log)
	}
	r.wants("the comment", comments[0].Body, "stefanprodan/podinfo:3.3.0", "contianerPort", "base/podinfo/deployment.yaml", "**`production`**")
	if checks := repo.CheckRuns(head); len(checks) != 1 || checks[0].Conclusion != "failure" || len(checks[0].Annotations) == 0 {
		t.Errorf("check runs: %+v", checks)
	}
}
