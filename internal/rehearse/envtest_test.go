package rehearse

import (
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/sluice-dev/sluice/internal/finding"
	"github.com/sluice-dev/sluice/internal/manifest"
)

// needAssets skips a test, visibly, where there is no API server to run it on.
func needAssets(t *testing.T) {
	t.Helper()
	if _, err := FindAssets(minorOf(AssetsKubernetes)); err != nil {
		t.Skipf("no API server for this test: %v", err)
	}
}

// private gives a test its own place for what a run leaves, and demands in the end that nothing is left there.
func private(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	t.Cleanup(func() {
		if left, err := filepath.Glob(filepath.Join(dir, "*")); err != nil || len(left) > 0 {
			t.Errorf("a rehearsal left %v (%v)", left, err)
		}
		if left := processesIn(dir); len(left) > 0 {
			t.Errorf("a rehearsal left processes: %v", left)
		}
	})
	return dir
}

// processesIn gives the command lines of processes that name a directory.
func processesIn(dir string) (found []string) {
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range files {
		line, err := os.ReadFile(file)
		if err == nil && strings.Contains(string(line), dir) {
			found = append(found, strings.ReplaceAll(string(line), "\x00", " "))
		}
	}
	return found
}

func objectsOf(t *testing.T, name string, data []byte) []*manifest.Object {
	t.Helper()
	objects, problems := manifest.Parse(name, data)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return objects
}

// cases reads testdata/*.txtar: each a base and a head of one target, and what the API server says about the change. Each is in an
// environment of its own, so that one API server after the other judges them.
func cases(t *testing.T) (targets []Target, files []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", "*.txtar"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no test cases: %v", err)
	}
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		targets = append(targets, Target{
			ID: strings.TrimSuffix(filepath.Base(file), ".txtar"), Environment: file, Kubernetes: minorOf(AssetsKubernetes),
			Base: objectsOf(t, "base.yaml", part(archive, "base")), Head: objectsOf(t, "head.yaml", part(archive, "head")),
			Around: objectsOf(t, "around.yaml", part(archive, "around")),
		})
	}
	return targets, files
}

// compareCase compares a result with what its case says.
func compareCase(t *testing.T, file, got string) {
	t.Helper()
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		setPart(archive, "findings", got)
		if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(string(part(archive, "findings")), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

func TestRefusals(t *testing.T) {
	needAssets(t)
	private(t)
	targets, files := cases(t)
	results, err := Run(t.Context(), Options{Provider: Envtest, Log: testLogger(t)}, targets)
	if err != nil {
		t.Fatal(err)
	}
	for i, file := range files {
		t.Run(targets[i].ID, func(t *testing.T) { compareCase(t, file, describe(targets[i].ID, results[i])) })
	}
}

// part gives a file of an archive; one that is missing is empty.
func part(archive *txtar.Archive, name string) []byte {
	for _, f := range archive.Files {
		if f.Name == name {
			return f.Data
		}
	}
	return nil
}

func setPart(archive *txtar.Archive, name, text string) {
	i := slices.IndexFunc(archive.Files, func(f txtar.File) bool { return f.Name == name })
	if i < 0 {
		i = len(archive.Files)
		archive.Files = append(archive.Files, txtar.File{Name: name})
	}
	archive.Files[i].Data = []byte(text)
}

// describe writes a result down: a line for each finding with its state, those about removals, then what was judged.
func describe(id string, r Result) string {
	var b strings.Builder
	for _, f := range finding.Pair(id, r.Base, r.Head) {
		fmt.Fprintf(&b, "%s %s %s %s: %s [%s]\n", f.Targets[0].State, f.Severity, f.Object, f.Path, f.Message, f.Rule)
	}
	for _, f := range r.Gone {
		fmt.Fprintf(&b, "gone %s %s %s: %s [%s]\n", f.Severity, f.Object, f.Path, f.Message, f.Rule)
	}
	fmt.Fprintf(&b, "%d judged", r.Objects)
	if r.Removed > 0 {
		fmt.Fprintf(&b, ", %d removed", r.Removed)
	}
	for _, why := range slices.Sorted(maps.Keys(r.LeftOut)) {
		fmt.Fprintf(&b, "; %d %s", r.LeftOut[why], why)
	}
	if r.Incomplete {
		b.WriteString("; incomplete")
	}
	return b.String() + "\n"
}

func testLogger(t *testing.T) *slog.Logger {
	return slog.New(slog.NewTextHandler(testWriter{t}, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

type testWriter struct{ t *testing.T }

func (w testWriter) Write(p []byte) (int, error) {
	w.t.Log(strings.TrimSpace(string(p)))
	return len(p), nil
}
