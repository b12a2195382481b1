package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestActionFileByGitHub has GitHub's own language service read action.yml, which actionlint does not. It needs npm and its
// registry. That it would see a mistake is tested with planted ones.
func TestActionFileByGitHub(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"npm", "node"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("action.yml is not read by GitHub's language service: %v", err)
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
		t.Skipf("action.yml is not read by GitHub's language service: npm ci: %v\n%s", err, out)
	}
	lint := func(content string) (string, bool) {
		writeTo(t, dir, "action.yml", content)
		cmd := exec.Command("node", "lint.mjs", "action.yml")
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "NODE_OPTIONS=")
		out, err := cmd.CombinedOutput()
		return string(out), err == nil
	}
	if said, ok := lint(action); !ok {
		t.Errorf("GitHub's language service says of action.yml:\n%s", said)
	}
	before, _, _ := strings.Cut(action, "using: composite")
	using := fmt.Sprintf("action.yml:%d:10: Unexpected value 'compsite'", strings.Count(before, "\n")+1)
	for _, planted := range []struct{ from, to, says string }{
		{"using: composite", "using: compsite", using},
		{"      shell: sh\n", "", "Required property is missing: shell"},
		{"steps.get.outputs.program", "nothing.get.outputs.program", "Unrecognized named-value: 'nothing'"},
	} {
		wrong := strings.Replace(action, planted.from, planted.to, 1)
		if wrong == action {
			t.Fatalf("there is no %q in action.yml", planted.from)
		}
		if said, ok := lint(wrong); ok || !strings.Contains(said, planted.says) {
			t.Errorf("with %q: got %q, want %q", planted.to, said, planted.says)
		}
	}
}
