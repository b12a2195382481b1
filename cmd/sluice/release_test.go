package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
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
// SLUICE_TEST_RELEASE=1 shares the build cache between the two, so that only linking is proved; =cold gives the second an empty one, so that
// all of it is compiled anew; =all does so for the four platforms of a release, which takes up to half an hour of processor time: a job of
// ci.yml, and not part of `.ci/run`.
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
	build := func(source string, env ...string) (programs map[string][]byte, sums []byte) {
		t.Helper()
		source = filepath.Join(t.TempDir(), source)
		out := t.TempDir()
		copySource(t, root, source)
		cmd := exec.Command(filepath.Join(source, ".github", "release", "build.sh"), append([]string{"v1.2.3", out}, platforms...)...)
		cmd.Env = append(os.Environ(), env...)
		if log, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("build.sh: %v\n%s", err, log)
		}
		programs = make(map[string][]byte)
		for _, platform := range platforms {
			programs[platform] = []byte(readFile(t, filepath.Join(out, "sluice_"+strings.ReplaceAll(platform, "/", "_"))))
		}
		return programs, []byte(readFile(t, filepath.Join(out, "checksums.txt")))
	}
	var cold []string
	if mode != "1" {
		cold = []string{"GOCACHE=" + t.TempDir()}
	}
	first, sums := build("a")
	second, again := build("a directory with another name", cold...)
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

// copySource copies what is committed, or would be, of a repository to a new directory.
func copySource(t *testing.T, root, dir string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	const script = `set -e; (cd "$1" && git ls-files -z --cached --others --exclude-standard | xargs -0 sh -c 'for f; do [ ! -e "$f" ] || printf "%s\0" "$f"; done' sh | tar --null --files-from=- --create) | tar --extract --directory "$2"`
	if log, err := exec.Command("sh", "-c", script, "sh", root, dir).CombinedOutput(); err != nil {
		t.Fatalf("copy the source: %v\n%s", err, log)
	}
}

// TestGoreleaser does what release.yml does, but for publishing: build.sh, the commit of its checksums, a tag, and goreleaser on that, which
// builds again, stops where a byte differs, and writes SBOMs, for which cyclonedx-gomod is in PATH. SLUICE_TEST_RELEASE=all does so for the
// four platforms, else it is this one. It is not part of `.ci/run`: goreleaser alone takes more than ten minutes of processor time to build.
// What can differ is held by TestReleaseFlags and, in the release itself, by verify.sh.
func TestGoreleaser(t *testing.T) {
	t.Parallel()
	program := os.Getenv("SLUICE_TEST_GORELEASER")
	if program == "" || testing.Short() {
		t.Skip("SLUICE_TEST_GORELEASER=PROGRAM has goreleaser build a release, with cyclonedx-gomod in PATH; " +
			"go install github.com/goreleaser/goreleaser/v2@v2.13.0 makes the program")
	}
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "source")
	copySource(t, root, dir)
	run := func(name string, args ...string) (string, error) {
		cmd := exec.Command(name, args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GOFLAGS=", "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.com")
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	must := func(name string, args ...string) {
		t.Helper()
		if out, err := run(name, args...); err != nil {
			t.Fatalf("%s %v: %v\n%s", name, args, err, out)
		}
	}
	var platforms []string // all
	if os.Getenv("SLUICE_TEST_RELEASE") != "all" {
		platforms = []string{runtime.GOOS + "/" + runtime.GOARCH}
		here := strings.NewReplacer("goos: [linux, darwin]", "goos: ["+runtime.GOOS+"]", "goarch: [amd64, arm64]", "goarch: ["+runtime.GOARCH+"]")
		one := here.Replace(readFile(t, filepath.Join(dir, ".goreleaser.yaml")))
		if err := os.WriteFile(filepath.Join(dir, ".goreleaser.yaml"), []byte(one), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	must("git", "init", "--quiet", "--initial-branch=main")
	must("git", "remote", "add", "origin", "https://github.com/sluice-dev/sluice.git")
	must("git", "add", "--all")
	must("git", "commit", "--quiet", "--message=source")
	must(program, "check")
	must(".github/release/build.sh", append([]string{"v1.2.3", "dist"}, platforms...)...)
	must("cp", "dist/checksums.txt", ".github/action/checksums.txt")
	must("git", "add", "--force", ".github/action/checksums.txt")
	must("git", "commit", "--quiet", "--message=Release v1.2.3")
	must("git", "tag", "v1.2.3")
	must(program, "release", "--clean", "--skip=publish,announce", "--release-notes", "README.md")

	sums := readFile(t, filepath.Join(dir, ".github", "action", "checksums.txt"))
	programs, err := filepath.Glob(filepath.Join(dir, "dist", "sluice_*", "sluice")) // what release.yml attests
	if want := strings.Count(sums, "  sluice_"); err != nil || len(programs) != want {
		t.Fatalf("goreleaser built %v, want %d programs (%v)", programs, want, err)
	}
	for _, file := range programs {
		sum := sha256.Sum256([]byte(readFile(t, file)))
		if !strings.Contains(sums, hex.EncodeToString(sum[:])) {
			t.Errorf("%s is not among the checksums:\n%s", file, sums)
		}
	}
	checkPublished(t, filepath.Join(dir, "dist"), programs)

	// A build that differs is no release.
	if err := os.WriteFile(filepath.Join(dir, "cmd", "sluice", "other.go"), []byte("package main\n\nfunc init() { println() }\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	must("git", "add", "--all")
	must("git", "commit", "--quiet", "--message=more")
	must("git", "tag", "--force", "v1.2.3")
	if out, err := run(program, "build", "--clean", "--single-target"); err == nil || !strings.Contains(out, "the build is not reproducible here") {
		t.Errorf("other bytes than the checksums name: %v\n%s", err, out)
	}
}

// checkPublished looks at what goreleaser would have published: the programs, an SBOM of each, and the checksums of all, which are attested.
func checkPublished(t *testing.T, dist string, programs []string) {
	t.Helper()
	published := readFile(t, filepath.Join(dist, "checksums.txt"))
	attested := func(file, name string) {
		t.Helper()
		sum := sha256.Sum256([]byte(readFile(t, file)))
		if line := hex.EncodeToString(sum[:]) + "  " + name + "\n"; !strings.Contains(published, line) {
			t.Errorf("the checksums lack %q:\n%s", line, published)
		}
	}
	for _, program := range programs {
		name := regexp.MustCompile(`sluice_[a-z]+_(amd64|arm64)`).FindString(filepath.Base(filepath.Dir(program)))
		document := filepath.Join(dist, name+".cdx.json")
		checkSBOM(t, []byte(readFile(t, document)), program, "v1.2.3")
		attested(program, name)
		attested(document, filepath.Base(document))
	}
	if lines := strings.Count(published, "\n"); lines != 2*len(programs) {
		t.Errorf("%d checksums, want %d:\n%s", lines, 2*len(programs), published)
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
