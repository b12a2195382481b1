package render

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"sync"
	"testing"

	"github.com/sluice-dev/sluice/internal/config"
	"github.com/sluice-dev/sluice/internal/plan"
)

// The test binary is its own render worker.
func TestMain(m *testing.M) {
	if IsWorker(os.Args) {
		if err := Worker(os.Stdin, os.Stdout); err != nil {
			os.Exit(1)
		}
		os.Exit(0)
	}
	if len(os.Args) == 3 && os.Args[1] == hostileMarker {
		hostile(os.Args[2], os.Stdin, os.Stdout)
		os.Exit(0)
	}
	code := m.Run()
	if cliDir != "" {
		os.RemoveAll(cliDir)
	}
	os.Exit(code)
}

// testTree gives a file system object identities: hashes of content.
type testTree struct {
	fs.ReadLinkFS
	mu   sync.Mutex
	oids map[string]string
}

func newTestTree(fsys fs.FS) *testTree {
	return &testTree{ReadLinkFS: fsys.(fs.ReadLinkFS), oids: map[string]string{}}
}

func corpus(t testing.TB, names ...string) string {
	t.Helper()
	dir := filepath.Join(append([]string{"..", "..", "..", "shared", "corpora"}, names...)...)
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("the corpora of real repositories are not here (%v)", err)
	}
	return dir
}

func (t *testTree) ReadFile(name string) ([]byte, error)       { return fs.ReadFile(t.ReadLinkFS, name) }
func (t *testTree) ReadDir(name string) ([]fs.DirEntry, error) { return fs.ReadDir(t.ReadLinkFS, name) }

func (t *testTree) OID(name string) (string, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, err := t.Lstat(name); err != nil {
		return "", false
	}
	return t.oid(name), true
}

func (t *testTree) oid(name string) string {
	if known, ok := t.oids[name]; ok {
		return known
	}
	hash := sha256.New()
	info, err := t.Lstat(name)
	switch {
	case err != nil:
	case info.IsDir():
		entries, _ := t.ReadDir(name)
		for _, e := range entries {
			fmt.Fprintf(hash, "%s %s %s\n", e.Name(), e.Type(), t.oid(path.Join(name, e.Name())))
		}
	case info.Mode()&fs.ModeSymlink != 0:
		destination, _ := t.ReadLink(name)
		io.WriteString(hash, "link "+destination)
	default:
		content, _ := t.ReadFile(name)
		fmt.Fprintf(hash, "file %s", content)
	}
	t.oids[name] = hex.EncodeToString(hash.Sum(nil))
	return t.oids[name]
}

// newPool makes a pool that is closed when the test ends.
func newPool(t testing.TB, options Options) *Pool {
	t.Helper()
	pool := NewPool(t.Context(), options)
	t.Cleanup(func() { pool.Close() })
	return pool
}

func target(dir string) plan.Target {
	return plan.Target{ID: dir, Dir: dir, Kind: config.Kustomize}
}
