package git

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// DirtyIn gives the paths in directories (from the repository's root) at which the working tree differs from HEAD, untracked
// files included.
func (r *Repo) DirtyIn(ctx context.Context, dirs ...string) ([]string, error) {
	args := []string{"status", "--porcelain", "-z", "--no-renames", "--untracked-files=all", "--ignore-submodules=all", "--"}
	for _, dir := range dirs {
		args = append(args, ":(top,literal)"+dir)
	}
	out, err := run(ctx, r.root, r.env, args...)
	if err != nil {
		return nil, err
	}
	var paths []string
	for _, entry := range strings.Split(string(out), "\x00") {
		if len(entry) > 3 { // XY SP path
			paths = append(paths, entry[3:])
		}
	}
	return paths, nil
}

// CommitTime gives the time of a commit: when it was made as it is, not when its change was first written.
func (r *Repo) CommitTime(ctx context.Context, commit string) (time.Time, error) {
	out, err := r.git(ctx, "show", "--no-patch", "--format=%cI", "--end-of-options", commit)
	if err != nil {
		return time.Time{}, err
	}
	at, err := time.Parse(time.RFC3339, out)
	if err != nil {
		return at, fmt.Errorf("time of commit %s: %w", commit, err)
	}
	return at.UTC(), nil
}

// IsAncestor reports whether a commit is in the history of another, or is the other.
func (r *Repo) IsAncestor(ctx context.Context, commit, of string) bool {
	base, ok := r.MergeBase(ctx, commit, of)
	return ok && base == commit
}
