package config_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-dev/sluice/internal/config"
	"github.com/sluice-dev/sluice/internal/plan"
)

// TestDetectCorpora holds detection to what the owners of real repositories would name as their targets.
func TestDetectCorpora(t *testing.T) {
	t.Parallel()
	corpora := filepath.Join("..", "..", "..", "shared", "corpora")
	entries, err := os.ReadDir(corpora)
	if err != nil {
		t.Skipf("the corpora of real repositories are absent: %v", err)
	}
	for _, entry := range entries {
		if !entry.IsDir() {
			continue
		}
		t.Run(entry.Name(), func(t *testing.T) {
			t.Parallel()
			got := detected(t, diskTree{os.DirFS(filepath.Join(corpora, entry.Name())).(disk)})
			golden(t, filepath.Join("testdata", "detect", entry.Name()+".txt"), got)
		})
	}
}

// detected prints a layout: its targets, its environments, and every kustomization that is none, with the reason.
func detected(t *testing.T, tree plan.Tree) string {
	t.Helper()
	graph, err := plan.Build(tree, plan.NewMemo())
	if err != nil {
		t.Fatal(err)
	}
	layout, findings := config.Detect(tree, graph)
	var b strings.Builder
	fmt.Fprintf(&b, "environments: %s\n\ntargets: %d\n", strings.Join(layout.Environments, " < "), len(layout.Targets))
	for _, target := range layout.Targets {
		fmt.Fprintf(&b, "  %s\n    %s in %s (%s)\n", target.ID, target.App, target.Environment, target.Kind)
	}
	fmt.Fprintf(&b, "\nno targets: %d\n", len(layout.NonTargets))
	for _, n := range layout.NonTargets {
		fmt.Fprintf(&b, "  %s: %s\n", n.Dir, n.Why)
	}
	if len(findings) > 0 {
		fmt.Fprintf(&b, "\n%s\n", findings)
	}
	return b.String()
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *config.Update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v (run with -update to write it)", err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

type disk interface {
	fs.ReadFileFS
	fs.ReadDirFS
	fs.ReadLinkFS
}

// diskTree is a directory on disk as a tree without object ids.
type diskTree struct{ disk }

func (diskTree) OID(string) (string, bool) { return "", false }
