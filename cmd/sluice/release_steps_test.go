package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// goStandIn stands for Go, where building the real program takes too long: what it "builds" says for which platform, and what it was
// given in BYTES.
const goStandIn = `#!/bin/sh
case $1$2 in
envGOOS) echo "$HOST_OS" ;;
envGOARCH) echo "$HOST_ARCH" ;;
build*)
	while [ "$1" != -o ]; do shift; done
	printf '#!/bin/sh\necho built for %s%s\n' "$GOOS/$GOARCH" "${BYTES:-}" >"$2"
	chmod 755 "$2"
	;;
install*) ;;
*) exit 2 ;;
esac
`

// releaseScene is a clone of this repository with a remote, in which the scripts of release.yml run.
type releaseScene struct {
	*testing.T
	remote, clone string
	bin           string // first in PATH
	env           []string
}

func newReleaseScene(t *testing.T) *releaseScene {
	t.Helper()
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	s := &releaseScene{T: t, remote: filepath.Join(dir, "remote.git"), clone: filepath.Join(dir, "clone")}
	s.bin = filepath.Join(dir, "bin")
	if err := os.MkdirAll(s.bin, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.bin, "go"), []byte(goStandIn), 0o755); err != nil {
		t.Fatal(err)
	}
	s.env = []string{
		"PATH=" + s.bin + ":" + os.Getenv("PATH"), "HOME=" + dir, "GIT_CONFIG_NOSYSTEM=1", "VERSION=v1.2.3", "HOST_OS=" + runtime.GOOS, "HOST_ARCH=" + runtime.GOARCH,
	}
	source := filepath.Join(dir, "source")
	copySource(t, root, source)
	s.must(source, "git", "init", "--quiet", "--initial-branch=main")
	s.must(source, "git", "add", "--all")
	s.must(source, "git", "-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "--quiet", "--message=source")
	s.must(dir, "git", "clone", "--quiet", "--bare", source, s.remote)
	s.must(dir, "git", "clone", "--quiet", "--depth=1", "file://"+s.remote, s.clone) // as actions/checkout does
	return s
}

