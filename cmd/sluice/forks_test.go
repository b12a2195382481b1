package main

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice/internal/githubtest"
	"github.com/sluice-dev/sluice/testdata"
)

// forkScene is a pull request from a fork whose first stage has run.
type forkScene struct {
	*stage
	fork    *githubtest.Repo
	pr      int
	reports githubtest.Files // what the first stage wrote
}

func newForkScene(t *testing.T) *forkScene {
	t.Helper()
	s := &forkScene{stage: newStage(t)}
	s.fork = s.repo.Fork("stranger")
	s.fork.Commit("feature", filesOf(t, testdata.Change()), "from outside")
	s.pr = s.repo.OpenPullRequest(githubtest.PullOptions{Head: "feature", From: s.fork})
	s.firstStage("opened", 1)
	return s
}

func (s *forkScene) firstStage(action string, code int) {
	s.Helper()
	dir := s.TempDir()
	run := s.step("pull_request", s.repo.PullRequestEvent(s.pr, action), s.gh.ForkToken(), map[string]string{"INPUT_REPORTS": dir})
	s.wantCode(run, code)
	s.reports = filesOf(s.T, os.DirFS(dir))
}

func (s *forkScene) secondStage(run int64) stepRun {
	s.Helper()
	return s.step("workflow_run", s.repo.WorkflowRunEvent(run, s.pr), s.gh.StageToken(), nil)
}

// TestForkSecondStage has the second stage comment for the run of a fork, which could only read, and again after a push.
func TestForkSecondStage(t *testing.T) {
	t.Parallel()
	s := newForkScene(t)
	s.repo.StoreArtifact(7, "sluice-report", s.reports)
	before := len(s.gh.Requests())
	run := s.secondStage(7)
	s.wantCode(run, 0)
	if calls := len(s.gh.Requests()) - before; calls >= 15 {
		t.Errorf("%d API calls, want fewer than 15", calls)
	}
	comments := s.repo.Comments(s.pr)
	if len(comments) != 1 {
		t.Fatalf("%d comments, want one:\n%s", len(comments), run.log)
	}
	s.wants("the comment", comments[0].Body, "2 findings must be fixed", "could have changed", "/actions/runs/7)", "/actions/runs/7#artifacts)", "shop:1.5.0")
	s.wants("the outputs", run.outputs, "comment-url", "#issuecomment-")
	if checks := s.repo.CheckRuns(s.fork.Tip("feature")); len(checks) != 0 {
		t.Errorf("a verdict that a fork can forge became a check run: %+v", checks)
	}

	s.fork.Commit("feature", s.change(), "without the mistakes")
	s.firstStage("synchronize", 0)
	s.repo.StoreArtifact(8, "sluice-report", s.reports)
	s.wantCode(s.secondStage(8), 0)
	updated := s.repo.Comments(s.pr)
	if len(updated) != 1 || updated[0].ID != comments[0].ID {
		t.Fatalf("the comment was not updated in place: %+v", updated)
	}
	s.wants("the updated comment", updated[0].Body, "no objections")
}

