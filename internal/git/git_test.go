package git

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
)

// newRepo makes a repository with one commit of the given files; a value that begins with "-> " makes a symbolic link.
func newRepo(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	sh(t, dir, "init", "--quiet", "--initial-branch=main")
	write(t, dir, files)
	sh(t, dir, "add", "--all")
	sh(t, dir, "commit", "--quiet", "--allow-empty", "--message=first")
	return dir
}

func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		var err error
		if target, link := strings.CutPrefix(content, "-> "); link {
			err = os.Symlink(target, file)
		} else {
			err = os.WriteFile(file, []byte(content), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func sh(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.com")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

func open(t *testing.T, dir string) *Repo {
	t.Helper()
	r, err := Open(t.Context(), dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

func tree(t *testing.T, r *Repo, rev string) *Tree {
	t.Helper()
	tr, err := r.Tree(t.Context(), rev)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

func TestTreeIsAFileSystem(t *testing.T) {
	r := open(t, newRepo(t, map[string]string{"a.txt": "one\n", "d/e/f.yaml": "kind: X\n", "d/empty": "", "sp ace/ü\nn": "x"}))
	if err := fstest.TestFS(tree(t, r, "HEAD"), "a.txt", "d/e/f.yaml", "d/empty", "sp ace/ü\nn"); err != nil {
		t.Error(err)
	}
}

func TestTreeNeverFollowsLinks(t *testing.T) {
	r := open(t, newRepo(t, map[string]string{"real": "secret", "link": "-> real", "out": "-> /etc/passwd"}))
	tr := tree(t, r, "HEAD")
	for _, name := range []string{"link", "out"} {
		if _, err := tr.ReadFile(name); !errors.Is(err, ErrSymlink) {
			t.Errorf("ReadFile(%s) = %v, want ErrSymlink", name, err)
		}
		if _, err := tr.Open(name); !errors.Is(err, ErrSymlink) {
			t.Errorf("Open(%s) = %v, want ErrSymlink", name, err)
		}
		if info, err := tr.Lstat(name); err != nil || info.Mode().Type() != fs.ModeSymlink {
			t.Errorf("Lstat(%s) = %v, %v, want a symbolic link", name, info, err)
		}
	}
	if to, err := tr.ReadLink("out"); err != nil || to != "/etc/passwd" {
		t.Errorf("ReadLink = %q, %v", to, err)
	}
	if _, err := tr.ReadLink("real"); err == nil {
		t.Error("ReadLink of a file succeeded")
	}
}

func TestSubmoduleIsAnEmptyDirectory(t *testing.T) {
	dir := newRepo(t, map[string]string{"a": "1"})
	head := sh(t, dir, "rev-parse", "HEAD")
	sh(t, dir, "update-index", "--add", "--cacheinfo", "160000,"+head+",vendor/base")
	sh(t, dir, "commit", "--quiet", "--message=submodule")
	tr := tree(t, open(t, dir), "HEAD")
	info, err := tr.Lstat("vendor/base")
	if err != nil || info.Mode().Type() != fs.ModeDir|fs.ModeIrregular {
		t.Errorf("Lstat = %v, %v", info, err)
	}
	if list, err := tr.ReadDir("vendor/base"); err != nil || len(list) != 0 {
		t.Errorf("ReadDir = %v, %v", list, err)
	}
}

func TestChanged(t *testing.T) {
	dir := newRepo(t, map[string]string{"same": "1", "edited": "1", "gone": "1", "turns/into/file": "1", "link": "-> same"})
	os.RemoveAll(filepath.Join(dir, "turns"))
	os.Remove(filepath.Join(dir, "gone"))
	os.Remove(filepath.Join(dir, "link"))
	write(t, dir, map[string]string{"edited": "2", "new/file": "1", "turns": "file", "link": "-> edited"})
	sh(t, dir, "add", "--all")
	sh(t, dir, "commit", "--quiet", "--message=second")
	r := open(t, dir)
	got := Changed(tree(t, r, "HEAD~1"), tree(t, r, "HEAD"))
	want := []string{"edited", "gone", "link", "new/file", "turns", "turns/into/file"}
	if !slices.Equal(got, want) {
		t.Errorf("Changed = %q, want %q", got, want)
	}
	if got := Changed(nil, tree(t, r, "HEAD")); len(got) != 5 {
		t.Errorf("Changed(nil, head) = %q, want every file", got)
	}
}

func TestWorktreeSeesWhatACommitWouldHold(t *testing.T) {
	dir := newRepo(t, map[string]string{"a": "1", "b": "1", ".gitignore": "ignored\n"})
	write(t, dir, map[string]string{"a": "2", "untracked/file": "3", "ignored": "4"})
	os.Remove(filepath.Join(dir, "b"))
	before := sh(t, dir, "status", "--porcelain") + sh(t, dir, "count-objects")
	r := open(t, dir)
	tr, err := r.Worktree(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got, want := Changed(tree(t, r, "HEAD"), tr), []string{"a", "b", "untracked/file"}; !slices.Equal(got, want) {
		t.Errorf("Changed = %q, want %q", got, want)
	}
	if data, err := tr.ReadFile("untracked/file"); err != nil || string(data) != "3" {
		t.Errorf("ReadFile = %q, %v", data, err)
	}
	if after := sh(t, dir, "status", "--porcelain") + sh(t, dir, "count-objects"); after != before {
		t.Errorf("the repository changed:\n%s\nwas\n%s", after, before)
	}
	if dirty, err := r.Dirty(t.Context()); err != nil || !dirty {
		t.Errorf("Dirty = %v, %v", dirty, err)
	}
	scratch := r.scratch[0]
	r.Close()
	if _, err := os.Stat(scratch); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Close left %s behind", scratch)
	}
	r.close = nil
}

func TestBadInput(t *testing.T) {
	ctx := t.Context()
	if _, err := Open(ctx, t.TempDir(), Options{}); !errors.Is(err, ErrNotRepository) {
		t.Errorf("Open of a plain directory = %v", err)
	}
	if _, err := Open(ctx, filepath.Join(t.TempDir(), "absent"), Options{}); !errors.Is(err, ErrNotRepository) {
		t.Errorf("Open of a missing directory = %v", err)
	}
	empty := t.TempDir()
	sh(t, empty, "init", "--quiet")
	if _, err := open(t, empty).Resolve(ctx, "HEAD"); !errors.Is(err, ErrEmpty) {
		t.Errorf("Resolve in an empty repository = %v", err)
	}
	r := open(t, newRepo(t, nil))
	for _, rev := range []string{"nope", "--upload-pack=x", "", "0000000000000000000000000000000000000000"} {
		var unknown *UnknownRevisionError
		if _, err := r.Resolve(ctx, rev); !errors.As(err, &unknown) || unknown.Shallow {
			t.Errorf("Resolve(%q) = %v", rev, err)
		}
	}
}

func TestShallowCloneIsDeepenedByOneCommit(t *testing.T) {
	origin := newRepo(t, map[string]string{"a": "1"})
	base := sh(t, origin, "rev-parse", "HEAD")
	write(t, origin, map[string]string{"a": "2"})
	sh(t, origin, "commit", "--quiet", "--all", "--message=second")
	clone := filepath.Join(t.TempDir(), "clone")
	sh(t, origin, "-c", "protocol.file.allow=always", "clone", "--quiet", "--depth=1", "file://"+origin, clone)
	r := open(t, clone)
	var unknown *UnknownRevisionError
	if _, err := r.Resolve(t.Context(), base); !errors.As(err, &unknown) || !unknown.Shallow {
		t.Fatalf("Resolve = %v, want an unknown revision of a shallow clone", err)
	}
	sh(t, origin, "config", "uploadpack.allowAnySHA1InWant", "true")
	if err := r.Ensure(t.Context(), base); err != nil {
		t.Fatal(err)
	}
	if got, want := Changed(tree(t, r, base), tree(t, r, "HEAD")), []string{"a"}; !slices.Equal(got, want) {
		t.Errorf("Changed = %q, want %q", got, want)
	}
}

func TestConcurrentReads(t *testing.T) {
	r := open(t, newRepo(t, map[string]string{"a": strings.Repeat("a", 100_000), "b": "b"}))
	tr := tree(t, r, "HEAD")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				if a, err := tr.ReadFile("a"); err != nil || len(a) != 100_000 {
					t.Errorf("ReadFile(a) = %d bytes, %v", len(a), err)
				}
				if b, err := tr.ReadFile("b"); err != nil || string(b) != "b" {
					t.Errorf("ReadFile(b) = %q, %v", b, err)
				}
			}
		})
	}
	wg.Wait()
}

func TestTooLargeFileIsRefusedAndTheStreamGoesOn(t *testing.T) {
	dir := newRepo(t, map[string]string{"small": "s"})
	large, err := os.Create(filepath.Join(dir, "large"))
	if err != nil {
		t.Fatal(err)
	}
	if err := large.Truncate(MaxBlob + 1); err != nil {
		t.Fatal(err)
	}
	large.Close()
	sh(t, dir, "add", "--all")
	sh(t, dir, "commit", "--quiet", "--message=large")
	tr := tree(t, open(t, dir), "HEAD")
	if _, err := tr.ReadFile("large"); !errors.Is(err, ErrTooLarge) {
		t.Errorf("ReadFile(large) = %v, want ErrTooLarge", err)
	}
	if data, err := tr.ReadFile("small"); err != nil || string(data) != "s" {
		t.Errorf("ReadFile(small) = %q, %v", data, err)
	}
}

func TestCancelled(t *testing.T) {
	r := open(t, newRepo(t, nil))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Resolve(ctx, "HEAD"); !errors.Is(err, context.Canceled) {
		t.Errorf("Resolve = %v, want context.Canceled", err)
	}
}

// ownGit gives a tree a git of its own, which a test may kill.
func ownGit(t *testing.T, head *Tree) {
	t.Helper()
	objects, err := startBatch(head.objects.cmd.Dir, head.objects.cmd.Env)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = objects.Close() })
	head.objects = objects
}

