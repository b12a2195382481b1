package githubtest

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// countCommits counts the commits that head has and base has not.
func (r *Repo) countCommits(base, head string) (int, error) {
	text, err := r.git("", "rev-list", "--count", head, "^"+base)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(text)
}

// diff gives the files that differ between two commits, as the API shows them, without patches.
func (r *Repo) diff(base, head string) ([]obj, error) {
	raw, err := r.git("", "diff", "--raw", "-z", "-M", "--no-abbrev", base, head)
	if err != nil {
		return nil, err
	}
	counts, err := r.git("", "diff", "--numstat", "-z", "-M", base, head)
	if err != nil {
		return nil, err
	}
	lines := numstat(counts)
	out := []obj{}
	token := strings.Split(raw, "\x00")
	for i := 0; i < len(token) && strings.HasPrefix(token[i], ":"); {
		field := strings.Fields(token[i]) // :mode mode sha sha status
		path := token[i+1]
		entry := obj{"sha": field[3], "status": map[byte]string{'A': "added", 'D': "removed", 'M': "modified", 'T': "changed", 'R': "renamed"}[field[4][0]]}
		i += 2
		if field[4][0] == 'R' {
			entry["previous_filename"], path = path, token[i]
			i++
		}
		if strings.Trim(field[3], "0") == "" {
			entry["sha"] = field[2]
		}
		n := lines[path]
		entry["filename"], entry["additions"], entry["deletions"], entry["changes"] = path, n[0], n[1], n[0]+n[1]
		entry["blob_url"], entry["raw_url"] = r.webURL("/blob/%s/%s", head, path), r.webURL("/raw/%s/%s", head, path)
		entry["contents_url"] = r.apiURL("/contents/%s?ref=%s", path, head)
		out = append(out, entry)
	}
	return out, nil
}

// numstat reads the lines added and removed by path: "1\t2\tpath\0", or for a rename "1\t2\t\0old\0new\0".
func numstat(text string) map[string][2]int {
	out := map[string][2]int{}
	token := strings.Split(text, "\x00")
	for i := 0; i < len(token); i++ {
		field := strings.SplitN(token[i], "\t", 3)
		if len(field) != 3 {
			continue
		}
		added, _ := strconv.Atoi(field[0])
		removed, _ := strconv.Atoi(field[1])
		path := field[2]
		if path == "" && i+2 < len(token) {
			path = token[i+2]
			i += 2
		}
		out[path] = [2]int{added, removed}
	}
	return out
}

// commitJSON gives a commit as the repository API shows it.
func (r *Repo) commitJSON(id string) obj {
	c, err := r.commit(id)
	if err != nil {
		r.gh.t.Errorf("githubtest: %v", err)
		return obj{}
	}
	parents := []obj{}
	for _, p := range c.parents {
		parents = append(parents, obj{"sha": p, "url": r.apiURL("/commits/%s", p), "html_url": r.webURL("/commit/%s", p)})
	}
	return obj{
		"sha": c.id, "node_id": nodeID("C", idOf(c.id)), "url": r.apiURL("/commits/%s", c.id), "html_url": r.webURL("/commit/%s", c.id),
		"comments_url": r.apiURL("/commits/%s/comments", c.id), "author": r.gh.userOf(c.author), "committer": nil, "parents": parents,
		"commit": obj{
			"url": r.apiURL("/git/commits/%s", c.id), "author": c.author.json(), "committer": c.committer.json(), "message": c.message,
			"tree": obj{"sha": c.tree, "url": r.apiURL("/git/trees/%s", c.tree)}, "comment_count": 0, "verification": r.verification(c.id),
		},
	}
}

func (c *call) getCommit() reply {
	id := c.repo.tip(c.params["ref"])
	if id == "" {
		return refuse(422, "No commit found for SHA: "+c.params["ref"])
	}
	return ok(c.repo.commitJSON(id))
}

func (c *call) compare() reply {
	baseName, headName, isPair := strings.Cut(c.params["basehead"], "...")
	base, head := c.repo.tip(baseName), c.repo.tip(headName)
	if !isPair || base == "" || head == "" {
		return notFound()
	}
	common, err := c.repo.git("", "merge-base", base, head)
	if err != nil {
		return refuse(http.StatusNotFound, fmt.Sprintf("No common ancestor between %s and %s.", baseName, headName))
	}
	ahead, errA := c.repo.countCommits(base, head)
	behind, errB := c.repo.countCommits(head, base)
	list, errC := c.repo.git("", "rev-list", "--reverse", head, "^"+base)
	changed, errD := c.repo.diff(common, head)
	for _, err := range []error{errA, errB, errC, errD} {
		if err != nil {
			return c.broken(err)
		}
	}
	status := "identical"
	switch {
	case ahead > 0 && behind > 0:
		status = "diverged"
	case ahead > 0:
		status = "ahead"
	case behind > 0:
		status = "behind"
	}
	shown, header := page(c, c.repo.api("/compare/%s", c.params["basehead"]), strings.Fields(list), c.repo.commitJSON)
	at := c.repo.webURL("/compare/%s", c.params["basehead"])
	return reply{http.StatusOK, obj{
		"url": c.repo.apiURL("/compare/%s", c.params["basehead"]), "html_url": at, "permalink_url": at, "diff_url": at + ".diff", "patch_url": at + ".patch",
		"base_commit": c.repo.commitJSON(base), "merge_base_commit": c.repo.commitJSON(common), "status": status,
		"ahead_by": ahead, "behind_by": behind, "total_commits": ahead, "commits": shown, "files": changed,
	}, header}
}

// mergeBranch merges a branch or commit into a branch.
func (c *call) mergeBranch() reply {
	var in struct {
		Base, Head string
		Message    string `json:"commit_message"`
	}
	c.read(&in)
	base, head := c.repo.Tip(in.Base), c.repo.Tip(in.Head)
	if head == "" && commitID.MatchString(in.Head) {
		head = c.repo.tip(in.Head)
	}
	switch {
	case base == "":
		return refuse(http.StatusNotFound, "Base does not exist")
	case head == "":
		return refuse(http.StatusNotFound, "Head does not exist")
	}
	if n, err := c.repo.countCommits(base, head); err == nil && n == 0 {
		return reply{status: http.StatusNoContent}
	}
	tree, err := c.repo.git("", "merge-tree", "--write-tree", base, head)
	if err != nil {
		return refuse(http.StatusConflict, "Merge conflict")
	}
	if in.Message == "" {
		in.Message = fmt.Sprintf("Merge %s into %s", in.Head, in.Base)
	}
	id, err := c.repo.commitTree(tree, []string{base, head}, in.Message, person{}, person{})
	if err != nil {
		return c.broken(err)
	}
	c.repo.setRef("refs/heads/"+in.Base, id)
	return created(c.repo.commitJSON(id))
}
