package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/sluice-dev/sluice/internal/git"
	"github.com/sluice-dev/sluice/internal/pipeline"
	"github.com/sluice-dev/sluice/internal/promote"
	"github.com/sluice-dev/sluice/internal/report"
)

// writePromotion changes the working tree as planned, and tells what it did.
func (c *Command) writePromotion(ctx context.Context, repo *git.Repo, planned *pipeline.PromotionPlan, outputs []output) error {
	files := planned.Files()
	if err := refuseDirty(ctx, repo, files); err != nil {
		return err
	}
	if err := writeInto(repo, files); err != nil {
		return err
	}
	if err := c.writePlan(planned, outputs, true); err != nil {
		return err
	}
	return conflictExit(planned)
}

// writeInto writes files into the working tree of a repository.
func writeInto(repo *git.Repo, files []pipeline.PromotedFile) error {
	root, err := os.OpenRoot(repo.Root())
	if err != nil {
		return err
	}
	defer root.Close()
	if err := writeFiles(root, files); err != nil {
		return fmt.Errorf("write to the working tree: %w; `git status` shows what was written", err)
	}
	return nil
}

// refuseDirty refuses to write where there are changes that are not committed: nobody could tell them from the promotion's, and
// the plan is made of what is committed.
func refuseDirty(ctx context.Context, repo *git.Repo, files []pipeline.PromotedFile) error {
	if len(files) == 0 {
		return nil
	}
	var dirs []string
	for _, f := range files {
		dirs = append(dirs, path.Dir(f.Path))
		if _, err := os.Lstat(repo.Root() + "/" + f.Path); f.Action == promote.Add && err == nil {
			return usage(fmt.Errorf("%s is there already and not committed: nothing was written. Commit it or move it away first", report.Visible(f.Path)))
		}
	}
	dirty, err := repo.DirtyIn(ctx, dirs...)
	if err != nil {
		return err
	}
	if len(dirty) > 0 {
		return usage(fmt.Errorf("the working tree has changes that are not committed where the promotion writes: nothing was written. Commit or stash them first:\n  %s",
			report.Visible(strings.Join(dirty[:min(len(dirty), 10)], ", "))))
	}
	return nil
}

// writeFiles writes every file beside its place first, then renames all: what goes wrong before that leaves the tree as it was.
// root keeps symbolic links from leading out of the repository.
func writeFiles(root *os.Root, files []pipeline.PromotedFile) (err error) {
	staged := make(map[string]string) // path → temporary file
	defer func() {
		for _, temporary := range staged {
			err = errors.Join(err, root.Remove(temporary))
		}
	}()
	for i, f := range files {
		if f.Action == promote.Delete {
			continue
		}
		temporary := path.Join(path.Dir(f.Path), fmt.Sprintf(".sluice-%d-%d", os.Getpid(), i))
		if err := root.MkdirAll(path.Dir(f.Path), 0o755); err != nil {
			return err
		}
		if err := stage(root, temporary, f.File); err != nil {
			return err
		}
		staged[f.Path] = temporary
	}
	for _, f := range files {
		if f.Action == promote.Delete {
			if err := root.Remove(f.Path); err != nil {
				return err
			}
			continue
		}
		if err := root.Rename(staged[f.Path], f.Path); err != nil {
			return err
		}
		delete(staged, f.Path)
	}
	return nil
}

func stage(root *os.Root, name string, f promote.File) error {
	if f.Mode&fs.ModeSymlink != 0 {
		return root.Symlink(string(f.Data), name)
	}
	mode := fs.FileMode(0o644)
	if f.Mode&0o111 != 0 {
		mode = 0o755
	}
	if err := root.WriteFile(name, f.Data, mode); err != nil {
		return errors.Join(err, root.Remove(name))
	}
	return nil
}