func TestPrefetchReadsWhatWillBeRead(t *testing.T) {
	files := map[string]string{"big": strings.Repeat("x", keptObject+1), "empty": "", "link": "-> empty"}
	for i := range loadedAtOnce + 10 { // more than fit into a pipe
		files[fmt.Sprintf("f/%04d", i)] = fmt.Sprintf("%0200d", i)
	}
	head := tree(t, open(t, newRepo(t, files)), "HEAD")
	ownGit(t, head)
	names := []string{"absent", "f", "link"}
	for name := range files {
		names = append(names, name)
	}
	head.Prefetch(names)
	head.Prefetch(names)
	if err := head.objects.cmd.Process.Kill(); err != nil { // what was prefetched needs git no more
		t.Fatal(err)
	}
	for name, content := range files {
		if name == "big" || name == "link" {
			continue
		}
		if data, err := head.ReadFile(name); err != nil || string(data) != content {
			t.Fatalf("%s: %q, %v; want %q", name, data, err, content)
		}
	}
	if _, err := head.ReadFile("big"); err == nil {
		t.Error("git is gone, and what was not kept can still be read")
	}
}

func TestPrefetchEndsWhenGitDoes(t *testing.T) {
	files := make(map[string]string)
	for i := range 500 {
		files[fmt.Sprint(i)] = fmt.Sprintf("%0200d", i)
	}
	head := tree(t, open(t, newRepo(t, files)), "HEAD")
	ownGit(t, head)
	if err := head.objects.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	head.Prefetch(slices.Collect(maps.Keys(files)))
	if _, err := head.ReadFile("1"); err == nil {
		t.Error("a file was read from nowhere")
	}
}

