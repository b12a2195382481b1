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
	"runtime"
	"testing"
	"time"

	"github.com/sluice-dev/sluice/internal/githubtest"
	"github.com/sluice-dev/sluice/testdata"
)

const actVersion = "v0.2.89"

// actProgram builds github.com/nektos/act, which runs workflows without GitHub, once per machine.
func actProgram(t *testing.T) string {
	t.Helper()
	if os.Getenv("SLUICE_TEST_ACT") == "" || testing.Short() {
		t.Skip("SLUICE_TEST_ACT=1 runs action.yml with act, which is built first (a minute of processor time, once)")
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Skipf("no place for act: %v", err)
	}
	dir := filepath.Join(cache, "sluice-tests", "act-"+actVersion)
	program := filepath.Join(dir, "act")
	if _, err := os.Stat(program); err == nil {
		return program
	}
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "go", "install", "github.com/nektos/act@"+actVersion)
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), "GOBIN="+dir, "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Skipf("act cannot be built here: %v\n%s", err, out)
	}
	return program
}

// actWorkflow is a workflow as a user has it, but for the checkout, which is done by hand: actions/checkout is not at hand.
const actWorkflow = `
name: sluice
on: pull_request
permissions: {contents: read, pull-requests: write, checks: write}
jobs:
  sluice:
    runs-on: ubuntu-latest
    steps:
      - run: |
          git init --quiet
          git fetch --quiet --depth=2 "$CLONE_URL" "$GITHUB_REF"
          git checkout --quiet --detach FETCH_HEAD
          mkdir -p .sluice-action/.github
          cp "$ACTION_SOURCE/action.yml" .sluice-action/
          cp -R "$ACTION_SOURCE/.github/action" .sluice-action/.github/
      - id: sluice
        uses: ./.sluice-action
      - if: always()
        env:
          VERDICT: ${{ steps.sluice.outputs.verdict }}
          CHANGES: ${{ steps.sluice.outputs.changes }}
        run: echo "the verdict is $VERDICT, $CHANGES changes"
`

// TestActionUnderAct runs the real action.yml: it gets the released program, verifies and runs it. The program is this test
// binary, behind a script, and the release a server of this test.
func TestActionUnderAct(t *testing.T) {
	t.Parallel()
	act := actProgram(t)
	s := newStage(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	source, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name, content string) string {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		return file
	}
	if err := os.Symlink(self, filepath.Join(dir, "sluice")); err != nil {
		t.Fatal(err)
	}
	program := "#!/bin/sh\nexec '" + filepath.Join(dir, "sluice") + "' \"$@\"\n"
	downloads := 0
	releases := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		downloads++
		_, _ = w.Write([]byte(program))
	}))
	t.Cleanup(releases.Close)
	sum := sha256.Sum256([]byte(program))
	sums := write("checksums.txt", "version v0.0.0\n"+hex.EncodeToString(sum[:])+"  sluice_"+runtime.GOOS+"_"+runtime.GOARCH+"\n")
	write("work/.github/workflows/sluice.yml", actWorkflow)
	for _, args := range [][]string{{"init", "--quiet"}, {"add", "--all"}, {"-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "--quiet", "--message=work"}} {
		cmd := exec.Command("git", args...)
		cmd.Dir = filepath.Join(dir, "work")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	run := func(payload []byte, green bool) string {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
		defer cancel()
		cmd := exec.CommandContext(ctx, act, "pull_request", "--platform", "ubuntu-latest=-self-hosted", "--no-cache-server",
			"--eventpath", write("event.json", string(payload)), "--secret", "GITHUB_TOKEN="+s.gh.ActionsToken(),
			"--env", "GITHUB_API_URL="+s.gh.APIURL, "--env", "GITHUB_SERVER_URL="+s.gh.URL, "--env", "GITHUB_REPOSITORY="+s.repo.FullName,
			"--env", "SLUICE_CHECKSUMS="+sums, "--env", "SLUICE_RELEASES="+releases.URL,
			"--env", "CLONE_URL="+s.repo.CloneURL, "--env", "ACTION_SOURCE="+source)
		cmd.Dir = filepath.Join(dir, "work")
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "XDG_CACHE_HOME=" + filepath.Join(dir, "cache")}
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		if err := cmd.Run(); (err == nil) != green {
			t.Fatalf("act: %v, want green %t:\n%s", err, green, out.String())
		}
		return out.String()
	}

	head := s.repo.Commit("feature", s.change(), "good")
	pr := s.repo.OpenPullRequest(githubtest.PullOptions{Head: "feature"})
	s.wants("the first run", run(s.repo.PullRequestEvent(pr, "opened"), true), "the verdict is pass")
	first := s.repo.Comments(pr)
	if checks := s.repo.CheckRuns(head); len(first) != 1 || len(checks) != 1 || checks[0].Conclusion != "success" {
		t.Fatalf("comments %+v, check runs %+v", first, checks)
	}

	head = s.repo.Commit("feature", filesOf(t, testdata.Change()), "with mistakes")
	s.wants("the second run", run(s.repo.PullRequestEvent(pr, "synchronize"), false), "the verdict is fail")
	second := s.repo.Comments(pr)
	if len(second) != 1 || second[0].ID != first[0].ID {
		t.Fatalf("the comment was not updated in place: %+v", second)
	}
	s.wants("the comment", second[0].Body, "2 findings must be fixed")
	if checks := s.repo.CheckRuns(head); len(checks) != 1 || checks[0].Conclusion != "failure" {
		t.Errorf("check runs: %+v", checks)
	}
	if downloads != 1 {
		t.Errorf("%d downloads, want one: the tool cache keeps the program", downloads)
	}
}
