package plan

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "write the expected output")

// TestClosureOfEveryField compares the closure of a kustomization that uses every field with what is expected, and
// with what kustomize reads.
func TestClosureOfEveryField(t *testing.T) {
	root := writeArchive(t, filepath.Join("testdata", "features.txtar"))
	graph := build(t, diskTree{os.DirFS(root).(disk)})
	kinds := map[InputKind]string{File: "file", Absent: "absent", Symlink: "link", Subtree: "subtree"}
	var got strings.Builder
	known := make(map[string]InputKind)
	for _, input := range graph.Closure("overlay") {
		fmt.Fprintf(&got, "%-7s %s\n", kinds[input.Kind], input.Path)
		known[input.Path] = input.Kind
	}
	golden(t, filepath.Join("testdata", "features.closure"), got.String())

	read, err := readByKustomize(t, root, "overlay")
	if err != nil {
		t.Fatalf("kustomize does not build the archive, so it proves nothing: %v", err)
	}
	for name, found := range read {
		if kind, ok := known[name]; !ok || found && kind == Absent {
			if name != "overlay/link.env" { // a link: the closure has it as such, beside where it leads
				t.Errorf("kustomize reads %s, which the closure lacks", name)
			}
		}
	}
	for name, kind := range known {
		if _, ok := read[name]; !ok && kind == File && name != "common/link.env" {
			t.Errorf("the closure has %s, which kustomize does not read", name)
		}
	}
}

// writeArchive puts a txtar archive on disk, with the symbolic links that its file "links" lists.
func writeArchive(t *testing.T, file string) string {
	t.Helper()
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	for _, f := range archive.Files {
		name := filepath.Join(root, f.Name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if f.Name != "links" {
			if err := os.WriteFile(name, f.Data, 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		for _, line := range strings.Split(strings.TrimSpace(string(f.Data)), "\n") {
			name, target, _ := strings.Cut(line, " ")
			name = filepath.Join(root, name)
			if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(target, name); err != nil {
				t.Fatal(err)
			}
		}
	}
	return root
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
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
