// Package git reads a repository as object trees: nothing is ever checked out. It runs the git program, whose objects it
// reads through one persistent `git cat-file --batch`.
package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Errors that callers tell apart.
var (
	ErrNoGit         = errors.New("the git program was not found: install git")
	ErrNotRepository = errors.New("not a git repository")
	ErrEmpty         = errors.New("the repository has no commits yet")
)

// UnknownRevisionError says that a revision names no commit that is present.
type UnknownRevisionError struct {
	Rev     string
	Shallow bool // the clone has no full history, so the commit may exist elsewhere
}

func (e *UnknownRevisionError) Error() string {
	if e.Shallow {
		return fmt.Sprintf("revision %q is not in this shallow clone: fetch it (git fetch --depth=1 origin %s), or set fetch-depth: 0 on actions/checkout", e.Rev, e.Rev)
	}
	return fmt.Sprintf("unknown revision %q: git knows no such commit, branch or tag here", e.Rev)
}

// Options are how to open a repository. The zero value suits a person's own clone.
type Options struct {
	// Trust opens a repository that belongs to another user, as the workspace of a container action does.
	Trust bool
}

// Repo is an open repository. It is safe for concurrent use; Close ends the processes behind it.
type Repo struct {
	root    string // of the working tree; the git directory itself for a bare repository
	bare    bool
	env     []string
	objects *batch
	scratch []string // directories to remove on Close
	close   []func() error
}

// Open finds the repository that holds dir. It fails with ErrNoGit, or with an error that is ErrNotRepository.
func Open(ctx context.Context, dir string, opts Options) (*Repo, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("open repository: %w", err)
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("%s: %w: there is no such directory", dir, ErrNotRepository)
	}
	r := &Repo{root: dir, env: environment(opts, dir)}
	if err := r.locate(ctx); err != nil {
		return nil, err
	}
	r.env = environment(opts, r.root)
	if r.bare {
		r.env = append(r.env, "GIT_DIR="+r.root)
	}
	if r.objects, err = startBatch(r.root, r.env); err != nil {
		return nil, err
	}
	r.close = append(r.close, r.objects.Close)
	return r, nil
}

// locate finds the top directory, in one go where there is a working tree.
func (r *Repo) locate(ctx context.Context) error {
	top, err := r.git(ctx, "rev-parse", "--show-toplevel")
	if err == nil && top != "" {
		r.root = top
		return nil
	}
	if errors.Is(err, ErrNoGit) || ctx.Err() != nil {
		return err
	}
	return r.locateBare(ctx, err)
}

// locateBare takes the directory itself for a bare repository, which is not looked for further up. One that stands in the working tree of
// another is refused: files of a commit can make up such a repository, and its configuration names programs that git would run.
func (r *Repo) locateBare(ctx context.Context, noTree error) error {
	around := environment(Options{}, filepath.Dir(r.root))
	if top, err := run(ctx, filepath.Dir(r.root), around, "rev-parse", "--show-toplevel"); err == nil {
		said := fmt.Errorf("%s: %w of its own: name the root of its repository, %s", r.root, ErrNotRepository, strings.TrimSpace(string(top)))
		if _, err := os.Stat(filepath.Join(r.root, "HEAD")); err == nil {
			said = fmt.Errorf("%w. The files in the directory make up a bare repository, which git would take instead: it is not read", said)
		}
		return said
	}
	env := append(r.env[:len(r.env):len(r.env)], "GIT_DIR="+r.root)
	out, err := run(ctx, r.root, env, "rev-parse", "--is-bare-repository", "--absolute-git-dir")
	bare, gitDir, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	if err != nil || bare != "true" {
		return fmt.Errorf("%s: %w (%s)", r.root, ErrNotRepository, firstLine(noTree.Error()))
	}
	r.bare, r.root = true, gitDir
	return nil
}

// Root is the top directory of the working tree, absolute.
func (r *Repo) Root() string { return r.root }

// Close ends the processes and removes the scratch directories of r.
func (r *Repo) Close() error {
	var errs []error
	for _, end := range r.close {
		errs = append(errs, end())
	}
	for _, dir := range r.scratch {
		errs = append(errs, os.RemoveAll(dir))
	}
	return errors.Join(errs...)
}

