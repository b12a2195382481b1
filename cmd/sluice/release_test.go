package main

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/rhysd/actionlint"
)

// TestReproducibleBuild has the release's script build the program from two copies of the source, in directories of different names.
// SLUICE_TEST_RELEASE=1 shares the build cache between the two, so that only linking is proved; =cold compiles all of it twice; =all
// does so for the four platforms of a release.
func TestReproducibleBuild(t *testing.T) {
	t.Parallel()
	mode := os.Getenv("SLUICE_TEST_RELEASE")
	if mode == "" || testing.Short() {
		t.Skip("SLUICE_TEST_RELEASE=1 builds the release twice and compares, =cold without a build cache (several minutes)")
	}
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	platforms := []string{runtime.GOOS + "/" + runtime.GOARCH}
	if mode == "all" {
		platforms = []string{"linux/amd64", "linux/arm64", "darwin/amd64", "darwin/arm64"}
	}
	build := func(source string) (programs map[string][]byte, sums []byte) {
		t.Helper()
		source = filepath.Join(t.TempDir(), source)
		out := t.TempDir()
		if err := os.MkdirAll(source, 0o755); err != nil {
			t.Fatal(err)
		}
		script := `set -e; (cd "$1" && git ls-files -z --cached --others --exclude-standard | xargs -0 sh -c 'for f; do [ ! -e "$f" ] || printf "%s\0" "$f"; done' sh | tar --null --files-from=- --create) | tar --extract --directory "$2"
cd "$2"; out=$3; shift 3; .github/release/build.sh v1.2.3 "$out" "$@"`
		cmd := exec.Command("sh", append([]string{"-c", script, "sh", root, source, out}, platforms...)...)
		cmd.Env = os.Environ()
		if mode != "1" {
			cmd.Env = append(cmd.Env, "GOCACHE="+t.TempDir())
		}
		if log, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("build.sh: %v\n%s", err, log)
		}
		programs = make(map[string][]byte)
		for _, platform := range platforms {
			programs[platform] = []byte(readFile(t, filepath.Join(out, "sluice_"+strings.ReplaceAll(platform, "/", "_"))))
		}
		return programs, []byte(readFile(t, filepath.Join(out, "checksums.txt")))
	}
	first, sums := build("a")
	second, again := build("a directory with another name")
	if !bytes.Equal(sums, again) {
		t.Errorf("two builds differ:\n%s\n%s", sums, again)
	}
	if !regexp.MustCompile(`^version v1\.2\.3\n([0-9a-f]{64}  sluice_\w+_\w+\n)+$`).Match(sums) || bytes.Count(sums, []byte("sluice_")) != len(platforms) {
		t.Errorf("checksums.txt:\n%s", sums)
	}
	for platform, program := range first {
		if !bytes.Equal(program, second[platform]) {
			t.Errorf("two builds for %s differ: %d and %d bytes", platform, len(program), len(second[platform]))
		}
		for _, trace := range []string{root, filepath.Dir(root)} {
			if bytes.Contains(program, []byte(trace+"/")) {
				t.Errorf("the program for %s holds the path %s", platform, trace)
			}
		}
	}
}

// TestWorkflows has actionlint read the workflows of this repository, and demands that what they use is pinned.
func TestWorkflows(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../.github/workflows/*.yml")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		text := readFile(t, file)
		linter, err := actionlint.NewLinter(io.Discard, &actionlint.LinterOptions{})
		if err != nil {
			t.Fatal(err)
		}
		problems, err := linter.Lint(file, []byte(text), nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, problem := range problems {
			t.Error(problem)
		}
		for _, uses := range regexp.MustCompile(`uses: (.*)`).FindAllStringSubmatch(text, -1) {
			if !regexp.MustCompile(`^(\./|[\w./-]+@[0-9a-f]{40} # v)`).MatchString(uses[1]) {
				t.Errorf("%s: %s is not pinned to a commit", file, uses[1])
			}
		}
	}
}

// TestReleaseFlags holds goreleaser to the flags of the script whose checksums are committed.
func TestReleaseFlags(t *testing.T) {
	t.Parallel()
	script, goreleaser := readFile(t, "../../.github/release/build.sh"), readFile(t, "../../.goreleaser.yaml")
	for _, flag := range []string{"-trimpath", "-buildvcs=false", "-s -w -buildid= -X github.com/sluice-dev/sluice/internal/cli.version=", "CGO_ENABLED=0", "-mod=readonly"} {
		if !strings.Contains(script, flag) || !strings.Contains(goreleaser, flag) {
			t.Errorf("%s is not in both build.sh and .goreleaser.yaml", flag)
		}
	}
}
