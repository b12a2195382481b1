package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

// dockerStandIn stands for an engine that has no daemon, so that image.sh checks nothing, but builds and pushes what it is told to.
const dockerStandIn = `#!/bin/sh
[ "$1" != info ] || exit 1
[ "$1" != login ] || exec grep --quiet '^the-token$'
echo "docker $*" >>"$RECORD"
[ "$1" != image ] || printf '%s\n' "elsewhere.example.com/sluice@sha256:$ZEROS" "ghcr.io/sluice-dev/sluice@sha256:$ONES"
`

// actReleases runs release.yml with act. What it cannot have here is replaced: Go and Docker by stand-ins, the actions of others by steps
// that record what they were given. All else of the workflow stays: inputs, expressions, environment, outputs, the order of jobs.
type actReleases struct {
	*releaseScene
	act, dir, record string
}

func newActReleases(t *testing.T) *actReleases {
	t.Helper()
	program := actProgram(t)
	r := &actReleases{releaseScene: newReleaseScene(t), act: program, dir: t.TempDir()}
	r.record = filepath.Join(r.dir, "record")
	writeTo(t, r.bin, "docker", dockerStandIn)
	if err := os.Chmod(filepath.Join(r.bin, "docker"), 0o755); err != nil {
		t.Fatal(err)
	}
	var workflow map[string]any
	if err := yaml.Unmarshal([]byte(readFile(t, filepath.Join("..", "..", ".github", "workflows", "release.yml"))), &workflow); err != nil {
		t.Fatal(err)
	}
	for _, job := range workflow["jobs"].(map[string]any) {
		steps := job.(map[string]any)["steps"].([]any)
		for i, step := range steps {
			steps[i] = r.standIn(step.(map[string]any))
		}
	}
	text, err := yaml.Marshal(workflow)
	if err != nil {
		t.Fatal(err)
	}
	writeTo(t, r.dir, "work/.github/workflows/release.yml", string(text))
	r.must(filepath.Join(r.dir, "work"), "git", "init", "--quiet")
	return r
}

// standIn gives what takes the place of a step that uses an action.
func (r *actReleases) standIn(step map[string]any) map[string]any {
	r.Helper()
	uses, _ := step["uses"].(string)
	if uses == "" {
		return step
	}
	with, _ := step["with"].(map[string]any)
	name, _, _ := strings.Cut(uses, "@")
	env := map[string]any{}
	for key, value := range with {
		env["WITH_"+strings.ToUpper(strings.ReplaceAll(key, "-", "_"))] = value
	}
	var run string
	switch name {
	case "actions/checkout":
		run = `git init --quiet; git remote add origin "$REMOTE"
			how=--depth=1; [ "$WITH_FETCH_DEPTH" != 0 ] || how=--tags
			git fetch --quiet $how origin "${WITH_REF:-main}"; git checkout --quiet --detach FETCH_HEAD`
	case "actions/setup-go":
		run = `test "$WITH_CACHE" = false && test -f "$WITH_GO_VERSION_FILE"`
	case "goreleaser/goreleaser-action":
		run = `echo "goreleaser $WITH_ARGS: $GORELEASER_CURRENT_TAG after '$GORELEASER_PREVIOUS_TAG'" >>"$RECORD"
			test "$REFUSE" != "$GORELEASER_CURRENT_TAG"; mkdir dist; cp .github/action/checksums.txt dist/`
	case "actions/attest-build-provenance":
		run = `echo "attest $WITH_SUBJECT_CHECKSUMS$WITH_SUBJECT_NAME@$WITH_SUBJECT_DIGEST" >>"$RECORD"; test -z "$WITH_SUBJECT_CHECKSUMS" || test -s "$WITH_SUBJECT_CHECKSUMS"`
	default:
		r.Fatalf("nothing stands for %s", uses)
	}
	return map[string]any{"run": run, "env": env}
}

// release has act do what GitHub does when somebody starts the workflow, and gives what the steps have recorded.
func (r *actReleases) release(version string, green bool, env ...string) string {
	r.Helper()
	ctx, cancel := context.WithTimeout(r.Context(), 3*time.Minute)
	defer cancel()
	args := []string{"workflow_dispatch", "--platform", "ubuntu-latest=-self-hosted", "--no-cache-server", "--input", "version=" + version, "--secret", "GITHUB_TOKEN=the-token"}
	for _, variable := range append(env, "REMOTE=file://"+r.remote, "RECORD="+r.record, "ZEROS="+strings.Repeat("0", 64), "ONES="+strings.Repeat("1", 64)) {
		args = append(args, "--env", variable)
	}
	cmd := exec.CommandContext(ctx, r.act, args...)
	cmd.Dir = filepath.Join(r.dir, "work")
	for _, variable := range r.env {
		if !strings.HasPrefix(variable, "VERSION=") { // the steps say it themselves
			cmd.Env = append(cmd.Env, variable)
		}
	}
	cmd.Env = append(cmd.Env, "XDG_CACHE_HOME="+filepath.Join(r.dir, "cache"))
	if err := os.WriteFile(r.record, nil, 0o644); err != nil {
		r.Fatal(err)
	}
	if out, err := cmd.CombinedOutput(); (err == nil) != green {
		r.Fatalf("act: %v, want green %t:\n%s", err, green, out)
	}
	return readFile(r.T, r.record)
}

// TestActRelease runs release.yml as a whole: a release that goreleaser refuses stays a tag that nothing follows; the next one is published,
// attested, pushed and followed by v1.
func TestActRelease(t *testing.T) {
	t.Parallel()
	r := newActReleases(t)
	main := r.must(r.remote, "git", "rev-parse", "main")
	if got, want := r.release("v1.2.3", false, "REFUSE=v1.2.3"), "goreleaser release --clean: v1.2.3 after ''\n"; got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if tags := r.must(r.remote, "git", "tag"); tags != "v1.2.3\n" {
		t.Errorf("tags after a release that was refused: %q", tags)
	}

	name := "ghcr.io/sluice-dev/sluice"
	want := "goreleaser release --clean: v1.2.4 after 'v1.2.3'\n" +
		"attest dist/checksums.txt@\n" +
		"docker build --build-arg VERSION=v1.2.4 --tag " + name + ":v1.2.4 .\n" +
		"docker push " + name + ":v1.2.4\n" +
		"docker image inspect --format {{range .RepoDigests}}{{println .}}{{end}} " + name + ":v1.2.4\n" +
		"attest " + name + "@sha256:" + strings.Repeat("1", 64) + "\n"
	if got := r.release("v1.2.4", true); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if tags := r.must(r.remote, "git", "tag"); tags != "v1\nv1.2.3\nv1.2.4\n" {
		t.Errorf("tags: %q", tags)
	}
	released := r.must(r.remote, "git", "rev-parse", "v1.2.4")
	if major := r.must(r.remote, "git", "rev-parse", "v1"); major != released {
		t.Errorf("v1 is %s, want %s", major, released)
	}
	sums := r.must(r.remote, "git", "show", "v1:.github/action/checksums.txt")
	if !regexp.MustCompile(`^version v1\.2\.4\n([0-9a-f]{64}  sluice_(linux|darwin)_(amd64|arm64)\n){4}$`).MatchString(sums) {
		t.Errorf("checksums.txt:\n%s", sums)
	}
	if after := r.must(r.remote, "git", "rev-parse", "main"); after != main {
		t.Error("the branch has moved")
	}
}
