package main

import (
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rhysd/actionlint"
	"go.yaml.in/yaml/v3"

	"github.com/sluice-dev/sluice/internal/githubtest"
	"github.com/sluice-dev/sluice/testdata"
)

// shardWorkflow is the workflow that the documentation gives for huge repositories.
var shardWorkflow = filepath.Join("..", "..", "docs", "sluice-shards.yml")

// shardScripts gives what each job of the workflow runs, without the installation of the program.
func shardScripts(t *testing.T) map[string]string {
	t.Helper()
	linter, err := actionlint.NewLinter(io.Discard, &actionlint.LinterOptions{})
	if err != nil {
		t.Fatal(err)
	}
	content := []byte(readFile(t, shardWorkflow))
	mistakes, err := linter.Lint(".github/workflows/sluice.yml", content, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, mistake := range mistakes {
		t.Errorf("%s: %s", shardWorkflow, mistake)
	}
	var workflow struct {
		Jobs map[string]struct{ Steps []struct{ Run string } }
	}
	if err := yaml.Unmarshal(content, &workflow); err != nil {
		t.Fatal(err)
	}
	scripts := map[string]string{}
	for name, job := range workflow.Jobs {
		for _, step := range job.Steps {
			if step.Run != "" && !strings.HasPrefix(step.Run, "go install ") {
				scripts[name] += step.Run + "\n"
			}
		}
	}
	return scripts
}

// shardRun is one run of the workflow: its jobs share nothing but what they hand over.
type shardRun struct {
	*stage
	env    map[string]string
	bin    string
	shards string
}

func (s *stage) newShardRun(pr int, action string) *shardRun {
	s.Helper()
	bin := s.TempDir()
	self, err := os.Executable()
	if err != nil {
		s.Fatal(err)
	}
	if err := os.Symlink(self, filepath.Join(bin, "sluice")); err != nil {
		s.Fatal(err)
	}
	return &shardRun{s, s.repo.RunnerEnv("pull_request", s.repo.PullRequestEvent(pr, action)), bin, s.TempDir()}
}

// job runs a script in a checkout of its own, as deep as the workflow says.
func (r *shardRun) job(script string, env map[string]string) (code int, log, dir string) {
	r.Helper()
	dir = r.TempDir()
	for _, args := range [][]string{
		{"init", "--quiet"}, {"remote", "add", "origin", r.repo.CloneURL},
		{"fetch", "--quiet", "--depth=2", "origin", r.env["GITHUB_SHA"]}, {"checkout", "--quiet", "--detach", "FETCH_HEAD"},
	} {
		cmd := exec.Command("git", args...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			r.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	cmd := exec.Command("bash", "-e", "-c", script)
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + r.bin + ":" + os.Getenv("PATH"), "HOME=" + dir}
	for name, value := range r.env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	for name, value := range env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		r.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(out), dir
}

// do runs the jobs up to the report, and leaves some shards out.
func (r *shardRun) do(scripts map[string]string, without ...string) (code int, log string) {
	r.Helper()
	output := filepath.Join(r.TempDir(), "output")
	if code, log, _ := r.job(scripts["plan"], map[string]string{"GITHUB_OUTPUT": output}); code != 0 {
		r.Fatalf("the plan: exit code %d\n%s", code, log)
	}
	var matrix struct{ Include []struct{ Shard string } }
	if err := json.Unmarshal([]byte(strings.TrimPrefix(readFile(r.T, output), "matrix=")), &matrix); err != nil {
		r.Fatal(err)
	}
	if len(matrix.Include) < 2 {
		r.Fatalf("the plan has %d shards", len(matrix.Include))
	}
	for _, job := range matrix.Include {
		code, log, dir := r.job(scripts["check"], map[string]string{"SHARD": job.Shard})
		if code != 0 {
			r.Fatalf("shard %s: exit code %d\n%s", job.Shard, code, log)
		}
		files, err := filepath.Glob(filepath.Join(dir, "shard-*"))
		if err != nil || len(files) != 1 {
			r.Fatalf("shard %s made %q (%v)", job.Shard, files, err)
		}
		name := filepath.Base(files[0])
		if len(without) > 0 && name == without[0] {
			continue
		}
		if err := os.Rename(files[0], filepath.Join(r.shards, name)); err != nil {
			r.Fatal(err)
		}
	}
	env := map[string]string{"INPUT_TOKEN": r.gh.ActionsToken(), "SHARDS": r.shards}
	maps.Copy(env, map[string]string{"GITHUB_WORKSPACE": "."})
	code, log, _ = r.job(scripts["report"], env)
	return code, log
}

// TestShardWorkflow runs the documented workflow for a pull request, script by script: the joined shards are one comment and
// one check run, which a second push updates. A shard that is missing is never green.
func TestShardWorkflow(t *testing.T) {
	t.Parallel()
	scripts := shardScripts(t)
	s := newStage(t)
	head := s.repo.Commit("shop-1.5.0", filesOf(t, testdata.Change()), "Shop 1.5.0 in prod")
	pr := s.repo.OpenPullRequest(githubtest.PullOptions{Head: "shop-1.5.0"})
	if code, log := s.newShardRun(pr, "opened").do(scripts); code != 1 {
		t.Fatalf("exit code %d, want 1:\n%s", code, log)
	}
	comments, checks := s.repo.Comments(pr), s.repo.CheckRuns(head)
	if len(comments) != 1 || len(checks) != 1 || checks[0].Conclusion != "failure" {
		t.Fatalf("%d comments, check runs %+v", len(comments), checks)
	}
	s.wants("the comment", comments[0].Body, "2 findings must be fixed", "shop:1.5.0", "schema/invalid")

	// The same, in one run: the comment says the same.
	run := s.step("pull_request", s.repo.PullRequestEvent(pr, "synchronize"), s.gh.ActionsToken(), nil)
	s.wantCode(run, 1)
	if whole := s.repo.Comments(pr); len(whole) != 1 || whole[0].Body != comments[0].Body {
		t.Errorf("one run says\n%s\nthe shards said\n%s", whole[0].Body, comments[0].Body)
	}

	head = s.repo.Commit("shop-1.5.0", s.change(), "Without the mistakes")
	if code, log := s.newShardRun(pr, "synchronize").do(scripts, "shard-2"); code != 3 {
		t.Fatalf("exit code %d with a shard missing, want 3:\n%s", code, log)
	}
	checks = s.repo.CheckRuns(head)
	if len(checks) != 1 || checks[0].Conclusion == "success" {
		t.Fatalf("with a shard missing: %+v", checks)
	}
	s.wants("the comment", s.repo.Comments(pr)[0].Body, "shard 2 of ", "is missing")
	if code, log := s.newShardRun(pr, "synchronize").do(scripts); code != 0 {
		t.Fatalf("exit code %d, want 0:\n%s", code, log)
	}
	updated := s.repo.Comments(pr)
	if len(updated) != 1 || updated[0].ID != comments[0].ID {
		t.Errorf("the comment was not updated in place: %+v", updated)
	}
}