func (s *releaseScene) run(dir, name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = dir, s.env
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (s *releaseScene) must(dir, name string, args ...string) string {
	s.Helper()
	out, err := s.run(dir, name, args...)
	if err != nil {
		s.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
	return out
}

// scripts gives the scripts of a job of release.yml, in order.
func (s *releaseScene) scripts(job string) (scripts []string) {
	s.Helper()
	var workflow struct {
		Jobs map[string]struct {
			Steps []struct{ Run string }
		}
	}
	if err := yaml.Unmarshal([]byte(readFile(s.T, filepath.Join("..", "..", ".github", "workflows", "release.yml"))), &workflow); err != nil {
		s.Fatal(err)
	}
	for _, step := range workflow.Jobs[job].Steps {
		if step.Run != "" {
			scripts = append(scripts, step.Run)
		}
	}
	return scripts
}

// TestReleaseIsTagged runs the scripts of release.yml that tag a release, in a clone with a remote: the tag's commit names the bytes, the
// branch does not move, and who uses the action at the tag gets those bytes and no others. The image takes them alone, too. Then v1 follows.
func TestReleaseIsTagged(t *testing.T) {
	t.Parallel()
	s := newReleaseScene(t)
	before := s.must(s.remote, "git", "rev-parse", "main")
	for _, script := range s.scripts("tag") {
		s.must(s.clone, "bash", "-e", "-o", "pipefail", "-c", script) // as the runner runs it
	}
	if after := s.must(s.remote, "git", "rev-parse", "main"); after != before {
		t.Error("the branch has moved")
	}
	if parent := s.must(s.remote, "git", "rev-parse", "v1.2.3^"); parent != before {
		t.Error("the tag is not of a commit on the branch's")
	}
	sums := s.must(s.remote, "git", "show", "v1.2.3:.github/action/checksums.txt")
	if !regexp.MustCompile(`^version v1\.2\.3\n([0-9a-f]{64}  sluice_(linux|darwin)_(amd64|arm64)\n){4}$`).MatchString(sums) {
		t.Errorf("checksums.txt:\n%s", sums)
	}
	if out, err := s.run(s.clone, "bash", "-e", "-c", strings.Join(s.scripts("tag"), "\n")); err == nil {
		t.Errorf("the same version was released twice:\n%s", out)
	}

	// The publishing job and a user have the tag.
	tagged := filepath.Join(t.TempDir(), "tagged")
	s.must(".", "git", "clone", "--quiet", "--branch=v1.2.3", "file://"+s.remote, tagged)
	name := "sluice_" + runtime.GOOS + "_" + runtime.GOARCH
	releases := httptest.NewServer(http.StripPrefix("/v1.2.3/", http.FileServer(http.Dir(filepath.Join(s.clone, "dist")))))
	defer releases.Close()
	output := filepath.Join(t.TempDir(), "output")
	s.env = append(s.env, "GITHUB_OUTPUT="+output, "RUNNER_TOOL_CACHE="+t.TempDir(), "SLUICE_RELEASES="+releases.URL)
	if _, err := exec.LookPath("curl"); err == nil {
		s.must(tagged, ".github/action/get.sh")
		program := strings.TrimPrefix(strings.TrimSpace(readFile(t, output)), "program=")
		if said := s.must(".", program); said != "built for "+runtime.GOOS+"/"+runtime.GOARCH+"\n" {
			t.Errorf("the action's program says %q", said)
		}
	}
	s.must(tagged, ".github/release/verify.sh", filepath.Join(s.clone, "dist", name), name)
	image := filepath.Join(t.TempDir(), "sluice")
	s.must(tagged, ".github/release/program.sh", "v1.2.3", image)
	if !strings.Contains(sums, strings.Fields(s.must(".", "sha256sum", image))[0]) {
		t.Error("the image's program is none of the released ones")
	}
	s.env = append(s.env, "BYTES= otherwise")
	for _, version := range []string{"v1.2.3", "v1.2.4"} {
		if out, err := s.run(tagged, ".github/release/program.sh", version, image); err == nil || !strings.Contains(out, "not reproducible here") {
			t.Errorf("an image of other bytes was built: %v\n%s", err, out)
		}
	}
	s.must(tagged, ".github/release/program.sh", "", image) // a build of no version promises nothing

	// What is told of a release is what came since the one before it.
	for _, tags := range [][]string{nil, {"v1.2.2"}, {"v1.2.10", "v2.0.0"}} { // more each time
		for _, tag := range tags {
			s.must(tagged, "git", "tag", tag, "HEAD^")
		}
		environment := filepath.Join(t.TempDir(), "environment")
		s.env = append(s.env, "GITHUB_ENV="+environment)
		for _, script := range s.scripts("publish") {
			if strings.Contains(script, "GITHUB_ENV") {
				s.must(tagged, "bash", "-e", "-c", script)
			}
		}
		previous := ""
		if tags != nil {
			previous = "v1.2.2"
		}
		if got, want := readFile(t, environment), "GORELEASER_CURRENT_TAG=v1.2.3\nGORELEASER_PREVIOUS_TAG="+previous+"\n"; got != want {
			t.Errorf("with %q: %q, want %q", tags, got, want)
		}
	}

	// The major version follows the releases, however often, and no pre-release.
	follow := func(version string) string {
		t.Helper()
		s.env = append(s.env, "VERSION="+version)
		s.must(tagged, "bash", "-e", "-c", strings.Join(s.scripts("major"), "\n"))
		return s.must(s.remote, "git", "rev-parse", "v1")
	}
	tag := s.must(s.remote, "git", "rev-parse", "v1.2.3")
	if got := follow("v1.2.3"); got != tag {
		t.Errorf("v1 is %s, want %s", got, tag)
	}
	s.must(tagged, "git", "checkout", "--quiet", "--detach", "HEAD^")
	if got := follow("v1.3.0-rc.1"); got != tag {
		t.Errorf("v1 is %s, want still %s", got, tag)
	}
	if got := follow("v1.3.0"); got != before {
		t.Errorf("v1 is %s, want %s", got, before)
	}
}

// TestImageBase holds the Dockerfile's base to a digest, and to the version of Go that everything else is built with.
func TestImageBase(t *testing.T) {
	t.Parallel()
	version := regexp.MustCompile(`(?m)^go (\S+)$`).FindStringSubmatch(readFile(t, "../../go.mod"))[1]
	dockerfile := readFile(t, "../../Dockerfile")
	if !regexp.MustCompile(`(?m)^FROM golang:` + regexp.QuoteMeta(version) + `-alpine@sha256:[0-9a-f]{64} AS build$`).MatchString(dockerfile) {
		t.Errorf("the base is not golang:%s-alpine, pinned by its digest:\n%s", version, dockerfile)
	}
	for _, from := range regexp.MustCompile(`(?m)^FROM (.*)$`).FindAllStringSubmatch(dockerfile, -1) {
		if from[1] != "scratch" && !strings.Contains(from[1], "@sha256:") {
			t.Errorf("FROM %s is not pinned", from[1])
		}
	}
}
