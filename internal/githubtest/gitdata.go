package githubtest

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

var commitID = regexp.MustCompile(`^[0-9a-f]{40}$`)

// has reports whether an object of a type exists.
func (r *Repo) has(kind, id string) bool {
	o, ok := r.find(id)
	return ok && o.ID == id && o.Type == kind
}

func (c *call) createBlob() reply {
	var in struct{ Content, Encoding string }
	c.read(&in)
	content := in.Content
	if in.Encoding == "base64" {
		data, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(in.Content, "\n", ""))
		if err != nil {
			return refuse(422, "content is not valid Base64")
		}
		content = string(data)
	}
	id, err := c.repo.git(content, "hash-object", "-w", "--stdin")
	if err != nil {
		return c.broken(err)
	}
	return created(obj{"url": c.repo.apiURL("/git/blobs/%s", id), "sha": id})
}

// broken is for failures of this server itself.
func (c *call) broken(err error) reply {
	c.t.Errorf("githubtest: %v", err)
	return refuse(http.StatusInternalServerError, "Server Error")
}

func (c *call) getBlob() reply {
	id := c.params["file_sha"]
	blob, there := c.repo.find(id)
	if !there || blob.ID != id || blob.Type != "blob" {
		return notFound()
	}
	content, err := c.repo.git("", "cat-file", "blob", id)
	if err != nil {
		return c.broken(err)
	}
	if len(content) < blob.Size { // git's last line end was taken for the end of its output
		content += "\n"
	}
	return ok(obj{
		"sha": id, "node_id": nodeID("B", idOf(id)), "size": blob.Size, "url": c.repo.apiURL("/git/blobs/%s", id),
		"content": base64.StdEncoding.EncodeToString([]byte(content)), "encoding": "base64",
	})
}

func (c *call) createTree() reply {
	var in struct {
		Base string `json:"base_tree"`
		Tree []struct {
			Path, Mode, Type string
			SHA, Content     *string
		}
	}
	c.read(&in)
	index := []string{"GIT_INDEX_FILE=" + filepath.Join(c.t.TempDir(), "index")}
	if in.Base != "" {
		if _, err := c.repo.gitEnv(index, "", "read-tree", in.Base+"^{tree}"); err != nil {
			return refuse(422, "base_tree is not a valid tree oid")
		}
	}
	var changes strings.Builder
	for _, e := range in.Tree {
		switch {
		case e.Path == "" || e.Mode == "" || (e.SHA != nil && e.Content != nil):
			return refuse(422, "tree.path, tree.mode and either tree.sha or tree.content must be given")
		case e.Content != nil:
			id, err := c.repo.git(*e.Content, "hash-object", "-w", "--stdin")
			if err != nil {
				return c.broken(err)
			}
			fmt.Fprintf(&changes, "%s %s\t%s\x00", e.Mode, id, e.Path)
		case e.SHA == nil: // null: the file goes
			fmt.Fprintf(&changes, "0 %040d\t%s\x00", 0, e.Path)
		case e.Mode == "040000":
			if _, err := c.repo.gitEnv(index, changes.String(), "update-index", "-z", "--index-info"); err != nil {
				return refuse(422, "tree is malformed")
			}
			changes.Reset()
			if _, err := c.repo.gitEnv(index, "", "rm", "-r", "-q", "--cached", "--ignore-unmatch", "--", e.Path); err != nil {
				return refuse(422, "tree.path is malformed")
			}
			if _, err := c.repo.gitEnv(index, "", "read-tree", "--prefix="+e.Path+"/", *e.SHA); err != nil {
				return refuse(422, "tree.sha "+*e.SHA+" is not a valid tree")
			}
		case !c.repo.has("blob", *e.SHA):
			return refuse(422, "tree.sha "+*e.SHA+" is not a valid blob")
		default:
			fmt.Fprintf(&changes, "%s %s\t%s\x00", e.Mode, *e.SHA, e.Path)
		}
	}
	if _, err := c.repo.gitEnv(index, changes.String(), "update-index", "-z", "--index-info"); err != nil {
		return refuse(422, "tree.path contains a malformed path component")
	}
	id, err := c.repo.gitEnv(index, "", "write-tree")
	if err != nil {
		return refuse(422, "tree is malformed")
	}
	out, err := c.repo.treeJSON(id, false)
	if err != nil {
		return c.broken(err)
	}
	return created(out)
}

