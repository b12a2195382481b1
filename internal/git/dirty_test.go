package git

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestDirtyIn(t *testing.T) {
	t.Parallel()
	dir := newRepo(t, map[string]string{"a/one": "1", "b/two": "2"})
	r := open(t, dir)
	write(t, dir, map[string]string{"a/one": "changed", "a/new é": "x", "b/other": "x"})
	got, err := r.DirtyIn(t.Context(), "a", "none")
	if diff := cmp.Diff([]string{"a/one", "a/new é"}, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if got, err := r.DirtyIn(t.Context(), "none"); err != nil || got != nil {
		t.Errorf("a clean directory is dirty: %q, %v", got, err)
	}
}

func TestCommitTimeAndAncestry(t *testing.T) {
	t.Parallel()
	dir := newRepo(t, map[string]string{"a": "1"})
	r := open(t, dir)
	if at, err := r.CommitTime(t.Context(), "HEAD"); err != nil || at.IsZero() || at.Location() != time.UTC {
		t.Errorf("time of HEAD: %v, %v", at, err)
	}
	if _, err := r.CommitTime(t.Context(), "nowhere"); err == nil {
		t.Error("an unknown commit has a time")
	}
	first, err := r.Resolve(t.Context(), "HEAD")
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, map[string]string{"a": "2"})
	sh(t, dir, "commit", "--quiet", "--all", "--message=next")
	second, err := r.Resolve(t.Context(), "HEAD")
	if err != nil {
		t.Fatal(err)
	}
	if !r.IsAncestor(t.Context(), first, second) || r.IsAncestor(t.Context(), second, first) {
		t.Error("the first commit is to be an ancestor of the second, and not the other way")
	}
}
