package git

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// told writes the versions of a file as "SEQ:CONTENT", "SEQ:-" for a deletion.
func told(t *testing.T, h *History, name string) string {
	t.Helper()
	versions, err := h.Versions(name)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, v := range versions {
		if v.Deleted {
			out = append(out, fmt.Sprintf("%d:-", v.Seq))
		} else {
			out = append(out, fmt.Sprintf("%d:%s", v.Seq, v.Data))
		}
	}
	return strings.Join(out, " ")
}

func TestHistory(t *testing.T) {
	t.Parallel()
	dir := newRepo(t, map[string]string{"dev/a": "1", "prod/a": "1", "other": "x"})
	commit := func(files map[string]string) {
		write(t, dir, files)
		sh(t, dir, "add", "--all")
		sh(t, dir, "commit", "--quiet", "--message=next")
	}
	commit(map[string]string{"dev/a": "2"})
	commit(map[string]string{"other": "y"}) // outside: does not count
	sh(t, dir, "checkout", "--quiet", "-b", "branch")
	commit(map[string]string{"dev/a": "3", "dev/:odd\tname é": "o"})
	sh(t, dir, "checkout", "--quiet", "main")
	commit(map[string]string{"prod/a": "2"})
	sh(t, dir, "merge", "--quiet", "--no-ff", "--message=merge", "branch")
	if err := os.Remove(filepath.Join(dir, "prod/a")); err != nil {
		t.Fatal(err)
	}
	commit(nil)

	r := open(t, dir)
	h, err := r.History(t.Context(), "HEAD", []string{"dev", "prod"}, Bound{Commits: 100})
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Join([]string{told(t, h, "dev/a"), told(t, h, "dev/:odd\tname é"), told(t, h, "other"), told(t, h, "none")}, "; ")
	// The commits of the branch and of main next to it may stand in either order.
	if got != "1:1 2:2 3:3; 3:o; ; " && got != "1:1 2:2 4:3; 4:o; ; " {
		t.Error(got)
	}
	if got := told(t, h, "prod/a"); !strings.HasPrefix(got, "1:1 ") || !strings.HasSuffix(got, ":-") || !h.Complete {
		t.Errorf("%s, complete %v", got, h.Complete)
	}

	h, err = r.History(t.Context(), "HEAD", []string{"dev", "prod"}, Bound{Commits: 2})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("2:-", told(t, h, "prod/a")); diff != "" || h.Complete {
		t.Errorf("bounded: %s, complete %v", diff, h.Complete)
	}

	shallow := filepath.Join(t.TempDir(), "shallow")
	sh(t, t.TempDir(), "clone", "--quiet", "--depth=1", "file://"+dir, shallow)
	h, err = open(t, shallow).History(t.Context(), "HEAD", []string{"dev"}, Bound{Commits: 100})
	if err != nil || h.Complete || h.Whole("dev/a") {
		t.Errorf("a shallow clone counts as complete: %v", err)
	}
	if _, err := r.History(t.Context(), "nowhere", []string{"dev"}, Bound{Commits: 1}); err == nil {
		t.Error("an unknown commit gives a history")
	}
}

// TestHistorySince reads no commit from before a time, and says where there are some.
func TestHistorySince(t *testing.T) {
	at := func(day string) { t.Setenv("GIT_COMMITTER_DATE", "2026-01-"+day+"T12:00:00Z") }
	at("01")
	dir := newRepo(t, map[string]string{"old": "1"})
	at("02")
	write(t, dir, map[string]string{"dev/a": "1"})
	sh(t, dir, "add", "dev")
	sh(t, dir, "commit", "--quiet", "--message=02")
	at("03")
	write(t, dir, map[string]string{"dev/a": "2"})
	sh(t, dir, "commit", "--quiet", "--all", "--message=03")
	r := open(t, dir)
	for _, tt := range []struct {
		dirs     []string
		day      int
		want     string
		complete bool
		whole    bool
	}{
		{[]string{"dev"}, 1, "1:1 2:2", true, true},
		{[]string{"dev"}, 2, "1:1 2:2", true, true}, // the commit from before changed something else
		{[]string{"dev"}, 3, "1:2", false, false},
		{[]string{"dev"}, 4, "", false, false},
		{[]string{"old", "dev"}, 2, "1:1 2:2", false, true}, // what is older is of another file
	} {
		h, err := r.History(t.Context(), "HEAD", tt.dirs, Bound{Commits: 100, Since: time.Date(2026, 1, tt.day, 0, 0, 0, 0, time.UTC)})
		if err != nil {
			t.Fatal(err)
		}
		if got := told(t, h, "dev/a"); got != tt.want || h.Complete != tt.complete || h.Whole("dev/a") != tt.whole {
			t.Errorf("%v since the %d.: %q, complete %v, whole %v; want %q, %v, %v", tt.dirs, tt.day, got, h.Complete, h.Whole("dev/a"), tt.want, tt.complete, tt.whole)
		}
	}
}

// TestLastChanged follows the branch as it grew: what a merge brought counts as the merge's.
func TestLastChanged(t *testing.T) {
	t.Parallel()
	dir := newRepo(t, map[string]string{"dev/a": "1", "dev/x/b": "1", "prod/a": "1", "other": "x"})
	first := sh(t, dir, "rev-parse", "HEAD")
	sh(t, dir, "checkout", "--quiet", "-b", "branch")
	write(t, dir, map[string]string{"dev/x/b": "2"})
	sh(t, dir, "commit", "--quiet", "--all", "--message=b")
	sh(t, dir, "checkout", "--quiet", "main")
	write(t, dir, map[string]string{"dev/a": "2"})
	sh(t, dir, "commit", "--quiet", "--all", "--message=a")
	sh(t, dir, "merge", "--quiet", "--no-ff", "--message=merge", "branch")
	merge := sh(t, dir, "rev-parse", "HEAD")
	write(t, dir, map[string]string{"other": "y"})
	sh(t, dir, "commit", "--quiet", "--all", "--message=other")
	got, err := open(t, dir).LastChanged(t.Context(), "HEAD", []string{"dev", "dev/x", "prod", "none"}, 100)
	if diff := cmp.Diff([]DirChange{{Dir: "dev/x", Commit: merge}, {Dir: "dev", Commit: merge}, {Dir: "prod", Commit: first}}, got); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
}