// TestForkSecondStageDistrusts has the fork store what it likes.
func TestForkSecondStageDistrusts(t *testing.T) {
	t.Parallel()
	s := newForkScene(t)
	s.repo.Commit("victim", githubtest.Files{"a.yaml": "a: 1\n"}, "somebody else's")
	victim := s.repo.OpenPullRequest(githubtest.PullOptions{Head: "victim"})
	// edit gives the artifact with one value of the report replaced; path is of keys and, as 0, the first of a list.
	edit := func(value any, path ...any) githubtest.Files {
		var r any
		if err := json.Unmarshal([]byte(s.reports["report.json"]), &r); err != nil {
			t.Fatal(err)
		}
		at := r
		for _, step := range path[:len(path)-1] {
			if key, isKey := step.(string); isKey {
				at = at.(map[string]any)[key]
			} else {
				at = at.([]any)[0]
			}
		}
		at.(map[string]any)[path[len(path)-1].(string)] = value
		data, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		return githubtest.Files{"report.json": string(data), "pull-request.json": s.reports["pull-request.json"]}
	}
	with := func(name, content string) githubtest.Files {
		files := githubtest.Files{"report.json": s.reports["report.json"], "pull-request.json": s.reports["pull-request.json"]}
		files[name] = content
		return files
	}
	tests := []struct {
		name  string
		files githubtest.Files
		says  string
	}{
		{"the number of somebody else's pull request", with("pull-request.json", `{"number":2}`), "its head is not"},
		{"a number that there is not", with("pull-request.json", `{"number":99}`), "its head is not"},
		{"no number", with("pull-request.json", `{"number":-1}`), "does not name a pull request"},
		{"a number and more", with("pull-request.json", `{"number":1} {"number":2}`), "does not name a pull request"},
		{"no JSON", with("report.json", "<html>"), "refused"},
		{"no report", githubtest.Files{"pull-request.json": `{"number":1}`}, "refused"},
		{"a report that unpacks to more than fits", with("report.json", strings.Repeat(" ", 9<<20)), "larger than"},
		{"a field that is unknown", edit("x", "shell"), "unknown field"},
		{"a field that is a command", edit("x", "##[set-output name=comment-url]https://evil.example"), "unknown field"},
		{"a word that is a command", edit("\r::add-mask::prod\n::error::pwned", "targets", 0, "status"), "status"},
		{"another commit", edit(s.base, "head"), "it is about commit"},
		{"an option for a base", edit("--upload-pack=x", "base"), "is no commit id"},
		{"another version", edit(2, "version"), "version 2"},
		{"a status that is none", edit("fine", "targets", 0, "status"), "status"},
		{"an action that is none", edit("<img>", "changes", 0, "action"), "action"},
		{"a target out of nowhere", edit("elsewhere", "changes", 0, "target"), "not listed"},
		{"a severity that is none", edit("fatal", "findings", 0, "severity"), "refused"},
		{"a rule that is none", edit("](http://evil)", "findings", 0, "rule"), "rule"},
		{"a file outside", edit("../../etc/passwd", "findings", 0, "file"), "file"},
	}
	run := int64(100)
	for _, test := range tests {
		run++
		s.repo.StoreArtifact(run, "sluice-report", test.files)
		got := s.secondStage(run)
		if got.code != 3 || !strings.Contains(got.log, test.says) {
			t.Errorf("%s: code %d, want 3 and %q:\n%s", test.name, got.code, test.says, got.log)
		}
	}
	s.repo.StoreArchive(200, "sluice-report", []byte("not a zip file"))
	s.wantCode(s.secondStage(200), 3)
	s.repo.StoreArchive(202, "sluice-report", zipOf(t, "report.json", s.reports["report.json"], "pull-request.json", `{"number":1}`, "report.json", "{}"))
	if got := s.secondStage(202); got.code != 3 || !strings.Contains(got.log, "holds report.json twice") {
		t.Errorf("two files of a name: code %d:\n%s", got.code, got.log)
	}
	s.repo.StoreArtifact(201, "another-name", s.reports)
	s.wantCode(s.secondStage(201), 0)
	for _, pr := range []int{s.pr, victim} {
		if comments := s.repo.Comments(pr); len(comments) != 0 {
			t.Fatalf("comments on pull request %d: %+v", pr, comments)
		}
	}

	// What it may say is escaped, and what follows from it is computed: this report claims to pass.
	files := edit("@octocat <!-- sluice:sluice head=x --> ![x](https://evil/x.png) ```", "findings", 0, "message")
	files["report.json"] = strings.Replace(files["report.json"], `"verdict":"fail"`, `"verdict":"pass"`, 1)
	s.repo.StoreArtifact(300, "sluice-report", files)
	s.wantCode(s.secondStage(300), 0)
	body := s.repo.Comments(s.pr)[0].Body
	s.wants("the comment", body, "2 findings must be fixed")
	for _, live := range []string{"\n@octocat", " @octocat", "![x](", "<!-- sluice:sluice head=x"} {
		if strings.Contains(body, live) {
			t.Errorf("%q is live in the comment:\n%s", live, body)
		}
	}

	// A report that a push has overtaken is not published.
	s.fork.Commit("feature", s.change(), "a newer head")
	old := s.reports
	event := s.repo.WorkflowRunEvent(400, s.pr)
	event = []byte(strings.ReplaceAll(string(event), s.fork.Tip("feature"), headOf(t, old["report.json"])))
	s.repo.StoreArtifact(400, "sluice-report", old)
	got := s.step("workflow_run", event, s.gh.StageToken(), nil)
	s.wantCode(got, 0)
	s.wants("the log", got.log, "newer head")
}

