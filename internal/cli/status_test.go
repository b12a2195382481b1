package cli

import (
	"bytes"
	"io"
	"os/exec"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice/internal/githubtest"
)

// TestStatusTellsOfParts: an open pull request that is no whole step of the order is told of, too.
func TestStatusTellsOfParts(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	w.repo.Commit("main", githubtest.Files{"dev/api/kustomization.yaml": overlay("v1"), "staging/api/kustomization.yaml": overlay("v1")}, "Another application")
	w.dev("v2")
	w.only = []string{"file=dev/web/kustomization.yaml"}
	w.calm()
	w.only = nil
	w.calm()
	for app, tells := range map[string]bool{"": true, "web": true, "api": false} {
		var out bytes.Buffer
		c := &Command{Stdout: &out, Stderr: io.Discard, Getenv: func(name string) string {
			return map[string]string{"GITHUB_TOKEN": w.token, "GITHUB_REPOSITORY": w.repo.FullName, "GITHUB_API_URL": w.gh.APIURL}[name]
		}}
		dir := t.TempDir()
		if out, err := exec.Command("git", "clone", "--quiet", w.repo.Dir, dir).CombinedOutput(); err != nil {
			t.Fatalf("git clone: %v\n%s", err, out)
		}
		cmd := c.newStatus()
		args := []string{"--repo", dir}
		if app != "" {
			args = append(args, "--app", app)
		}
		cmd.SetArgs(args)
		if err := cmd.ExecuteContext(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(out.String(), "pull request #2 is open too: Promote web: dev → staging (only file=dev/web/kustomization.yaml)"); got != tells {
			t.Errorf("--app %q:\n%s", app, out.String())
		}
		if strings.Contains(out.String(), "#3 is open too") {
			t.Errorf("what stands in the table is told of twice:\n%s", out.String())
		}
	}
}