func (r *Repo) treeJSON(id string, recursive bool) (obj, error) {
	args := []string{"ls-tree", "-z", "-l"}
	if recursive {
		args = append(args, "-r", "-t")
	}
	listing, err := r.git("", append(args, id)...)
	if err != nil {
		return nil, err
	}
	entries := []obj{}
	for line := range strings.SplitSeq(strings.TrimSuffix(listing, "\x00"), "\x00") {
		meta, path, found := strings.Cut(line, "\t")
		field := strings.Fields(meta)
		if !found || len(field) != 4 {
			continue // the empty tree
		}
		entry := obj{"path": path, "mode": field[0], "type": field[1], "sha": field[2], "url": r.apiURL("/git/%ss/%s", field[1], field[2])}
		if size, err := strconv.Atoi(field[3]); err == nil {
			entry["size"] = size
		}
		entries = append(entries, entry)
	}
	return obj{"sha": id, "url": r.apiURL("/git/trees/%s", id), "tree": entries, "truncated": false}, nil
}

func (c *call) getTree() reply {
	tree, there := c.repo.find(c.params["tree_sha"] + "^{tree}")
	if !there {
		return notFound()
	}
	out, err := c.repo.treeJSON(tree.ID, c.asked("recursive") != "")
	if err != nil {
		return c.broken(err)
	}
	return ok(out)
}

func (c *call) createCommit() reply {
	var in struct {
		Message, Tree     string
		Parents           []string
		Author, Committer *person
	}
	c.read(&in)
	if !c.repo.has("tree", in.Tree) {
		return refuse(422, "Tree SHA does not exist")
	}
	for _, parent := range in.Parents {
		if !c.repo.has("commit", parent) {
			return refuse(422, "Parent SHA does not exist or is not a commit object")
		}
	}
	author := person{Name: c.token.Login, Email: fmt.Sprintf("%d+%s@users.noreply.github.com", idOf(c.token.Login), c.token.Login)}
	committer := person{Name: "GitHub", Email: "noreply@github.com"}
	if in.Author != nil {
		author, committer = *in.Author, *in.Author
	}
	if in.Committer != nil && in.Committer.Name != "" {
		committer = *in.Committer
	}
	id, err := c.repo.commitTree(in.Tree, in.Parents, in.Message, author, committer)
	if err != nil {
		return c.broken(err)
	}
	// An App's commit is signed by GitHub when it names neither author nor committer.
	if c.token.App != "" && in.Author == nil && in.Committer == nil {
		c.repo.verified[id] = true
	}
	return created(c.repo.gitCommitJSON(id))
}

// commit is what git knows of one.
type commit struct {
	id, tree, message string
	parents           []string
	author, committer person
}

func (r *Repo) commit(id string) (commit, error) {
	text, err := r.git("", "log", "-1", "--format=%H%x00%T%x00%P%x00%an%x00%ae%x00%aI%x00%cn%x00%ce%x00%cI%x00%B", "--end-of-options", id)
	field := strings.SplitN(text, "\x00", 10)
	if err != nil || len(field) != 10 {
		return commit{}, fmt.Errorf("read commit %s: %w", id, err)
	}
	who := func(at int) person {
		date, _ := time.Parse(time.RFC3339, field[at+2])
		return person{field[at], field[at+1], date}
	}
	return commit{field[0], field[1], strings.TrimSuffix(field[9], "\n"), strings.Fields(field[2]), who(3), who(6)}, nil
}

func (p person) json() obj { return obj{"name": p.Name, "email": p.Email, "date": stamp(p.Date)} }

func (r *Repo) verification(id string) obj {
	if r.verified[id] {
		return obj{"verified": true, "reason": "valid", "signature": "-----BEGIN PGP SIGNATURE-----", "payload": "tree", "verified_at": stamp(epoch)}
	}
	return obj{"verified": false, "reason": "unsigned", "signature": nil, "payload": nil, "verified_at": nil}
}

