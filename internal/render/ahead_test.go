package render

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

func treeOf(files map[string]string) Tree {
	m := make(fstest.MapFS)
	for name, content := range files {
		m[name] = &fstest.MapFile{Data: []byte(content)}
	}
	return newTestTree(m)
}

func TestAheadGivesAWorkerWhatItWillAskFor(t *testing.T) {
	tree := treeOf(map[string]string{
		"app/base/kustomization.yaml": "resources: [a.yaml]", "app/base/a.yaml": "kind: A", "app/overlays/dev/kustomization.yaml": "resources: [../../base]",
	})
	var asked []string
	worker := newStore(func(kind frameKind, name string) (frame, error) {
		asked = append(asked, fmt.Sprintf("%c %s", kind, name))
		return answer(tree, frame{kind, []byte(name)})
	})
	var known ahead
	if err := worker.learn(known.collect(tree, "app")); err != nil {
		t.Fatal(err)
	}
	oid, _ := tree.OID(".")
	repo := newRepository(worker, oid)
	for _, name := range []string{"app/base/a.yaml", "app/overlays/dev/kustomization.yaml"} {
		want, _ := tree.ReadFile(name)
		if _, content, err := repo.read(name); err != nil || string(content) != string(want) {
			t.Errorf("%s: %q, %v; want %q", name, content, err, want)
		}
	}
	if _, err := repo.find("app/base/absent"); err == nil {
		t.Error("a file that is not there was found")
	}
	if want := []string{"D .", "D app"}; !slices.Equal(asked, want) {
		t.Errorf("asked for %q, want %q only", asked, want)
	}
	if again := known.collect(tree, "app"); len(again) > 0 {
		t.Errorf("%q was sent twice", again)
	}
}

func TestAheadIsBounded(t *testing.T) {
	wide, deep := make(map[string]string), make(map[string]string)
	for i := range 2 * aheadNodes {
		wide[fmt.Sprintf("d/%d", i)] = "x"
	}
	for i := range aheadNodes / 4 {
		deep[fmt.Sprintf("d/%d/f", i)] = strings.Repeat("x", aheadBytes/8)
	}
	for name, files := range map[string]map[string]string{"many files": wide, "large files": deep} {
		var known ahead
		if sent := known.collect(treeOf(files), "d"); len(sent) > aheadBytes+aheadNodes*1024 {
			t.Errorf("%s: %d bytes were sent ahead", name, len(sent))
		}
	}
	if sent := (&ahead{}).collect(treeOf(wide), "d"); len(sent) > 0 {
		t.Errorf("%d bytes of a directory with many files were sent ahead", len(sent))
	}
}

func TestAheadTornIsRefused(t *testing.T) {
	var known ahead
	whole := known.collect(treeOf(map[string]string{"d/a": "1", "d/b": "22"}), "d")
	for n := 1; n < len(whole); n++ {
		s := newStore(nil)
		if err := s.learn(whole[:n]); err == nil && len(s.files.young) == 2 {
			t.Errorf("the first %d of %d bytes were taken for all", n, len(whole))
		}
	}
}
