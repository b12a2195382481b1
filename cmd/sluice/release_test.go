package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
)

// TestReproducibleBuild has the release's script build the program from two copies of the source, in directories of different names.
// SLUICE_TEST_RELEASE=1 shares the build cache between the two, so that only linking is proved; =cold compiles all of it twice.
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
	build := func(source string) (program, sums []byte) {
		t.Helper()
		source = filepath.Join(t.TempDir(), source)
		out := t.TempDir()
		if err := os.MkdirAll(source, 0o755); err != nil {
			t.Fatal(err)
		}
		script := `set -e; (cd "$1" && git ls-files -z --cached --others --exclude-standard | xargs -0 sh -c 'for f; do [ ! -e "$f" ] || printf "%s\0" "$f"; done' sh | tar --null --files-from=- --create) | tar --extract --directory "$2"
"$2/.github/release/build.sh" v1.2.3 "$3" "$4"`
		cmd := exec.Command("sh", "-c", script, "sh", root, source, out, runtime.GOOS+"/"+runtime.GOARCH)
		cmd.Env = os.Environ()
		if mode == "cold" {
			cmd.Env = append(cmd.Env, "GOCACHE="+t.TempDir())
		}
		if log, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("build.sh: %v\n%s", err, log)
		}
		name := "sluice_" + runtime.GOOS + "_" + runtime.GOARCH
		return []byte(readFile(t, filepath.Join(out, name))), []byte(readFile(t, filepath.Join(out, "checksums.txt")))
	}
	first, sums := build("a")
	second, again := build("a directory with another name")
	if !bytes.Equal(first, second) || !bytes.Equal(sums, again) {
		t.Errorf("two builds differ: %d and %d bytes\n%s\n%s", len(first), len(second), sums, again)
	}
	if !regexp.MustCompile(`^version v1\.2\.3\n[0-9a-f]{64}  sluice_\w+_\w+\n$`).Match(sums) {
		t.Errorf("checksums.txt:\n%s", sums)
	}
	for _, trace := range []string{root, filepath.Dir(root)} {
		if bytes.Contains(first, []byte(trace+"/")) {
			t.Errorf("the program holds the path %s", trace)
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