// zipOf packs files (name, content, name, content, …), of which several may have one name.
func zipOf(t *testing.T, files ...string) []byte {
	t.Helper()
	var packed bytes.Buffer
	w := zip.NewWriter(&packed)
	for i := 0; i < len(files); i += 2 {
		entry, err := w.Create(files[i])
		if err == nil {
			_, err = entry.Write([]byte(files[i+1]))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return packed.Bytes()
}

// TestForkIsRenamed has the fork get another name between the two stages, or vanish.
func TestForkIsRenamed(t *testing.T) {
	t.Parallel()
	s := newForkScene(t)
	s.repo.StoreArtifact(7, "sluice-report", s.reports)
	event := string(s.repo.WorkflowRunEvent(7, s.pr))
	gone := strings.Replace(event, `"head_repository":{`, `"head_repository":null,"before":{`, 1)
	other := strings.Replace(event, fmt.Sprintf(`"id":%d`, s.fork.ID()), `"id":4711`, 1)
	renamed := strings.ReplaceAll(event, `"full_name":"`+s.fork.FullName+`"`, `"full_name":"stranger/as-it-was"`)
	for name, payload := range map[string]string{"gone": gone, "other": other, "renamed": renamed} {
		if payload == event {
			t.Fatalf("%s: the event is as it was:\n%s", name, event)
		}
	}
	run := s.step("workflow_run", []byte(gone), s.gh.StageToken(), nil)
	s.wantCode(run, 0)
	s.wants("the log", run.log, "was deleted")
	run = s.step("workflow_run", []byte(other), s.gh.StageToken(), nil)
	s.wantCode(run, 3)
	if comments := s.repo.Comments(s.pr); len(comments) != 0 {
		t.Fatalf("comments: %+v", comments)
	}
	s.wantCode(s.step("workflow_run", []byte(renamed), s.gh.StageToken(), nil), 0)
	if comments := s.repo.Comments(s.pr); len(comments) != 1 {
		t.Errorf("%d comments, want one", len(comments))
	}
}

func headOf(t *testing.T, data string) string {
	var r struct{ Head string }
	if err := json.Unmarshal([]byte(data), &r); err != nil {
		t.Fatal(err)
	}
	return r.Head
}

// TestForkWorkflowAgrees holds the workflows that init writes to what the two stages expect.
func TestForkWorkflowAgrees(t *testing.T) {
	t.Parallel()
	for file, parts := range map[string][]string{
		"sluice.yml":        {"name: sluice-report", "name: sluice\n", "reports: ${{ runner.temp }}/sluice-report"},
		"sluice-report.yml": {"workflows: [sluice]", "actions: read", "pull-requests: write"},
	} {
		data, err := os.ReadFile(filepath.Join("..", "..", "internal", "cli", "workflows", file))
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range parts {
			if !strings.Contains(string(data), part) {
				t.Errorf("%s lacks %q", file, part)
			}
		}
	}
}
