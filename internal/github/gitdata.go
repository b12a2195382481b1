package github

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	gogithub "github.com/google/go-github/v60/github"
)

const permContents = "contents: write"

// ErrMoved says that something was done, or stands in the way, that was not there when the caller looked: it should look again.
var ErrMoved = errors.New("what is on GitHub has changed meanwhile")

// NewCommit is a commit to be made through the Git data API. It names no author, so that GitHub signs it where the token is an
// App's.
// Source: docs.github.com "About commit signature verification", signature verification for bots.
type NewCommit struct {
	Message  string
	Parents  []string
	BaseTree string // the tree that Files change
	Files    []NewFile
	TreeKey  string // a trailer with this key, which names the commit's tree, is added to the message; "" for none
}

// NewFile is one file of a commit; its path is slash-separated, from the repository's root.
type NewFile struct {
	Path    string
	Mode    fs.FileMode // fs.ModeSymlink, or permission bits of which only "executable" counts
	Data    []byte      // for a symbolic link, what it points to
	Deleted bool        // the file is in BaseTree and is to go
}

// Commit makes a commit, which no branch holds yet. Two calls, and one for each file that is not text.
//
// Errors: [*PermissionError], [*LimitError] (wrapped), [*RefusedError].
func (c *Client) Commit(ctx context.Context, commit NewCommit) (id string, err error) {
	const doing = "make a commit"
	ctx = repeatable(ctx) // the same objects again; a second commit is one that nothing points to
	tree := commit.BaseTree
	if len(commit.Files) > 0 {
		entries := make([]*gogithub.TreeEntry, len(commit.Files))
		for i, f := range commit.Files {
			if entries[i], err = c.treeEntry(ctx, f); err != nil {
				return "", c.explain(doing, permContents, err)
			}
		}
		made, _, err := c.gh.Git.CreateTree(ctx, c.owner, c.repo, commit.BaseTree, entries)
		if err != nil {
			return "", c.explain(doing, permContents, err)
		}
		tree = made.GetSHA()
	}
	if commit.TreeKey != "" {
		commit.Message = fmt.Sprintf("%s\n%s: %s\n", strings.TrimRight(commit.Message, "\n"), commit.TreeKey, tree)
	}
	wanted := &gogithub.Commit{Message: &commit.Message, Tree: &gogithub.Tree{SHA: &tree}}
	for _, parent := range commit.Parents {
		wanted.Parents = append(wanted.Parents, &gogithub.Commit{SHA: gogithub.String(parent)})
	}
	made, _, err := c.gh.Git.CreateCommit(ctx, c.owner, c.repo, wanted, nil)
	if err == nil {
		c.made.Store(made.GetSHA(), true)
	}
	return made.GetSHA(), c.explain(doing, permContents, err)
}

// treeEntry gives a file as a tree takes it: text in the call itself, anything else as a blob of its own.
func (c *Client) treeEntry(ctx context.Context, f NewFile) (*gogithub.TreeEntry, error) {
	mode := "100644"
	switch {
	case f.Mode&fs.ModeSymlink != 0:
		mode = "120000"
	case f.Mode&0o111 != 0:
		mode = "100755"
	}
	entry := &gogithub.TreeEntry{Path: &f.Path, Mode: &mode, Type: gogithub.String("blob")}
	switch {
	case f.Deleted:
	case len(f.Data) > 0 && utf8.Valid(f.Data) && !strings.ContainsRune(string(f.Data), 0):
		entry.Content = gogithub.String(string(f.Data))
	default:
		blob, _, err := c.gh.Git.CreateBlob(ctx, c.owner, c.repo, &gogithub.Blob{
			Content: gogithub.String(base64.StdEncoding.EncodeToString(f.Data)), Encoding: gogithub.String("base64"),
		})
		if err != nil {
			return nil, err
		}
		entry.SHA = blob.SHA
	}
	return entry, nil
}

// Branch gives the commit that a branch points to, "" where there is no such branch.
func (c *Client) Branch(ctx context.Context, name string) (id string, err error) {
	ref, _, err := c.gh.Git.GetRef(ctx, c.owner, c.repo, "refs/heads/"+name)
	if statusOf(err) == http.StatusNotFound {
		return "", nil
	}
	return ref.GetObject().GetSHA(), c.explain(fmt.Sprintf("read branch %q", name), "contents: read", err)
}

// DefaultBranch gives the name of the repository's default branch.
func (c *Client) DefaultBranch(ctx context.Context) (string, error) {
	repo, _, err := c.gh.Repositories.Get(ctx, c.owner, c.repo)
	return repo.GetDefaultBranch(), c.explain("read the repository", "contents: read", err)
}

