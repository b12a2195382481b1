package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice/internal/githubtest"
)

// TestDoctor runs doctor on a fresh repository, and again after each thing that it asks for.
func TestDoctor(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	dir := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	run := func(want int, env []string, args ...string) string {
		t.Helper()
		cmd := exec.Command(self)
		cmd.Args = append([]string{"sluice"}, args...)
		cmd.Dir, cmd.Env = dir, append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir}, env...)
		out, _ := cmd.CombinedOutput()
		if got := cmd.ProcessState.ExitCode(); got != want {
			t.Fatalf("%q: exit code %d, want %d:\n%s", args, got, want, out)
		}
		return string(out)
	}
	if out, err := exec.Command("git", "clone", "--quiet", s.repo.CloneURL, dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	github := []string{"GITHUB_TOKEN=" + s.gh.ForkToken(), "GITHUB_API_URL=" + s.gh.APIURL, "GITHUB_REPOSITORY=acme/config"}

	s.wants("a repository that has nothing", run(1, github, "doctor"), "no workflow runs sluice", "there is no CODEOWNERS", "takes pushes without a pull request")
	run(0, nil, "init")
	if err := os.WriteFile(dir+"/.github/CODEOWNERS", []byte("* @acme/platform\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	s.wants("its files", run(0, nil, "doctor", "--offline"), "ok       .github/CODEOWNERS", "unknown  required checks")
	s.wants("without a token", run(3, nil, "doctor", "--github", "acme/config"), "set GITHUB_TOKEN")
	s.wants("without rules", run(1, github, "doctor"), `branch "main" does not require the check "sluice"`)

	s.repo.AddRules(githubtest.RequireChecks(0, "sluice"), githubtest.RequirePulls(false))
	s.wants("without code owners", run(1, github, "doctor"), "bind it to GitHub Actions", "CODEOWNERS does not bind")
	s.repo.AddRules(githubtest.RequireChecks(15368, "sluice"), githubtest.RequirePulls(true), githubtest.Rule{Type: "merge_queue"})
	out := run(0, github, "doctor")
	s.wants("when all is done", out, `requires the check "sluice", from one App only`, "owners must approve what they own", "who may bypass")
	if strings.Contains(out, "wrong") || strings.Contains(out, "unknown") {
		t.Error(out)
	}
	s.wants("when the settings cannot be read", out, `advice   Settings, Actions, General: "Allow GitHub Actions to create and approve pull requests": only an administrator's token`)
	admin := s.gh.AddToken("ghp_admin", githubtest.Token{Login: "wim", Permissions: map[string]string{"contents": "read", "administration": "read"}})
	asAdmin := append([]string{"GITHUB_TOKEN=" + admin}, github[1:]...)
	s.wants("when promotions cannot be opened", run(1, asAdmin, "doctor"), `wrong    Settings, Actions, General: "Allow GitHub Actions to create and approve pull requests" is off`)
	s.repo.AllowActionsPulls = true
	s.wants("when they can", run(0, asAdmin, "doctor"), "GITHUB_TOKEN may open pull requests")
	s.gh.AddFault(githubtest.Fault{Path: "/repos/acme/config/rules/branches/main", Times: -1, Status: 403})
	s.wants("when rulesets cannot be read", run(3, github, "doctor"), "unknown  rulesets")
}
