package git

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// RemotesOptions sets up [Remotes].
type RemotesOptions struct {
	Dir     string        // where commits are kept from run to run; "" keeps them until Close
	Timeout time.Duration // of one fetch; by default two minutes
	File    bool          // repositories of this machine (file://) may be fetched too
}

// Remotes fetches single commits of other repositories, by https or ssh, with what the user's git configuration says of
// credentials and proxies. A commit is named by its full id, so it is the same wherever it comes from; what is kept is
// verified when it is used again. It is safe for concurrent use.
type Remotes struct {
	options RemotesOptions
	scratch string // to be removed; "" without

	mu      sync.Mutex
	known   map[string]*remoteCommit
	fetched bool // something was, so there may be too much now
}

type remoteCommit struct {
	once sync.Once
	repo *Repo
	tree *Tree
	err  error
}

// NewRemotes makes the directory where there is none.
func NewRemotes(options RemotesOptions) (*Remotes, error) {
	r := &Remotes{options: options, known: make(map[string]*remoteCommit)}
	if r.options.Timeout <= 0 {
		r.options.Timeout = 2 * time.Minute
	}
	if options.Dir == "" {
		dir, err := os.MkdirTemp("", "sluice-remotes-")
		if err != nil {
			return nil, fmt.Errorf("keep remote repositories: %w", err)
		}
		r.options.Dir, r.scratch = dir, dir
		return r, nil
	}
	dir, err := filepath.Abs(options.Dir)
	if err == nil {
		err = os.MkdirAll(dir, 0o700)
	}
	if err != nil {
		return nil, fmt.Errorf("keep remote repositories: %w", err)
	}
	r.options.Dir = dir
	return r, nil
}

// Commit gives the tree of a commit, without history. It is fetched once.
func (r *Remotes) Commit(ctx context.Context, url, commit string) (*Tree, error) {
	r.mu.Lock()
	c := r.known[url+"@"+commit]
	if c == nil {
		c = &remoteCommit{}
		r.known[url+"@"+commit] = c
	}
	r.mu.Unlock()
	c.once.Do(func() { c.repo, c.tree, c.err = r.open(ctx, url, commit) })
	return c.tree, c.err
}

// Close ends the processes, and removes what was not to be kept.
func (r *Remotes) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var errs []error
	for _, c := range r.known {
		if c.repo != nil {
			errs = append(errs, c.repo.Close())
		}
	}
	if r.scratch != "" {
		errs = append(errs, os.RemoveAll(r.scratch))
	} else if r.fetched {
		errs = append(errs, r.trim())
	}
	return errors.Join(errs...)
}

// unusedRemote is how long a commit is kept that no run asks for; unfinishedRemote, what a run has left that did not end well.
const (
	unusedRemote     = 30 * 24 * time.Hour
	unfinishedRemote = 24 * time.Hour
)

// trim removes what was not used for long. Nothing else in the directory is touched.
func (r *Remotes) trim() error {
	entries, err := os.ReadDir(r.options.Dir)
	if err != nil {
		return fmt.Errorf("trim remote repositories: %w", err)
	}
	var errs []error
	for _, entry := range entries {
		name := entry.Name()
		keep := unusedRemote
		switch {
		case strings.HasPrefix(name, ".new-"):
			keep = unfinishedRemote
		case len(name) != len("0123456789abcdef0123456789abcdef.git") || !strings.HasSuffix(name, ".git"):
			continue
		}
		if info, err := entry.Info(); err == nil && info.IsDir() && time.Since(info.ModTime()) > keep {
			errs = append(errs, os.RemoveAll(filepath.Join(r.options.Dir, name)))
		}
	}
	return errors.Join(errs...)
}

func (r *Remotes) open(ctx context.Context, url, commit string) (*Repo, *Tree, error) {
	sum := sha256.Sum256([]byte(url + "\n" + commit))
	dir := filepath.Join(r.options.Dir, hex.EncodeToString(sum[:16])+".git")
	if repo, tree, err := r.kept(ctx, dir, commit); err == nil {
		return repo, tree, nil
	}
	if err := r.fetch(ctx, dir, url, commit); err != nil {
		return nil, nil, err
	}
	r.mu.Lock()
	r.fetched = true
	r.mu.Unlock()
	return r.kept(ctx, dir, commit)
}

// kept opens a commit that was fetched before, after it has verified that every object is what its id says.
func (r *Remotes) kept(ctx context.Context, dir, commit string) (*Repo, *Tree, error) {
	if _, err := os.Stat(dir); err != nil {
		return nil, nil, err
	}
	env := r.environment(dir)
	if _, err := run(ctx, dir, env, "fsck", "--full", "--no-dangling", "--no-progress", commit); err != nil {
		return nil, nil, err
	}
	now := time.Now()
	_ = os.Chtimes(dir, now, now) // it is in use; if that is not noted, it is fetched again some day
	objects, err := startBatch(dir, env)
	if err != nil {
		return nil, nil, err
	}
	repo := &Repo{root: dir, bare: true, env: env, objects: objects, close: []func() error{objects.Close}}
	tree, err := listTree(ctx, dir, env, commit+"^{tree}", objects)
	if err != nil {
		return nil, nil, errors.Join(err, repo.Close())
	}
	return repo, tree, nil
}

// fetch brings a commit into a repository of its own, which appears at once or not at all.
func (r *Remotes) fetch(ctx context.Context, dir, url, commit string) error {
	ctx, cancel := context.WithTimeout(ctx, r.options.Timeout)
	defer cancel()
	fresh, err := os.MkdirTemp(r.options.Dir, ".new-")
	if err != nil {
		return fmt.Errorf("fetch %s: %w", url, err)
	}
	defer os.RemoveAll(fresh)
	env := r.environment(fresh)
	format := "sha1"
	if len(commit) == 64 {
		format = "sha256"
	}
	if _, err := run(ctx, fresh, env, "init", "--quiet", "--bare", "--template=", "--object-format="+format); err != nil {
		return fmt.Errorf("fetch %s: %w", url, err)
	}
	if _, err := runRemote(ctx, fresh, env, "fetch", "--quiet", "--depth=1", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head", "--", url, commit); err != nil {
		return fmt.Errorf("fetch %s: %w", commit, err)
	}
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("fetch %s: %w", url, err)
	}
	if err := os.Rename(fresh, dir); err != nil {
		if _, there := os.Stat(dir); there != nil { // else another process was faster
			return fmt.Errorf("fetch %s: %w", url, err)
		}
	}
	return nil
}

// remoteVariables would have git read or write elsewhere while it fetches from other repositories.
var remoteVariables = []string{
	"GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_TEMPLATE_DIR", "GIT_ALLOW_PROTOCOL", "GIT_CONFIG_COUNT",
}

// environment lets git ask nobody, run no hook, and speak no protocol but those that are meant.
func (r *Remotes) environment(dir string) []string {
	env := without(environment(Options{}, dir), remoteVariables)
	protocols := "https:ssh"
	if r.options.File {
		protocols += ":file"
	}
	env = append(askNobody(env), "GIT_DIR="+dir, "GIT_ALLOW_PROTOCOL="+protocols)
	return configured(env, []string{
		"core.hooksPath", "/dev/null", "core.fsmonitor", "false", "fetch.fsckObjects", "true", "gc.auto", "0", "maintenance.auto", "false",
		"fetch.recurseSubmodules", "false", "transfer.bundleURI", "false", "credential.interactive", "false", "safe.directory", dir,
	})
}
