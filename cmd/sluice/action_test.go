package main

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluice-dev/sluice/internal/githubtest"
	"github.com/sluice-dev/sluice/testdata"
)

// stage is a repository on a GitHub for tests, and the real program run against it as a workflow step.
type stage struct {
	*testing.T
	gh   *githubtest.GitHub
	repo *githubtest.Repo
	base string
}

func newStage(t *testing.T) *stage {
	t.Helper()
	gh := githubtest.New(t)
	repo := gh.CreateRepo("acme/config")
	base := repo.Commit("main", filesOf(t, testdata.Before()), "begin")
	return &stage{t, gh, repo, base}
}

func filesOf(t *testing.T, tree fs.FS) githubtest.Files {
	t.Helper()
	files := githubtest.Files{}
	err := fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := fs.ReadFile(tree, name)
		files[name] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// change is the sample's pull request without its mistakes.
func (s *stage) change() githubtest.Files {
	files := filesOf(s.T, testdata.Change())
	files["apps/shop/overlays/prod/size.yaml"] = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: shop\nspec:\n  replicas: 6\n"
	return files
}

// stepRun is what a step left behind.
type stepRun struct {
	code    int
	log     string
	summary string
	outputs string
}

// step runs `sluice action` for an event, in a checkout as actions/checkout makes it: one commit, no history.
func (s *stage) step(event string, payload []byte, token string, inputs map[string]string) stepRun {
	s.Helper()
	env := s.repo.RunnerEnv(event, payload)
	dir := s.TempDir()
	for _, args := range [][]string{
		{"init", "--quiet"},
		{"remote", "add", "origin", s.repo.CloneURL},
		{"config", "includeIf.gitdir:" + filepath.Join(dir, ".git") + ".path", s.credentials(env["RUNNER_TEMP"], token)},
		{"fetch", "--quiet", "--depth=1", "origin", env["GITHUB_SHA"]},
		{"checkout", "--quiet", "--detach", "FETCH_HEAD"},
	} {
		cmd := exec.Command("git", args...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			s.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	env["INPUT_TOKEN"] = token
	env["GITHUB_WORKSPACE"] = dir
	maps.Copy(env, inputs)
	self, err := os.Executable()
	if err != nil {
		s.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Args = []string{"sluice", "action"}
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir}
	for name, value := range env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	run := stepRun{}
	var exit *exec.ExitError
	if err := cmd.Run(); errors.As(err, &exit) {
		run.code = exit.ExitCode()
	} else if err != nil {
		s.Fatal(err)
	}
	for _, live := range liveCommands(errs.String()) { // the runner reads both, in no order that anybody could rely on
		s.Errorf("a command is live in what is printed on standard error: %q", live)
	}
	run.log = out.String() + errs.String()
	run.summary, run.outputs = readFile(s.T, env["GITHUB_STEP_SUMMARY"]), readFile(s.T, env["GITHUB_OUTPUT"])
	for _, place := range []string{run.log, run.summary, run.outputs} {
		place = strings.ReplaceAll(place, "::add-mask::"+token+"\n", "") // which the runner takes away
		if strings.Contains(place, token) || strings.Contains(place, "rotated-not-a-real-key") || strings.Contains(place, "cHJvZC1yb3RhdGVk") {
			s.Errorf("a secret leaked:\n%s", place)
		}
	}
	return run
}

// credentials writes what actions/checkout persists: a token in a file beside the repository, which its configuration includes. A private
// repository gives nothing without it.
func (s *stage) credentials(temp, token string) string {
	s.Helper()
	basic := base64.StdEncoding.EncodeToString([]byte("x-access-token:" + token))
	writeTo(s.T, temp, "git-credentials.config", "[http \""+s.gh.URL+"/\"]\n\textraheader = AUTHORIZATION: basic "+basic+"\n")
	return filepath.Join(temp, "git-credentials.config")
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func (s *stage) wants(what, text string, parts ...string) {
	s.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			s.Errorf("%s lacks %q:\n%s", what, part, text)
		}
	}
}

func (s *stage) wantCode(run stepRun, want int) {
	s.Helper()
	if run.code != want {
		s.Fatalf("exit code %d, want %d:\n%s", run.code, want, run.log)
	}
}

// TestPullRequest is the main story: a pull request with mistakes, then a second push without them.
func TestPullRequest(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	head := s.repo.Commit("shop-1.5.0", filesOf(t, testdata.Change()), "Shop 1.5.0 in prod")
	pr := s.repo.OpenPullRequest(githubtest.PullOptions{Head: "shop-1.5.0"})
	reports := t.TempDir()
	run := s.step("pull_request", s.repo.PullRequestEvent(pr, "opened"), s.gh.ActionsToken(), map[string]string{"INPUT_REPORTS": reports})
	s.wantCode(run, 1)
	comments := s.repo.Comments(pr)
	if len(comments) != 1 {
		t.Fatalf("%d comments, want one", len(comments))
	}
	s.wants("the comment", comments[0].Body, "2 findings must be fixed", "[complete report]("+s.gh.URL+"/acme/config/actions/runs/1#artifacts)", "**`prod`**", "shop:1.5.0", "schema/invalid", "apps/shop/overlays/prod/size.yaml")
	checks := s.repo.CheckRuns(head)
	if len(checks) != 1 || checks[0].Name != "sluice" || checks[0].Conclusion != "failure" {
		t.Fatalf("check runs: %+v", checks)
	}
	if !slices.ContainsFunc(checks[0].Annotations, func(a githubtest.Annotation) bool {
		return a.Path == "apps/shop/overlays/prod/size.yaml" && a.StartLine == 12 && a.Title == "schema/invalid"
	}) {
		t.Errorf("annotations: %+v", checks[0].Annotations)
	}
	s.wants("the summary", run.summary, "2 findings must be fixed")
	s.wants("the outputs", run.outputs, "verdict<<", "fail\n", "apps/shop/overlays/prod", "#issuecomment-")
	s.wants("report.json", readFile(t, filepath.Join(reports, "report.json")), `"version": 1`, head)
	if calls := len(s.gh.Requests()); calls >= 15 {
		t.Errorf("%d API calls, want fewer than 15", calls)
	}

	head = s.repo.Commit("shop-1.5.0", s.change(), "Without the mistakes")
	run = s.step("pull_request", s.repo.PullRequestEvent(pr, "synchronize"), s.gh.ActionsToken(), nil)
	s.wantCode(run, 0)
	updated := s.repo.Comments(pr)
	if len(updated) != 1 || updated[0].ID != comments[0].ID {
		t.Fatalf("the comment was not updated in place: %+v", updated)
	}
	s.wants("the updated comment", updated[0].Body, "no objections")
	if checks := s.repo.CheckRuns(head); len(checks) != 1 || checks[0].Conclusion != "success" {
		t.Errorf("check runs: %+v", checks)
	}
}

// TestPrivateRepository has commits that the checkout lacks be fetched with the credentials that it left, in a repository that shows nothing
// to strangers.
func TestPrivateRepository(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.repo.Private = true
	head := s.repo.Commit("feature", filesOf(t, testdata.Change()), "change")
	pr := s.repo.OpenPullRequest(githubtest.PullOptions{Head: "feature"})
	s.wantCode(s.step("pull_request", s.repo.PullRequestEvent(pr, "opened"), s.gh.ActionsToken(), nil), 1)
	s.wantVerdict(head, githubtest.Grants[0], "failure", "")
}

// TestOldRunDoesNotOverwriteANewerComment has the run of an older push end last.
func TestOldRunDoesNotOverwriteANewerComment(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.repo.Commit("feature", filesOf(t, testdata.Change()), "one")
	pr := s.repo.OpenPullRequest(githubtest.PullOptions{Head: "feature"})
	first := s.repo.PullRequestEvent(pr, "opened")
	s.repo.Commit("feature", s.change(), "two")
	s.wantCode(s.step("pull_request", s.repo.PullRequestEvent(pr, "synchronize"), s.gh.ActionsToken(), nil), 0)
	s.step("pull_request", first, s.gh.ActionsToken(), nil)
	comments := s.repo.Comments(pr)
	if len(comments) != 1 {
		t.Fatalf("%d comments", len(comments))
	}
	s.wants("the comment", comments[0].Body, "no objections")
}

// TestApp has a GitHub App write the comment and the check run.
func TestApp(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	head := s.repo.Commit("feature", s.change(), "change")
	pr := s.repo.OpenPullRequest(githubtest.PullOptions{Head: "feature"})
	key := s.gh.AddApp("42", "gatekeeper", map[string]string{"contents": "read", "pull-requests": "write", "checks": "write"}, s.repo)
	event := s.repo.PullRequestEvent(pr, "opened")
	run := s.step("pull_request", event, s.gh.ForkToken(), map[string]string{"INPUT_APP_ID": "42", "INPUT_PRIVATE_KEY": key})
	s.wantCode(run, 0)
	if comments := s.repo.Comments(pr); len(comments) != 1 || comments[0].Author != "gatekeeper[bot]" {
		t.Errorf("comments: %+v", comments)
	}
	if checks := s.repo.CheckRuns(head); len(checks) != 1 || checks[0].Conclusion != "success" {
		t.Errorf("check runs: %+v", checks)
	}
	for line := range strings.Lines(key) {
		for _, place := range []string{strings.ReplaceAll(run.log, "::add-mask::"+line, ""), run.summary, run.outputs} {
			if strings.Contains(place, strings.TrimSpace(line)) {
				t.Fatalf("the private key leaked:\n%s", place)
			}
		}
	}
	run = s.step("pull_request", event, s.gh.ForkToken(), map[string]string{"INPUT_APP_ID": "42"})
	s.wantCode(run, 2)
	s.wants("the log", run.log, "belong together")
}

// TestForkDegrades has a token that can only read: the verdict stands, the result is in the summary and the annotations.
func TestForkDegrades(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	fork := s.repo.Fork("stranger")
	fork.Commit("feature", filesOf(t, testdata.Change()), "from outside")
	pr := s.repo.OpenPullRequest(githubtest.PullOptions{Head: "feature", From: fork})
	run := s.step("pull_request", s.repo.PullRequestEvent(pr, "opened"), s.gh.ForkToken(), nil)
	s.wantCode(run, 1)
	if comments := s.repo.Comments(pr); len(comments) != 0 {
		t.Errorf("comments: %+v", comments)
	}
	s.wants("the summary", run.summary, "2 findings must be fixed", "could not be written", "pull-requests: write")
	s.wants("the log", run.log, "::error ", "file=apps/shop/overlays/prod/size.yaml", "line=12")
}

// TestNothingAffected: a change that reaches no target has its verdict, on a pull request as in a merge queue, so that a required check never
// stays pending. It is no reason for a comment; one that is there is brought up to date.
func TestNothingAffected(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	head := s.repo.Commit("words", githubtest.Files{"README.md": "Words.\n"}, "words")
	pr := s.repo.OpenPullRequest(githubtest.PullOptions{Head: "words"})
	group := s.repo.Commit("group", githubtest.Files{"README.md": "Other words.\n"}, "other words")
	for commit, run := range map[string]stepRun{
		head:  s.step("pull_request", s.repo.PullRequestEvent(pr, "opened"), s.gh.ActionsToken(), nil),
		group: s.step("merge_group", s.repo.MergeGroupEvent(s.base, group), s.gh.ActionsToken(), nil),
	} {
		s.wantCode(run, 0)
		if checks := s.repo.CheckRuns(commit); len(checks) != 1 || checks[0].Conclusion != "success" {
			t.Errorf("check runs: %+v", checks)
		}
		if got := outputOf(run.outputs, "targets"); got != "[]" {
			t.Errorf("targets %s", got)
		}
	}
	if comments := s.repo.Comments(pr); len(comments) != 0 {
		t.Errorf("comments: %+v", comments)
	}
	s.repo.Commit("words", s.change(), "and more")
	s.wantCode(s.step("pull_request", s.repo.PullRequestEvent(pr, "synchronize"), s.gh.ActionsToken(), nil), 0)
	first := s.repo.Comments(pr)
	s.repo.Commit("words", s.unchanged(), "and back")
	s.wantCode(s.step("pull_request", s.repo.PullRequestEvent(pr, "synchronize"), s.gh.ActionsToken(), nil), 0)
	second := s.repo.Comments(pr)
	if len(first) != 1 || len(second) != 1 || second[0].ID != first[0].ID || second[0].Body == first[0].Body {
		t.Errorf("comments: %+v, then %+v", first, second)
	}
}

// unchanged gives what the change touched, as it was before.
func (s *stage) unchanged() githubtest.Files {
	before := filesOf(s.T, testdata.Before())
	files := githubtest.Files{}
	for name := range s.change() {
		if content, ok := before[name]; ok {
			files[name] = content
		}
	}
	return files
}

// TestOtherEvents runs the rest of the events that sluice knows.
func TestOtherEvents(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.repo.Commit("feature", s.change(), "change")
	pr := s.repo.OpenPullRequest(githubtest.PullOptions{Head: "feature"})
	head := s.repo.Tip("feature")
	token := s.gh.ActionsToken()

	cache := filepath.Join(t.TempDir(), "cache")
	run := s.step("merge_group", s.repo.MergeGroupEvent(s.base, head), token, map[string]string{"INPUT_CACHE": cache})
	s.wantCode(run, 0)
	s.wants("the log", run.log, "The cache is not used")
	if _, err := os.Stat(cache); err == nil {
		t.Error("a run of the merge queue has a cache")
	}
	if checks := s.repo.CheckRuns(head); len(checks) != 1 || checks[0].Conclusion != "success" {
		t.Errorf("merge_group: check runs: %+v", checks)
	}
	merged := s.repo.MergePullRequest(pr)
	run = s.step("pull_request", s.repo.PullRequestEvent(pr, "closed"), token, nil)
	s.wantCode(run, 0)
	s.wants("the log", run.log, "Nothing to check")
	run = s.step("push", s.repo.PushEvent("refs/heads/main", s.base, merged), token, nil)
	s.wantCode(run, 0)
	s.wants("the summary", run.summary, "no objections")
	for _, event := range []string{"workflow_dispatch", "schedule"} {
		run = s.step(event, s.repo.DispatchEvent("main"), token, nil)
		s.wantCode(run, 0)
		s.wants("the log of "+event, run.log, "6 targets")
	}
	run = s.step("pull_request_target", s.repo.PullRequestEvent(pr, "opened"), token, nil)
	s.wantCode(run, 2)
	s.wants("the log", run.log, "on: pull_request")
	if comments := s.repo.Comments(pr); len(comments) != 0 {
		t.Errorf("comments by other events: %+v", comments)
	}
}

// TestFaults has calls of the API fail: the end state is that of an undisturbed run, or the run says what is missing.
func TestFaults(t *testing.T) {
	t.Parallel()
	comments := "/repos/acme/config/issues/*/comments"
	tests := []struct {
		name     string
		fault    githubtest.Fault
		code     int
		comments int
		says     string
	}{
		{"403: no permission", githubtest.Fault{Method: "POST", Path: comments, Times: -1, Status: 403}, 0, 0, "pull-requests: write"},
		{"404: hidden", githubtest.Fault{Method: "POST", Path: comments, Times: -1, Status: 404}, 3, 0, "could not be written"},
		{"422: too long", githubtest.Fault{Method: "POST", Path: comments, Status: 422, Body: map[string]any{"message": "Validation Failed", "documentation_url": "https://docs.github.com/rest", "errors": []any{map[string]any{"resource": "IssueComment", "code": "unprocessable", "field": "data", "message": "Body is too long (maximum is 65536 characters)"}}}}, 0, 1, ""},
		{"429: limited", githubtest.SecondaryLimit(429, time.Second).On("POST", comments), 0, 1, ""},
		{"502 once", githubtest.Fault{Method: "POST", Path: comments, Status: 502}, 0, 1, ""},
		{"502, though it was done", githubtest.Fault{Method: "POST", Path: comments, Status: 502, Apply: true}, 0, 1, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			s.repo.Commit("feature", s.change(), "change")
			pr := s.repo.OpenPullRequest(githubtest.PullOptions{Head: "feature"})
			s.gh.AddFault(test.fault)
			run := s.step("pull_request", s.repo.PullRequestEvent(pr, "opened"), s.gh.ActionsToken(), nil)
			s.wantCode(run, test.code)
			if n := len(s.repo.Comments(pr)); n != test.comments {
				t.Errorf("%d comments, want %d:\n%s", n, test.comments, run.log)
			}
			s.wants("the summary", run.summary, "no objections", test.says)
			if checks := s.repo.CheckRuns(s.repo.Tip("feature")); len(checks) != 1 || checks[0].Conclusion != "success" {
				t.Errorf("check runs: %+v", checks)
			}
		})
	}
}