func TestResolveAsksTheOpenGit(t *testing.T) {
	dir := newRepo(t, map[string]string{"a b": "x", "f": "y"})
	r := open(t, dir)
	head := sh(t, dir, "rev-parse", "HEAD")
	for _, rev := range []string{"HEAD", "main", head, head[:10], "HEAD@{0}", "refs/heads/main"} {
		if id, err := r.Resolve(t.Context(), rev); err != nil || id != head {
			t.Errorf("%q is %q (%v), want %q", rev, id, err, head)
		}
		if id, ok := r.objects.resolve(rev + "^{commit}"); !ok || id != head {
			t.Errorf("%q was not asked of the open git", rev)
		}
	}
	for _, rev := range []string{"", "absent", "absent with spaces", "HEAD\nHEAD", "--all", "HEAD:f", "HEAD:a b", "a\x00b"} {
		if id, err := r.Resolve(t.Context(), rev); err == nil {
			t.Errorf("%q is %q", rev, id)
		}
	}
	write(t, dir, map[string]string{"f": "new"}) // what comes later is found too
	sh(t, dir, "commit", "--quiet", "--all", "--message=second")
	if id, err := r.Resolve(t.Context(), "main"); err != nil || id != sh(t, dir, "rev-parse", "HEAD") {
		t.Errorf("main is %q (%v), which it was before", id, err)
	}
	if data, err := tree(t, r, "HEAD").ReadFile("f"); err != nil || string(data) != "new" {
		t.Errorf("f is %q (%v)", data, err)
	}
}
