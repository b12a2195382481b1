package plan

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// TestClosureHoldsWhatKustomizeReads is what the selection of targets rests on: no build of a real kustomization
// reads a file, or looks for one, that is not in its closure.
func TestClosureHoldsWhatKustomizeReads(t *testing.T) {
	builds, reads, surplus := 0, 0, 0
	for _, corpus := range corpora(t) {
		graph := build(t, diskTree{os.DirFS(corpus).(disk)})
		for i, dir := range graph.Kustomizations() {
			if len(graph.Kustomizations()) > 150 && i%5 != 0 || fetches(graph, dir) {
				continue
			}
			known := make(map[string]InputKind)
			for _, input := range graph.Closure(dir) {
				known[input.Path] = input.Kind
			}
			read, _ := readByKustomize(t, corpus, dir) // what came before an error counts as well
			builds++
			for name, found := range read {
				reads++
				kind, ok := known[name]
				if !ok || found && kind == Absent {
					t.Errorf("%s: building %s reads %s, which its closure lacks", corpus, dir, name)
				}
			}
			for name, kind := range known {
				if _, ok := read[name]; !ok && kind == File {
					surplus++
				}
			}
		}
	}
	t.Logf("%d builds, %d files read or looked for, %d more in closures", builds, reads, surplus)
	if builds < 100 {
		t.Errorf("only %d kustomizations were built: the test has lost its material", builds)
	}
}

// fetches reports whether building a directory would use the network, or Helm.
func fetches(g *Graph, dir string) bool {
	found := false
	g.visit(dir, func(visited string, _ []string) { found = found || len(g.Remotes(visited)) > 0 })
	return found
}

// readByKustomize builds a directory with kustomize itself, and gives every path whose content it asked for, and
// whether it got it.
func readByKustomize(t *testing.T, corpus, dir string) (read map[string]bool, failed error) {
	t.Helper()
	root, err := filepath.EvalSymlinks(corpus)
	if err != nil {
		t.Fatal(err)
	}
	if root, err = filepath.Abs(root); err != nil {
		t.Fatal(err)
	}
	recorder := &recordingFS{FileSystem: filesys.MakeFsOnDisk(), root: root, read: make(map[string]bool)}
	options := krusty.MakeDefaultOptions()
	options.LoadRestrictions = types.LoadRestrictionsNone
	_, err = krusty.MakeKustomizer(options).Run(recorder, filepath.Join(root, dir))
	if len(recorder.read) == 0 {
		t.Errorf("building %s read nothing", dir)
	}
	return recorder.read, err
}

// recordingFS notes what is read below root.
type recordingFS struct {
	filesys.FileSystem
	root string
	read map[string]bool
}

func (r *recordingFS) ReadFile(name string) ([]byte, error) {
	data, err := r.FileSystem.ReadFile(name)
	rel, relErr := filepath.Rel(r.root, name)
	// A directory that is tried as a file first is no input by itself: its kustomization is.
	if relErr == nil && rel != ".." && !strings.HasPrefix(rel, "../") && !r.IsDir(name) {
		r.read[filepath.ToSlash(rel)] = err == nil
	}
	return data, err
}