// gitCommitJSON gives a commit as the Git data API shows it.
func (r *Repo) gitCommitJSON(id string) obj {
	c, err := r.commit(id)
	if err != nil {
		r.gh.t.Errorf("githubtest: %v", err)
		return obj{}
	}
	parents := []obj{}
	for _, p := range c.parents {
		parents = append(parents, obj{"sha": p, "url": r.apiURL("/git/commits/%s", p), "html_url": r.webURL("/commit/%s", p)})
	}
	return obj{
		"sha": c.id, "node_id": nodeID("C", idOf(c.id)), "url": r.apiURL("/git/commits/%s", c.id), "html_url": r.webURL("/commit/%s", c.id),
		"author": c.author.json(), "committer": c.committer.json(), "message": c.message,
		"tree":    obj{"sha": c.tree, "url": r.apiURL("/git/trees/%s", c.tree)},
		"parents": parents, "verification": r.verification(c.id),
	}
}

func (c *call) getGitCommit() reply {
	if id := c.params["commit_sha"]; c.repo.has("commit", id) {
		return ok(c.repo.gitCommitJSON(id))
	}
	return notFound()
}

// refJSON gives a ref; nil when there is none.
func (r *Repo) refJSON(ref string) obj {
	text, err := r.git("", "for-each-ref", "--format=%(refname)%00%(objectname)%00%(objecttype)", "--", ref)
	if err != nil {
		return nil
	}
	for line := range strings.SplitSeq(text, "\n") {
		if field := strings.Split(line, "\x00"); len(field) == 3 && field[0] == ref {
			return obj{
				"ref": ref, "node_id": nodeID("REF", idOf(ref)), "url": r.apiURL("/git/%s", ref),
				"object": obj{"type": field[2], "sha": field[1], "url": r.apiURL("/git/%ss/%s", field[2], field[1])},
			}
		}
	}
	return nil
}

func (c *call) getRef() reply {
	if out := c.repo.refJSON("refs/" + c.params["ref"]); out != nil {
		return ok(out)
	}
	return notFound()
}

func (c *call) matchingRefs() reply {
	text, err := c.repo.git("", "for-each-ref", "--format=%(refname)")
	if err != nil {
		return c.broken(err)
	}
	shown := []obj{}
	for ref := range strings.SplitSeq(text, "\n") {
		if strings.HasPrefix(ref, "refs/"+c.params["ref"]) {
			shown = append(shown, c.repo.refJSON(ref))
		}
	}
	return ok(visible(c, shown))
}

func (c *call) createRef() reply {
	var in struct{ Ref, SHA string }
	c.read(&in)
	_, malformed := c.repo.git("", "check-ref-format", in.Ref)
	switch {
	case !strings.HasPrefix(in.Ref, "refs/") || strings.Count(in.Ref, "/") < 2 || malformed != nil:
		return refuse(422, in.Ref+" is not a valid ref name.")
	case c.repo.refJSON(in.Ref) != nil:
		return refuse(422, "Reference already exists")
	case !c.repo.has("commit", in.SHA):
		return refuse(422, "Object does not exist")
	}
	if _, err := c.repo.git("", "update-ref", in.Ref, in.SHA, strings.Repeat("0", 40)); err != nil {
		return refuse(422, "Reference update failed")
	}
	return created(c.repo.refJSON(in.Ref))
}

func (c *call) updateRef() reply {
	var in struct {
		SHA   string
		Force bool
	}
	c.read(&in)
	ref := "refs/" + c.params["ref"]
	old := c.repo.tip(ref)
	switch {
	case old == "":
		return refuse(422, "Reference does not exist")
	case !c.repo.has("commit", in.SHA):
		return refuse(422, "Object does not exist")
	}
	if _, err := c.repo.git("", "merge-base", "--is-ancestor", old, in.SHA); err != nil && !in.Force {
		return refuse(422, "Update is not a fast forward")
	}
	if _, err := c.repo.git("", "update-ref", ref, in.SHA, old); err != nil {
		return refuse(422, "Reference update failed")
	}
	return ok(c.repo.refJSON(ref))
}

// deleteRef deletes a ref. The pull requests whose head it was are closed, as GitHub does.
func (c *call) deleteRef() reply {
	ref := "refs/" + c.params["ref"]
	if c.repo.refJSON(ref) == nil {
		return refuse(422, "Reference does not exist")
	}
	for _, p := range c.repo.pulls {
		if c.repo.refresh(p); p.state == "open" && p.from == c.repo && "refs/heads/"+p.headRef == ref {
			c.repo.close(p)
		}
	}
	if _, err := c.repo.git("", "update-ref", "-d", ref); err != nil {
		return c.broken(err)
	}
	return reply{status: http.StatusNoContent}
}
