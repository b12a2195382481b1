package git

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// origin makes a repository with two commits; the first is no tip of any branch.
func origin(t *testing.T) (url, first, second string) {
	t.Helper()
	dir := t.TempDir()
	git := func(args ...string) string {
		t.Helper()
		cmd := exec.Command("git", args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_AUTHOR_NAME=A", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=A", "GIT_COMMITTER_EMAIL=a@example.com")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	git("init", "--quiet", "--initial-branch=main")
	for _, content := range []string{"one", "two"} {
		if err := os.WriteFile(filepath.Join(dir, "file"), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		git("add", "--all")
		git("commit", "--quiet", "--message="+content)
	}
	return "file://" + dir, git("rev-parse", "HEAD~1"), git("rev-parse", "HEAD")
}

func TestRemotes(t *testing.T) {
	t.Parallel()
	url, first, second := origin(t)
	dir := t.TempDir()
	for range 2 { // the second time from what was kept
		remotes, err := NewRemotes(RemotesOptions{Dir: dir, File: true})
		if err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		for range 4 {
			for commit, want := range map[string]string{first: "one", second: "two"} {
				all.Go(func() {
					tree, err := remotes.Commit(t.Context(), url, commit)
					if err != nil {
						t.Error(err)
						return
					}
					if got, err := tree.ReadFile("file"); err != nil || string(got) != want {
						t.Errorf("%s: got %q, %v", commit, got, err)
					}
				})
			}
		}
		all.Wait()
		if err := remotes.Close(); err != nil {
			t.Error(err)
		}
		// Away with the origin: from now on, it is known or not at all.
		os.RemoveAll(strings.TrimPrefix(url, "file://"))
	}
	kept, err := os.ReadDir(dir)
	if err != nil || len(kept) != 2 {
		t.Errorf("kept are %v, %v", kept, err)
	}

	// What is kept and damaged is not believed.
	packs, _ := filepath.Glob(filepath.Join(dir, "*", "objects", "pack", "*.pack"))
	loose, _ := filepath.Glob(filepath.Join(dir, "*", "objects", "??", "*"))
	for _, file := range append(packs, loose...) {
		if err := os.Chmod(file, 0o600); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		data[len(data)/2] ^= 1
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	remotes, err := NewRemotes(RemotesOptions{Dir: dir, File: true})
	if err != nil {
		t.Fatal(err)
	}
	defer remotes.Close()
	if _, err := remotes.Commit(t.Context(), url, first); err == nil {
		t.Error("a damaged repository is believed")
	}
}

func TestRemotesRefuse(t *testing.T) {
	t.Parallel()
	url, first, _ := origin(t)
	remotes, err := NewRemotes(RemotesOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{url, "ext::sh -c true", "git://127.0.0.1/x", "http://127.0.0.1:9/x", "--upload-pack=touch /tmp/x", "fd::0", "/etc"} {
		if _, err := remotes.Commit(t.Context(), bad, first); err == nil {
			t.Errorf("%s is fetched", bad)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := remotes.Commit(ctx, url+"/other", first); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if err := remotes.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(remotes.scratch); err == nil {
		t.Error("the scratch directory is left")
	}
	withFile, err := NewRemotes(RemotesOptions{File: true})
	if err != nil {
		t.Fatal(err)
	}
	defer withFile.Close()
	if _, err := withFile.Commit(t.Context(), url, strings.Repeat("0", 40)); err == nil {
		t.Error("a commit that does not exist is fetched")
	}
}

func TestRemotesAreTrimmed(t *testing.T) {
	t.Parallel()
	url, first, second := origin(t)
	dir := t.TempDir()
	fetch := func(commit string) {
		t.Helper()
		remotes, err := NewRemotes(RemotesOptions{Dir: dir, File: true})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := remotes.Commit(t.Context(), url, commit); err != nil {
			t.Fatal(err)
		}
		if err := remotes.Close(); err != nil {
			t.Fatal(err)
		}
	}
	age := func(by time.Duration, names ...string) {
		t.Helper()
		for _, name := range names {
			at := time.Now().Add(-by)
			if err := os.Chtimes(filepath.Join(dir, name), at, at); err != nil {
				t.Fatal(err)
			}
		}
	}
	names := func() (all []string) {
		entries, _ := os.ReadDir(dir)
		for _, entry := range entries {
			all = append(all, entry.Name())
		}
		return all
	}
	fetch(first)
	used := names()[0]
	age(2*unusedRemote, used)
	fetch(first) // which says that it is in use
	for _, name := range []string{".new-left", ".new-young", "notes", "0123456789abcdef0123456789abcdef.git"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	age(2*unusedRemote, "notes", "0123456789abcdef0123456789abcdef.git", ".new-left")
	fetch(second)
	left := names()
	for _, name := range []string{used, ".new-young", "notes"} {
		if !slices.Contains(left, name) {
			t.Errorf("%s is gone", name)
		}
	}
	if len(left) != 4 { // and the second commit
		t.Errorf("left are %q", left)
	}
}
