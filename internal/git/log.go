package git

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
)

// Commit is a commit as git tells it. Names, addresses and texts are what people typed: escape them.
type Commit struct {
	ID, Tree      string
	Parents       []string
	Author, Email string
	Subject       string // the first line of the message
	Message       string // all of it
}

// logFormat separates the fields of a commit by NUL and ends each with a byte that no message holds at that place.
const logFormat = "%x01%H%x00%T%x00%P%x00%an%x00%ae%x00%B%x00"

// Commits gives the commits of head that base has not ("" for all of head), the newest first: those that changed something below
// the directories, or all where none are given; at most limit. With patterns, only those whose message has a line that one of them,
// an extended regular expression, matches.
func (r *Repo) Commits(ctx context.Context, base, head string, dirs []string, limit int, patterns ...string) ([]Commit, error) {
	args := []string{"log", "--format=" + logFormat, "--date-order", "--extended-regexp", "--max-count=" + strconv.Itoa(limit)}
	for _, pattern := range patterns {
		args = append(args, "--grep="+pattern)
	}
	args = append(args, "--end-of-options", head)
	if base != "" {
		args = append(args, "^"+base)
	}
	args = append(args, "--")
	for _, dir := range dirs {
		args = append(args, ":(top,literal)"+dir)
	}
	out, err := run(ctx, r.root, r.env, args...)
	if err != nil {
		return nil, err
	}
	return parseCommits(string(out))
}

// CommitInfo gives one commit.
func (r *Repo) CommitInfo(ctx context.Context, id string) (Commit, error) {
	list, err := r.Commits(ctx, "", id, nil, 1)
	if err == nil && len(list) != 1 {
		err = fmt.Errorf("git log: no commit %s", id)
	}
	if err != nil {
		return Commit{}, err
	}
	return list[0], nil
}

func parseCommits(out string) ([]Commit, error) {
	var list []Commit
	fields := strings.Split(out, "\x00")
	for ; len(fields) >= 6; fields = fields[6:] {
		_, id, ok := strings.Cut(fields[0], "\x01")
		if !ok {
			return nil, fmt.Errorf("git log: unexpected %.80q", fields[0])
		}
		message := strings.TrimRight(fields[5], "\n")
		list = append(list, Commit{
			ID: id, Tree: fields[1], Parents: strings.Fields(fields[2]), Author: fields[3], Email: fields[4],
			Subject: firstLine(message), Message: message,
		})
	}
	return list, nil
}

// IsPlainMerge reports whether a commit is a merge of two parents whose content is what git makes of them by itself, so that
// nobody wrote anything in it.
func (r *Repo) IsPlainMerge(ctx context.Context, c Commit) bool {
	if len(c.Parents) != 2 {
		return false
	}
	tree, err := r.git(ctx, "merge-tree", "--write-tree", c.Parents[0], c.Parents[1])
	return err == nil && tree == c.Tree
}

// MergesByItself reports whether git merges two commits without asking anybody.
func (r *Repo) MergesByItself(ctx context.Context, a, b string) bool {
	_, err := r.git(ctx, "merge-tree", "--write-tree", a, b)
	return err == nil
}

// MergedTree gives the tree that git makes of two commits by itself, fetching the history that it takes where a clone is shallow. It is not ok where
// the two conflict.
func (r *Repo) MergedTree(ctx context.Context, a, b string) (tree string, ok bool, err error) {
	if _, err := r.CommonAncestor(ctx, a, b); err != nil {
		return "", false, err
	}
	tree, err = r.git(ctx, "merge-tree", "--write-tree", a, b)
	if ended := new(exec.ExitError); errors.As(err, &ended) && ended.ExitCode() == 1 {
		return "", false, nil
	}
	if err != nil {
		return "", false, fmt.Errorf("merge %.10s and %.10s, which takes git 2.38 or newer: %w", a, b, err)
	}
	return tree, true, nil
}

// EnsureHistory makes commits present with all their history, fetching from the remote "origin" what a clone lacks, or all that a
// shallow one left out.
func (r *Repo) EnsureHistory(ctx context.Context, commits ...string) error {
	var missing []string
	for _, id := range commits {
		if _, err := r.git(ctx, "cat-file", "-e", id+"^{commit}"); err != nil {
			missing = append(missing, id)
		}
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case r.Shallow(ctx):
		return r.fetch(ctx, "--unshallow", commits...)
	case len(missing) == 0:
		return nil
	}
	return r.fetch(ctx, "--no-auto-gc", missing...)
}
