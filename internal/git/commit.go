package git

import (
	"context"
	"fmt"
)

// Init makes an empty repository with the branch main in a directory.
func Init(ctx context.Context, dir string) error {
	if _, err := run(ctx, dir, environment(Options{}, dir), "init", "--quiet", "--initial-branch=main"); err != nil {
		return fmt.Errorf("make a repository: %w", err)
	}
	return nil
}

// CommitAll commits the working tree as it stands on a branch, which is made where it does not exist. Author is a name and
// address as git writes them, such as "sluice demo <demo@example.com>"; no signature, no hooks.
func (r *Repo) CommitAll(ctx context.Context, branch, author, message string) error {
	for _, args := range [][]string{
		{"checkout", "--quiet", "-B", branch},
		{"add", "--all"},
		{"-c", "commit.gpgsign=false", "-c", "core.hooksPath=/dev/null", "-c", "user.name=sluice", "-c", "user.email=sluice@example.com",
			"commit", "--quiet", "--no-verify", "--author=" + author, "--message=" + message},
	} {
		if _, err := r.git(ctx, args...); err != nil {
			return fmt.Errorf("commit: %w", err)
		}
	}
	return nil
}