// Resolve gives the full commit id that a revision (branch, tag, id, HEAD~2, …) names. It fails with an
// *UnknownRevisionError, or with ErrEmpty for HEAD of a repository without commits.
func (r *Repo) Resolve(ctx context.Context, rev string) (string, error) {
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	if id, ok := r.objects.resolve(rev + "^{commit}"); ok {
		return id, nil
	}
	id, err := r.git(ctx, "rev-parse", "--verify", "--quiet", "--end-of-options", rev+"^{commit}")
	if err == nil {
		return id, nil
	}
	if errors.Is(err, ErrNoGit) || ctx.Err() != nil {
		return "", err
	}
	if any, err := r.git(ctx, "rev-list", "--all", "--max-count=1"); rev == "HEAD" && err == nil && any == "" {
		return "", ErrEmpty
	}
	return "", &UnknownRevisionError{Rev: rev, Shallow: r.Shallow(ctx)}
}

// Shallow reports whether the clone lacks part of its history.
func (r *Repo) Shallow(ctx context.Context) bool {
	out, err := r.git(ctx, "rev-parse", "--is-shallow-repository")
	return err == nil && out == "true"
}

// MergeBase gives the newest commit that a and b have in common; ok is false where they have none (or where a shallow
// clone does not hold it).
func (r *Repo) MergeBase(ctx context.Context, a, b string) (id string, ok bool) {
	id, err := r.git(ctx, "merge-base", a, b)
	return id, err == nil && id != ""
}

// Parents gives the parent ids of a commit, the first parent first, also where a shallow clone does not hold them.
func (r *Repo) Parents(ctx context.Context, commit string) ([]string, error) {
	out, err := r.git(ctx, "cat-file", "commit", commit)
	if err != nil {
		return nil, err
	}
	var parents []string
	for line := range strings.Lines(out) {
		if line == "\n" { // the end of the header
			break
		}
		if id, ok := strings.CutPrefix(line, "parent "); ok {
			parents = append(parents, strings.TrimSpace(id))
		}
	}
	return parents, nil
}

// Ensure fetches a commit and its tree, without history, from the remote "origin" where the clone does not hold it.
func (r *Repo) Ensure(ctx context.Context, commit string) error {
	if _, err := r.Resolve(ctx, commit); err == nil || ctx.Err() != nil {
		return err
	}
	return r.fetch(ctx, "--depth=1", commit)
}

// CommonAncestor is MergeBase for a clone that may lack the history to tell: that is then fetched.
func (r *Repo) CommonAncestor(ctx context.Context, a, b string) (string, error) {
	if id, ok := r.MergeBase(ctx, a, b); ok {
		return id, nil
	}
	if r.Shallow(ctx) {
		if err := r.fetch(ctx, "--unshallow", a, b); err != nil {
			return "", err
		}
		if id, ok := r.MergeBase(ctx, a, b); ok {
			return id, nil
		}
	}
	return "", fmt.Errorf("commits %s and %s have no history in common", a, b)
}

func (r *Repo) fetch(ctx context.Context, option string, commits ...string) error {
	args := append([]string{"fetch", "--quiet", "--no-tags", "--no-recurse-submodules", option, "origin"}, commits...)
	if _, err := r.git(ctx, args...); err != nil {
		return fmt.Errorf("this clone lacks commits and they could not be fetched (set fetch-depth: 0 on actions/checkout): %w", err)
	}
	return nil
}

// Dirty reports whether the working tree differs from HEAD, untracked files included.
func (r *Repo) Dirty(ctx context.Context) (bool, error) {
	if r.bare {
		return false, nil
	}
	out, err := r.git(ctx, "status", "--porcelain", "--untracked-files=normal", "--ignore-submodules=all")
	return out != "", err
}

// git runs one git command and returns its output without the final newline. A failure carries what git said.
func (r *Repo) git(ctx context.Context, args ...string) (string, error) {
	out, err := run(ctx, r.root, r.env, args...)
	return strings.TrimSuffix(string(out), "\n"), err
}

func run(ctx context.Context, dir string, env []string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir, cmd.Env = dir, env
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	switch {
	case err == nil:
		return stdout.Bytes(), nil
	case errors.Is(err, exec.ErrNotFound):
		return nil, ErrNoGit
	case ctx.Err() != nil:
		return nil, fmt.Errorf("git %s: %w", args[0], ctx.Err())
	default:
		return nil, failed(args[0], err, stderr.String())
	}
}

// failed is the error of a git command that has ended with one: what it said, if it said something.
func failed(command string, err error, said string) error {
	if said = strings.TrimSpace(said); said == "" {
		said = err.Error()
	}
	return &commandError{fmt.Sprintf("git %s: %s", command, said), err}
}

// commandError is a git command that has failed.
type commandError struct {
	text string
	err  error // how the process ended
}

func (e *commandError) Error() string { return e.text }

func (e *commandError) Unwrap() error { return e.err }

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}
