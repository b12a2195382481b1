package git

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCommits(t *testing.T) {
	t.Parallel()
	dir := newRepo(t, map[string]string{"dev/a": "1", "other": "x"})
	base := sh(t, dir, "rev-parse", "HEAD")
	for _, c := range []struct{ file, message string }{
		{"dev/a", "Second\n\nWith a body.\n\nSluice-Source: x"}, {"other", "Elsewhere"}, {"dev/b", "\x01odd subject é"},
	} {
		write(t, dir, map[string]string{c.file: c.message})
		sh(t, dir, "add", "--all")
		sh(t, dir, "commit", "--quiet", "--message="+c.message)
	}
	r := open(t, dir)
	list, err := r.Commits(t.Context(), base, "HEAD", []string{"dev"}, 10)
	if err != nil {
		t.Fatal(err)
	}
	if len(list) != 2 || list[0].Subject != "\x01odd subject é" || list[1].Subject != "Second" || !strings.HasSuffix(list[1].Message, "Sluice-Source: x") {
		t.Fatalf("%+v", list)
	}
	if c := list[1]; len(c.Parents) != 1 || c.Parents[0] != base || c.Author == "" || c.Email == "" || c.Tree != sh(t, dir, "rev-parse", c.ID+"^{tree}") {
		t.Errorf("%+v", c)
	}
	if all, err := r.Commits(t.Context(), "", "HEAD", nil, 3); err != nil || len(all) != 3 {
		t.Errorf("%d commits, %v", len(all), err)
	}
}

// TestIsPlainMerge tells a merge that git made alone from one in which somebody wrote.
func TestIsPlainMerge(t *testing.T) {
	t.Parallel()
	dir := newRepo(t, map[string]string{"a": "1", "b": "1"})
	sh(t, dir, "checkout", "--quiet", "-b", "branch")
	write(t, dir, map[string]string{"a": "2"})
	sh(t, dir, "commit", "--quiet", "--all", "--message=a")
	sh(t, dir, "checkout", "--quiet", "main")
	write(t, dir, map[string]string{"b": "2"})
	sh(t, dir, "commit", "--quiet", "--all", "--message=b")
	sh(t, dir, "merge", "--quiet", "--no-ff", "--message=merge", "branch")
	r := open(t, dir)
	plain := func(rev string) bool {
		t.Helper()
		c, err := r.CommitInfo(t.Context(), rev)
		if err != nil {
			t.Fatal(err)
		}
		return r.IsPlainMerge(t.Context(), c)
	}
	if !plain("HEAD") || plain("HEAD~1") {
		t.Error("a plain merge is not told from an ordinary commit")
	}
	write(t, dir, map[string]string{"a": "mine"})
	sh(t, dir, "commit", "--quiet", "--all", "--amend", "--no-edit")
	if plain("HEAD") {
		t.Error("a merge with a person's change counts as plain")
	}
}

func TestEnsureHistoryDeepensAShallowClone(t *testing.T) {
	t.Parallel()
	origin := newRepo(t, map[string]string{"a": "1"})
	write(t, origin, map[string]string{"a": "2"})
	sh(t, origin, "commit", "--quiet", "--all", "--message=two")
	head := sh(t, origin, "rev-parse", "HEAD")
	clone := filepath.Join(t.TempDir(), "clone")
	sh(t, origin, "clone", "--quiet", "--depth=1", "file://"+origin, clone)
	write(t, origin, map[string]string{"a": "3"})
	sh(t, origin, "commit", "--quiet", "--all", "--message=three")
	newer := sh(t, origin, "rev-parse", "HEAD")
	sh(t, origin, "config", "uploadpack.allowAnySHA1InWant", "true")
	r := open(t, clone)
	for _, id := range []string{head, newer} {
		if err := r.EnsureHistory(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	if list, err := r.Commits(t.Context(), "", newer, nil, 10); err != nil || len(list) != 3 || r.Shallow(t.Context()) {
		t.Errorf("%d commits, %v", len(list), err)
	}
}

// TestMergedTree: a conflict is one, and a merge that cannot be made for another reason is none.
func TestMergedTree(t *testing.T) {
	t.Parallel()
	dir := newRepo(t, map[string]string{"a": "1\n", "b": "1\n"})
	commit := func(branch, from, file, text string) {
		sh(t, dir, "checkout", "--quiet", "-B", branch, from)
		write(t, dir, map[string]string{file: text})
		sh(t, dir, "commit", "--quiet", "--all", "--message="+branch)
	}
	first := sh(t, dir, "rev-parse", "HEAD")
	commit("one", first, "a", "2\n")
	commit("other", first, "b", "2\n")
	commit("against", first, "a", "3\n")
	r := open(t, dir)
	tree, ok, err := r.MergedTree(t.Context(), "one", "other")
	if err != nil || !ok || sh(t, dir, "show", tree+":a") != "2" || sh(t, dir, "show", tree+":b") != "2" {
		t.Errorf("%q, %t, %v", tree, ok, err)
	}
	if _, ok, err := r.MergedTree(t.Context(), "one", "against"); ok || err != nil {
		t.Errorf("a conflict: %t, %v", ok, err)
	}
	blob := sh(t, dir, "rev-parse", "against:a")
	if err := os.Remove(filepath.Join(dir, ".git", "objects", blob[:2], blob[2:])); err != nil {
		t.Fatal(err)
	}
	if _, ok, err := r.MergedTree(t.Context(), "one", "against"); ok || err == nil || !strings.Contains(err.Error(), "git 2.38") {
		t.Errorf("a file that cannot be read: %t, %v", ok, err)
	}
}
