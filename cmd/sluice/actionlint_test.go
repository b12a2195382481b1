package main

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestFilesByGitHub has GitHub's own language service read action.yml, which actionlint does not, the workflows of this repository and those
// that `sluice init` writes. It needs npm and its registry. That it would see a mistake is tested with planted ones.
func TestFilesByGitHub(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"npm", "node"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("action.yml and the workflows are not read by GitHub's language service: %v", err)
		}
	}
	action := readFile(t, filepath.Join("..", "..", "action.yml"))
	dir := t.TempDir()
	for _, name := range []string{"package.json", "package-lock.json", "lint.mjs"} {
		writeTo(t, dir, name, readFile(t, filepath.Join("..", "..", ".github", "lint", name)))
	}
	install := exec.Command("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	install.Dir = dir
	if out, err := install.CombinedOutput(); err != nil {
		t.Skipf("action.yml and the workflows are not read by GitHub's language service: npm ci: %v\n%s", err, out)
	}
	// lint reads files below a directory of their own, all in one go: the service takes a second to begin.
	lint := func(below string, files map[string]string) (string, bool) {
		t.Helper()
		args := []string{"lint.mjs"}
		for _, name := range slices.Sorted(maps.Keys(files)) {
			args = append(args, path.Join(below, name))
			writeTo(t, dir, path.Join(below, name), files[name])
		}
		cmd := exec.Command("node", args...)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "NODE_OPTIONS=")
		out, err := cmd.CombinedOutput()
		return string(out), err == nil
	}
	files := map[string]string{"action.yml": action}
	for name, text := range workflowsHere(t) {
		files[".github/workflows/"+name] = text
	}
	for name, text := range workflowsOfInit(t) {
		files[".github/workflows/init-"+name] = text
	}
	if said, ok := lint("good", files); !ok {
		t.Errorf("GitHub's language service says:\n%s", said)
	}
	before, _, _ := strings.Cut(action, "using: composite")
	using := fmt.Sprintf("action.yml:%d:10: Unexpected value 'compsite'", strings.Count(before, "\n")+1)
	const gate = ".github/workflows/init-sluice.yml"
	planted := []struct{ file, from, to, says string }{
		{"action.yml", "using: composite", "using: compsite", using},
		{"action.yml", "      shell: sh\n", "", "Required property is missing: shell"},
		{"action.yml", "steps.get.outputs.program", "nothing.get.outputs.program", "Unrecognized named-value: 'nothing'"},
		{gate, "reopened, edited]", "reopened, editted]", "editted"},
		{gate, "  checks: write", "  checks: wriet", "wriet"},
		{gate, "github.event_name ==", "gitub.event_name ==", "Unrecognized named-value: 'gitub'"},
	}
	wrong := make(map[string]string)
	for i, mistake := range planted {
		text := strings.Replace(files[mistake.file], mistake.from, mistake.to, 1)
		if text == files[mistake.file] {
			t.Fatalf("there is no %q in %s", mistake.from, mistake.file)
		}
		wrong[path.Join(strconv.Itoa(i), mistake.file)] = text
	}
	said, ok := lint("wrong", wrong)
	for i, mistake := range planted {
		found := slices.ContainsFunc(strings.Split(said, "\n"), func(line string) bool {
			return strings.HasPrefix(line, path.Join("wrong", strconv.Itoa(i))+"/") && strings.Contains(line, mistake.says)
		})
		if ok || !found {
			t.Errorf("with %q: want %q in\n%s", mistake.to, mistake.says, said)
		}
	}
}

// workflowsHere gives the workflows of this repository, by name.
func workflowsHere(t *testing.T) map[string]string {
	t.Helper()
	return filesOf(t, os.DirFS(filepath.Join("..", "..", ".github", "workflows")))
}

// workflowsOfInit gives what `sluice init` writes, by name.
func workflowsOfInit(t *testing.T) map[string]string {
	t.Helper()
	s := newStage(t)
	dir := filepath.Join(t.TempDir(), "clone")
	if out, err := exec.Command("git", "clone", "--quiet", s.repo.CloneURL, dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Args, cmd.Dir = []string{"sluice", "init", "--forks"}, dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("sluice init: %v\n%s", err, out)
	}
	return filesOf(t, os.DirFS(filepath.Join(dir, ".github", "workflows")))
}
