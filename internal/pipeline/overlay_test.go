package pipeline

import (
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-dev/sluice/internal/promote"
)

// memory is a tree in memory whose object ids are contents.
type memory struct{ fstest.MapFS }

func (m memory) OID(name string) (string, bool) {
	if file := m.MapFS[name]; file != nil {
		return string(file.Data), true
	}
	return name, true
}

func TestOverlay(t *testing.T) {
	t.Parallel()
	base := memory{fstest.MapFS{
		"a/keep":     {Data: []byte("keep"), Mode: 0o644},
		"a/change":   {Data: []byte("old"), Mode: 0o644},
		"a/gone/one": {Data: []byte("1"), Mode: 0o644},
		"b/other":    {Data: []byte("other"), Mode: 0o644},
	}}
	tree := Overlay(base, []PromotedFile{
		{Path: "a/change", Action: promote.Change, File: promote.File{Data: []byte("new")}},
		{Path: "a/gone/one", Action: promote.Delete},
		{Path: "new/deep/file", Action: promote.Add, File: promote.File{Data: []byte("added")}},
	})
	want := fstest.MapFS{
		"a/keep":        {Data: []byte("keep"), Mode: 0o644},
		"a/change":      {Data: []byte("new"), Mode: 0o644},
		"b/other":       {Data: []byte("other"), Mode: 0o644},
		"new/deep/file": {Data: []byte("added"), Mode: 0o644},
	}
	if err := fstest.TestFS(tree, slices.Collect(maps.Keys(want))...); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(listed(t, want), listed(t, tree)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if _, err := tree.Lstat("a/gone"); err == nil {
		t.Error("a directory is there though nothing is left in it")
	}
	for name, changed := range map[string]bool{"a": true, "a/change": true, ".": true, "a/keep": false, "b": false} {
		was, _ := base.OID(name)
		is, ok := tree.OID(name)
		if !ok || (was != is) != changed {
			t.Errorf("identity of %s: was %q, is %q", name, was, is)
		}
	}
}

// listed gives path=content of every file.
func listed(t *testing.T, tree fs.FS) string {
	t.Helper()
	var out []string
	err := fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := fs.ReadFile(tree, name)
		out = append(out, name+"="+string(data))
		return err
	})
	if err != nil {
		t.Error(err)
	}
	return strings.Join(out, "\n")
}
