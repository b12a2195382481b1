package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/sluice-dev/sluice/internal/finding"
	"github.com/sluice-dev/sluice/internal/report"
)

// TestCorpora checks real config repositories whole: none may crash or hang, and each target that fails says why. That what
// renders equals what the kustomize CLI prints is tested in package render.
func TestCorpora(t *testing.T) {
	t.Parallel()
	corpora := filepath.Join("..", "..", "..", "shared", "corpora")
	entries, err := os.ReadDir(corpora)
	if err != nil {
		t.Skip("no corpora here: the real repositories are not checked")
	}
	for _, entry := range entries {
		if !entry.IsDir() {
			continue
		}
		t.Run(entry.Name(), func(t *testing.T) {
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS(filepath.Join(corpora, entry.Name()))); err != nil {
				t.Fatal(err)
			}
			for _, args := range [][]string{{"init", "--quiet"}, {"add", "--all", "--force"}, {"commit", "--quiet", "--message=corpus"}} {
				cmd := exec.Command("git", args...)
				cmd.Dir, cmd.Env = dir, append(os.Environ(), gitEnvironment...)
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Fatalf("git %v: %v\n%s", args, err, out)
				}
			}
			r, code, said := checkAll(t, dir)
			wants := map[report.Verdict][]int{report.Pass: {0}, report.Fail: {1, 2}, report.Incomplete: {2, 3}}
			if !slices.Contains(wants[r.Verdict], code) {
				t.Errorf("exit code %d for the verdict %q\n%s", code, r.Verdict, said)
			}
			if len(r.Targets) == 0 && !slices.ContainsFunc(r.Findings, func(f finding.Finding) bool { return f.Rule == "layout/none" }) {
				t.Error("there are no targets, and no finding says so")
			}
			for _, target := range r.Targets {
				why := slices.ContainsFunc(r.Findings, func(f finding.Finding) bool {
					return f.Severity == finding.Error && slices.Contains(f.Targets, finding.TargetState{ID: target.ID, State: finding.New})
				})
				if target.Status == report.Failed && !why {
					t.Errorf("%s failed and nothing says why", target.ID)
				}
				if target.Status == report.Rendered && target.Objects == 0 {
					t.Logf("%s is empty", target.ID)
				}
			}
			if c := r.Coverage; c.Validated+c.Unknown != c.Objects {
				t.Errorf("objects went missing: %+v", c)
			}
		})
	}
}

// checkAll runs `sluice check --all` in a directory.
func checkAll(t *testing.T, dir string) (r report.Report, code int, said string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Args = []string{"sluice", "check", "--all", "--output", "json"}
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &stdout, &stderr
	var exit *exec.ExitError
	if err := cmd.Run(); errors.As(err, &exit) {
		code = exit.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(stdout.Bytes(), &r); err != nil {
		t.Fatalf("exit code %d, and no report: %v\n%s", code, err, stderr.String())
	}
	return r, code, stderr.String()
}
