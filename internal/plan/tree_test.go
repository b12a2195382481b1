package plan

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"
)

// memTree is a tree in memory whose files have object ids.
type memTree struct{ fstest.MapFS }

func (t memTree) OID(path string) (string, bool) {
	file := t.MapFS[path]
	if file == nil {
		return "", false
	}
	return fmt.Sprintf("%x", sha256.Sum256(file.Data)), true
}

// tree makes a tree of files; a content "-> target" makes a link.
func tree(files map[string]string) memTree {
	m := make(fstest.MapFS)
	for name, content := range files {
		if len(content) > 3 && content[:3] == "-> " {
			m[name] = &fstest.MapFile{Data: []byte(content[3:]), Mode: fs.ModeSymlink}
			continue
		}
		m[name] = &fstest.MapFile{Data: []byte(content)}
	}
	return memTree{m}
}

func build(t *testing.T, tree Tree) *Graph {
	t.Helper()
	g, err := Build(tree, NewMemo())
	if err != nil {
		t.Fatal(err)
	}
	return g
}

type disk interface {
	fs.ReadFileFS
	fs.ReadDirFS
	fs.ReadLinkFS
}

// diskTree is a directory on disk as a tree without object ids.
type diskTree struct{ disk }

func (diskTree) OID(string) (string, bool) { return "", false }

// corpora gives the directories of the real repositories, or skips the test.
func corpora(t *testing.T) []string {
	t.Helper()
	root := filepath.Join("..", "..", "..", "shared", "corpora")
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Skipf("the corpora of real repositories are absent: %v", err)
	}
	var dirs []string
	for _, entry := range entries {
		if entry.IsDir() {
			dirs = append(dirs, filepath.Join(root, entry.Name()))
		}
	}
	return dirs
}
