package git

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// TestNamesThatAreNoUTF8: git's names are bytes. Such a file is there, under a name that people can read, and hides no other.
func TestNamesThatAreNoUTF8(t *testing.T) {
	dir := newRepo(t, map[string]string{"caf\xe9/a.yaml": "a: 1\n", "b.yaml": "b: 1\n"})
	write(t, dir, map[string]string{"caf\xe9/a.yaml": "a: 2\n"})
	sh(t, dir, "commit", "--quiet", "--all", "--message=second")
	r := open(t, dir)
	tr := tree(t, r, "HEAD")
	if data, err := tr.ReadFile("caf%e9/a.yaml"); err != nil || string(data) != "a: 2\n" {
		t.Errorf("%q, %v", data, err)
	}
	if got := Changed(tree(t, r, "HEAD~1"), tr); !slices.Equal(got, []string{"caf%e9/a.yaml"}) {
		t.Errorf("Changed = %q", got)
	}
	if err := fstest.TestFS(tr, "b.yaml", "caf%e9/a.yaml"); err != nil {
		t.Error(err)
	}
	write(t, dir, map[string]string{"caf%e9/a.yaml": "another\n"})
	sh(t, dir, "add", "--all")
	sh(t, dir, "commit", "--quiet", "--message=third")
	if _, err := open(t, dir).Tree(t.Context(), "HEAD"); err == nil {
		t.Error("one of two files hides the other")
	}
}

// TestBareInsideIsRefused: files in a working tree that make up a bare repository are not taken for one; a bare repository that was named is.
func TestBareInsideIsRefused(t *testing.T) {
	dir := newRepo(t, map[string]string{"a": "1", "sub/HEAD": "ref: refs/heads/main\n", "sub/objects/x": "", "sub/refs/x": "", "sub/config": "[core]\n\tbare = true\n"})
	_, err := Open(t.Context(), filepath.Join(dir, "sub"), Options{})
	if !errors.Is(err, ErrNotRepository) || !strings.Contains(err.Error(), "bare repository") {
		t.Errorf("%v", err)
	}
	bare := filepath.Join(t.TempDir(), "bare.git")
	sh(t, dir, "clone", "--quiet", "--bare", dir, bare)
	r := open(t, bare)
	if data, err := tree(t, r, "HEAD").ReadFile("a"); err != nil || string(data) != "1" || r.Root() != bare {
		t.Errorf("%q, %v, root %s", data, err, r.Root())
	}
	if _, err := Open(t.Context(), filepath.Join(bare, "objects"), Options{}); !errors.Is(err, ErrNotRepository) {
		t.Errorf("the middle of a bare repository: %v", err)
	}
}

// TestEnvironmentLeadsNowhere has variables, as git's own hooks set them, that name another repository; and settings, which stay.
func TestEnvironmentLeadsNowhere(t *testing.T) {
	dir, other := newRepo(t, map[string]string{"a": "1"}), newRepo(t, map[string]string{"b": "1"})
	t.Setenv("GIT_DIR", filepath.Join(other, ".git"))
	t.Setenv("GIT_WORK_TREE", other)
	t.Setenv("GIT_INDEX_FILE", filepath.Join(other, ".git", "index"))
	t.Setenv("GIT_CONFIG_COUNT", "1")
	t.Setenv("GIT_CONFIG_KEY_0", "remote.origin.url")
	t.Setenv("GIT_CONFIG_VALUE_0", "https://github.com/acme/config")
	for _, opts := range []Options{{}, {Trust: true}} {
		r, err := Open(t.Context(), dir, opts)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		if _, err := tree(t, r, "HEAD").ReadFile("a"); err != nil || r.Root() != dir {
			t.Errorf("%+v: %v, root %s", opts, err, r.Root())
		}
		if got := r.RemoteURL(t.Context(), "origin"); got != "https://github.com/acme/config" {
			t.Errorf("%+v: what the environment sets is lost: %q", opts, got)
		}
	}
}
