package git

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestRemoteTag asks for tags of every kind.
func TestRemoteTag(t *testing.T) {
	t.Parallel()
	url, first, second := origin(t)
	git := func(args ...string) {
		t.Helper()
		cmd := exec.Command("git", args...)
		cmd.Dir = strings.TrimPrefix(url, "file://")
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_COMMITTER_NAME=A", "GIT_COMMITTER_EMAIL=a@example.com")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	git("tag", "v1.0.0", first)
	git("tag", "--annotate", "--message=Release", "v1.1.0", second)
	git("tag", "--annotate", "--message=Again", "v1.1.0-again", "v1.1.0")
	git("tag", "other/refs/tags/v1.2.0", first) // its name ends like that of a tag v1.2.0
	git("branch", "v1.3.0", first)
	repo := openOrigin(t, url)
	for tag, want := range map[string]string{"v1.0.0": first, "v1.1.0": second, "v1.1.0-again": second} {
		if got, err := repo.RemoteTag(t.Context(), url, tag); got != want || err != nil {
			t.Errorf("%s: got %q, %v, want %s", tag, got, err, want)
		}
	}
	for _, tag := range []string{"v1.2.0", "v1.3.0", "v9", "v1"} {
		if got, err := repo.RemoteTag(t.Context(), url, tag); !errors.Is(err, ErrNoTag) {
			t.Errorf("%s: got %q, %v", tag, got, err)
		}
	}
	if got, err := repo.RemoteTag(t.Context(), url+"/nothing", "v1.0.0"); err == nil || errors.Is(err, ErrNoTag) {
		t.Errorf("got %q, %v of no repository", got, err)
	}
	if got, err := repo.RemoteTag(t.Context(), "--upload-pack=true", "v1.0.0"); err == nil {
		t.Errorf("got %q of an option", got)
	}
}

func openOrigin(t *testing.T, url string) *Repo {
	t.Helper()
	repo, err := Open(t.Context(), strings.TrimPrefix(url, "file://"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = repo.Close() })
	repo.env = append(repo.env, "no_proxy=*")
	return repo
}

// TestRemoteTagOfAServerThatHangs ends with its context, and so does what git has started: else the server would wait for it when it closes.
func TestRemoteTagOfAServerThatHangs(t *testing.T) {
	t.Parallel()
	url, _, _ := origin(t)
	repo := openOrigin(t, url)
	ctx, cancel := context.WithCancel(t.Context())
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		cancel() // git is waiting now
		<-r.Context().Done()
	}))
	defer server.Close()
	if got, err := repo.RemoteTag(ctx, server.URL+"/a/b", "v1.0.0"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %q, %v", got, err)
	}
}

// TestFetchFromAServerThatHangs is the same for a fetch, from a server that says nothing at all.
func TestFetchFromAServerThatHangs(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	ctx, cancel := context.WithCancel(t.Context())
	left := make(chan error, 1)
	go func() {
		conn, err := listener.Accept()
		cancel()
		if err == nil {
			_, _ = io.Copy(io.Discard, conn) // ends when git's helper does
		}
		left <- err
	}()
	remotes, err := NewRemotes(RemotesOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer remotes.Close()
	if _, err := remotes.Commit(ctx, "https://"+listener.Addr().String()+"/a/b", strings.Repeat("5", 40)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if err := <-left; err != nil {
		t.Error(err)
	}
}

// TestAnswerTooLong has git print more than another machine may say.
func TestAnswerTooLong(t *testing.T) {
	t.Parallel()
	url, _, _ := origin(t)
	dir := strings.TrimPrefix(url, "file://")
	for size, fits := range map[int]bool{maxAnswer: true, maxAnswer + 1: false} {
		if err := os.WriteFile(filepath.Join(dir, "large"), bytes.Repeat([]byte("x"), size), 0o644); err != nil {
			t.Fatal(err)
		}
		id, err := run(t.Context(), dir, os.Environ(), "hash-object", "-w", "large")
		if err != nil {
			t.Fatal(err)
		}
		out, err := runRemote(t.Context(), dir, os.Environ(), "cat-file", "blob", strings.TrimSpace(string(id)))
		if fits && len(out) != size || (err == nil) != fits {
			t.Errorf("%d bytes: got %d, %v", size, len(out), err)
		}
	}
}

// TestTagCommit reads answers that no honest server gives.
func TestTagCommit(t *testing.T) {
	t.Parallel()
	a, b := strings.Repeat("a", 40), strings.Repeat("b", 40)
	for _, test := range []struct{ name, answer, want, says string }{
		{"light", a + "\trefs/tags/v1\n", a, ""},
		{"annotated", a + "\trefs/tags/v1\n" + b + "\trefs/tags/v1^{}\n", b, ""},
		{"the same twice", a + "\trefs/tags/v1\n" + a + "\trefs/tags/v1\n", a, ""},
		{"nothing", "", "", ErrNoTag.Error()},
		{"another", a + "\trefs/x/refs/tags/v1\n", "", ErrNoTag.Error()},
		{"only what it names", b + "\trefs/tags/v1^{}\n", "", ErrNoTag.Error()},
		{"two", a + "\trefs/tags/v1\n" + b + "\trefs/tags/v1\n", "", "both"},
		{"a word", "main\trefs/tags/v1\n", "", "no commit's id"},
		{"a part", a[:12] + "\trefs/tags/v1\n", "", "no commit's id"},
		{"a long one", a + a[:24] + "\trefs/tags/v1\n", "", "no commit's id"},
		{"zeros", strings.Repeat("0", 40) + "\trefs/tags/v1\n", "", "no commit's id"},
		{"more behind it", a + " # x\trefs/tags/v1\n", "", "no commit's id"},
		{"no name", a + "\n", "", ErrNoTag.Error()},
	} {
		got, err := tagCommit(test.answer, "refs/tags/v1")
		if got != test.want || (err == nil) != (test.says == "") || err != nil && !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: got %q, %v, want %q, %q", test.name, got, err, test.want, test.says)
		}
	}
}
