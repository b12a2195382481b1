package git

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Worktree gives the working tree as it stands, as a snapshot: tracked and untracked files, without those that git
// ignores. Its objects are written to a scratch directory, and the index is a copy: the repository is not changed.
func (r *Repo) Worktree(ctx context.Context) (*Tree, error) {
	if r.bare {
		return nil, errors.New("a bare repository has no working tree")
	}
	scratch, err := os.MkdirTemp("", "sluice-worktree-")
	if err != nil {
		return nil, fmt.Errorf("snapshot of the working tree: %w", err)
	}
	r.scratch = append(r.scratch, scratch)
	paths, err := r.git(ctx, "rev-parse", "--path-format=absolute", "--git-path", "index", "--git-path", "objects")
	if err != nil {
		return nil, fmt.Errorf("snapshot of the working tree: %w", err)
	}
	index, objects, _ := strings.Cut(paths, "\n")
	if err := copyIndex(filepath.Join(scratch, "index"), index); err != nil {
		return nil, fmt.Errorf("snapshot of the working tree: %w", err)
	}
	written := filepath.Join(scratch, "objects")
	if err := os.Mkdir(written, 0o700); err != nil {
		return nil, fmt.Errorf("snapshot of the working tree: %w", err)
	}
	env := append(r.env[:len(r.env):len(r.env)],
		"GIT_INDEX_FILE="+filepath.Join(scratch, "index"),
		"GIT_OBJECT_DIRECTORY="+written,
		"GIT_ALTERNATE_OBJECT_DIRECTORIES="+objects,
	)
	if _, err := run(ctx, r.root, env, "add", "--all"); err != nil {
		return nil, fmt.Errorf("snapshot of the working tree: %w", err)
	}
	id, err := run(ctx, r.root, env, "write-tree")
	if err != nil {
		return nil, fmt.Errorf("snapshot of the working tree: %w", err)
	}
	reader, err := startBatch(r.root, env)
	if err != nil {
		return nil, err
	}
	r.close = append(r.close, reader.Close)
	return listTree(ctx, r.root, env, strings.TrimSpace(string(id)), reader)
}

// copyIndex copies the index, so that git need not read again what it knows; a repository may have none yet.
func copyIndex(to, from string) error {
	data, err := os.ReadFile(from)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o600)
}