// Branches gives the commits of all branches whose names begin with a prefix.
func (c *Client) Branches(ctx context.Context, prefix string) (map[string]string, error) {
	out := make(map[string]string)
	// This list comes as a whole: its description knows no pages.
	list, _, err := c.gh.Git.ListMatchingRefs(ctx, c.owner, c.repo, &gogithub.ReferenceListOptions{Ref: "heads/" + prefix})
	for _, ref := range list {
		if name, ok := strings.CutPrefix(ref.GetRef(), "refs/heads/"); ok {
			out[name] = ref.GetObject().GetSHA()
		}
	}
	return out, c.explain("list branches", "contents: read", err)
}

// CreateBranch makes a branch. Where it exists at another commit, that is ErrMoved.
func (c *Client) CreateBranch(ctx context.Context, name, commit string) error {
	ref := &gogithub.Reference{Ref: gogithub.String("refs/heads/" + name), Object: &gogithub.GitObject{SHA: &commit}}
	_, _, err := c.gh.Git.CreateRef(repeatable(ctx), c.owner, c.repo, ref) // a second time it is refused, and looked up below
	return c.settleBranch(ctx, name, commit, fmt.Sprintf("make branch %q", name), err)
}

// MoveBranch moves a branch forward, never over anything. Where it has moved already to somewhere that the commit does not
// hold, that is ErrMoved.
func (c *Client) MoveBranch(ctx context.Context, name, commit string) error {
	ref := &gogithub.Reference{Ref: gogithub.String("refs/heads/" + name), Object: &gogithub.GitObject{SHA: &commit}}
	_, _, err := c.gh.Git.UpdateRef(repeatable(ctx), c.owner, c.repo, ref, false)
	return c.settleBranch(ctx, name, commit, fmt.Sprintf("move branch %q", name), err)
}

// settleBranch finds out whether a branch is where it was to be, after a refusal or a lost answer.
func (c *Client) settleBranch(ctx context.Context, name, commit, doing string, err error) error {
	if status := statusOf(err); err == nil || ctx.Err() != nil || (status != http.StatusUnprocessableEntity && status != http.StatusConflict && !uncertain(err)) {
		return c.explain(doing, permContents, err)
	}
	at, lookErr := c.Branch(ctx, name)
	switch {
	case lookErr != nil:
		return c.explain(doing, permContents, err)
	case at == commit:
		return nil
	case uncertain(err):
		return c.explain(doing, permContents, err)
	}
	return fmt.Errorf("%s: %w", doing, ErrMoved)
}

// DeleteBranch deletes a branch that points to a commit; one that is gone already is fine, one that has moved is ErrMoved.
// GitHub has no call that does both at once, so a push in the moment between is lost from the branch, though not from its
// pull request.
func (c *Client) DeleteBranch(ctx context.Context, name, at string) error {
	doing := fmt.Sprintf("delete branch %q", name)
	now, err := c.Branch(ctx, name)
	switch {
	case err != nil:
		return err
	case now == "":
		return nil
	case now != at:
		return fmt.Errorf("%s: %w", doing, ErrMoved)
	}
	_, err = c.gh.Git.DeleteRef(ctx, c.owner, c.repo, "refs/heads/"+name)
	if status := statusOf(err); status == http.StatusUnprocessableEntity || status == http.StatusNotFound {
		return nil
	}
	return c.explain(doing, permContents, err)
}

// CommitAuthor gives the login that GitHub knows the author of a commit by, "" where it knows none.
func (c *Client) CommitAuthor(ctx context.Context, id string) (string, error) {
	commit, _, err := c.gh.Repositories.GetCommit(ctx, c.owner, c.repo, id, nil)
	return commit.GetAuthor().GetLogin(), c.explain(fmt.Sprintf("read commit %.10s", id), "contents: read", err)
}

// Status is a commit status.
type Status struct {
	Context     string // its name
	State       string // success, pending, failure or error
	Description string // cut where it is too long
	URL         string // of the details; "" for none
}

// SetStatus writes a commit status, unless the newest of its context says the same. The newest of a context counts. A call, and another
// to look where this client did not make the commit.
func (c *Client) SetStatus(ctx context.Context, commit string, s Status) error {
	_, fresh := c.made.Load(commit)
	_, err := c.writeStatus(ctx, commit, s, fresh)
	if err == nil {
		c.made.Delete(commit) // something was said of it
	}
	return c.explain(fmt.Sprintf("write the status %q", s.Context), permStatuses, err)
}

// Pause waits as long as GitHub may take until a list shows what was just done. False says that there is no time left.
func (c *Client) Pause(ctx context.Context) bool {
	return c.transport.wait(ctx, 2*time.Second, nil) == nil
}
