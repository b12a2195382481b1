package githubtest

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

type pull struct {
	number         int
	id             int64
	title, body    string
	author         string
	draft, locked  bool
	state          string // open or closed
	merged         bool
	mergedBy       string
	from           *Repo // where the head is; nil: the fork was deleted
	headRef, owner string
	baseRef        string
	wasBase        string   // the branch that it went to before; "" where that never changed
	head, base     string   // commits, as last seen while it was open
	rebased        []string // what a rebase made of its commits
	mergeSHA       string   // of a merged one, what the base branch got; else the trial merge
	clean          bool
	labels         []string
	reviews        []review
	assignees      []string
	reviewers      []string // logins, and teams as "team:NAME"
	autoMerge      string   // the method; "" where it is off
	created, last  time.Time
	closed         time.Time
}

// PullOptions say what pull request to open. The zero value of each field but Head is ordinary.
type PullOptions struct {
	Head   string // branch
	From   *Repo  // the repository of the branch, a fork; nil: the same
	Base   string // "" is the default branch
	Title  string
	Body   string
	Author string
	Draft  bool
}

// Pull is a pull request as it is now.
type Pull struct {
	Number             int
	Title, Body, State string
	Author             string
	Merged, Draft      bool
	HeadRef, BaseRef   string
	Head, Base         string
	Labels             []string
	Assignees          []string
	Reviewers          []string // logins, and teams as "team:NAME"
	AutoMerge          string   // the method; "" where it is off
}

// OpenPullRequest opens a pull request as a person would, and gives its number.
func (r *Repo) OpenPullRequest(o PullOptions) int {
	r.gh.t.Helper()
	r.gh.mu.Lock()
	defer r.gh.mu.Unlock()
	if o.From == nil {
		o.From = r
	}
	if o.Base == "" {
		o.Base = DefaultBranch
	}
	if o.Author == "" {
		o.Author = "octocat"
	}
	if o.Title == "" {
		o.Title = "Change " + o.Head
	}
	if o.From.Tip(o.Head) == "" || r.Tip(o.Base) == "" {
		r.gh.t.Fatalf("githubtest: open a pull request: no branch %q in %s or %q in %s", o.Head, o.From.FullName, o.Base, r.FullName)
	}
	return r.open(o).number
}

// Pulls gives all pull requests, the oldest first.
func (r *Repo) Pulls() []Pull {
	r.gh.mu.Lock()
	defer r.gh.mu.Unlock()
	var out []Pull
	for _, p := range r.pulls {
		r.refresh(p)
		out = append(out, Pull{p.number, p.title, p.body, p.state, p.author, p.merged, p.draft, p.headRef, p.baseRef, p.head, p.base, slices.Clone(p.labels),
			slices.Clone(p.assignees), slices.Clone(p.reviewers), p.autoMerge})
	}
	return out
}

// LockConversation lets only people with write access comment.
func (r *Repo) LockConversation(number int) {
	r.gh.mu.Lock()
	defer r.gh.mu.Unlock()
	r.pull(number).locked = true
}

// Retarget changes the branch that a pull request goes to, as its author may. The trial merge is for a while still that with the branch before.
func (r *Repo) Retarget(number int, base string) {
	r.gh.t.Helper()
	r.gh.mu.Lock()
	defer r.gh.mu.Unlock()
	if r.Tip(base) == "" {
		r.gh.t.Fatalf("githubtest: change the base of pull request %d: no branch %q in %s", number, base, r.FullName)
	}
	p := r.pull(number)
	p.wasBase, p.baseRef, p.base = p.baseRef, base, r.Tip(base)
}

// PullEdit is what a person leaves of a pull request.
type PullEdit struct {
	Title, Body string
	Labels      []string
	AutoMerge   string // the method; "" turns it off
}

// EditPullRequest changes one as a person would.
func (r *Repo) EditPullRequest(number int, e PullEdit) {
	r.gh.mu.Lock()
	defer r.gh.mu.Unlock()
	p := r.pull(number)
	p.title, p.body, p.labels, p.autoMerge, p.last = e.Title, e.Body, e.Labels, e.AutoMerge, r.gh.now()
}

// ClosePullRequest closes one without merging, as a person would.
func (r *Repo) ClosePullRequest(number int) {
	r.gh.mu.Lock()
	defer r.gh.mu.Unlock()
	r.close(r.pull(number))
}

// MergePullRequest merges one with a merge commit, as a person would, and gives that commit.
func (r *Repo) MergePullRequest(number int) string {
	r.gh.t.Helper()
	r.gh.mu.Lock()
	defer r.gh.mu.Unlock()
	p := r.pull(number)
	if err := r.merge(p, "merge", "", "octocat"); err != nil {
		r.gh.t.Fatalf("githubtest: merge pull request %d: %v", number, err)
	}
	return p.mergeSHA
}

func (r *Repo) close(p *pull) {
	p.state, p.closed, p.last = "closed", r.gh.now(), r.gh.now()
}

func (r *Repo) open(o PullOptions) *pull {
	r.lastNumber++
	owner, _, _ := strings.Cut(o.From.FullName, "/")
	now := r.gh.now()
	p := &pull{
		number: r.lastNumber, id: r.gh.id(), title: o.Title, body: o.Body, author: o.Author, draft: o.Draft, state: "open",
		from: o.From, owner: owner, headRef: o.Head, baseRef: o.Base, created: now, last: now,
	}
	r.pulls = append(r.pulls, p)
	r.refresh(p)
	return p
}

// pull gives a pull request, brought up to date; nil when there is none.
func (r *Repo) pull(number int) *pull {
	i := slices.IndexFunc(r.pulls, func(p *pull) bool { return p.number == number })
	if i < 0 {
		return nil
	}
	r.refresh(r.pulls[i])
	return r.pulls[i]
}

// refresh follows the branches of an open pull request, and keeps refs/pull/N/head and /merge as GitHub does. The base commit
// is taken anew only when the head moves.
func (r *Repo) refresh(p *pull) {
	if p.state != "open" || p.from == nil {
		return
	}
	head := p.from.Tip(p.headRef)
	if head == "" || head == p.head {
		return
	}
	if p.from != r {
		if _, err := r.git("", "fetch", "--quiet", p.from.Dir, head); err != nil {
			r.gh.t.Errorf("githubtest: %v", err)
		}
	}
	p.head, p.base = head, r.Tip(p.baseRef)
	r.setRef(fmt.Sprintf("refs/pull/%d/head", p.number), head)
	tree, err := r.git("", "merge-tree", "--write-tree", p.base, p.head)
	p.clean, p.mergeSHA = err == nil, ""
	if p.clean {
		p.mergeSHA, _ = r.commitTree(tree, []string{p.base, p.head}, fmt.Sprintf("Merge %s into %s", p.head, p.base), person{}, person{})
		r.setRef(fmt.Sprintf("refs/pull/%d/merge", p.number), p.mergeSHA)
	}
}

func (r *Repo) setRef(ref, id string) {
	if _, err := r.git("", "update-ref", ref, id); err != nil {
		r.gh.t.Errorf("githubtest: %v", err)
	}
}

// merge brings the head into the base branch.
func (r *Repo) merge(p *pull, method, message, by string) error {
	r.refresh(p)
	base := r.Tip(p.baseRef)
	tree, err := r.git("", "merge-tree", "--write-tree", base, p.head)
	if err != nil {
		return err
	}
	parents := []string{base, p.head}
	if method == "squash" {
		parents = parents[:1]
	}
	if message == "" {
		message = fmt.Sprintf("Merge pull request #%d from %s/%s\n\n%s", p.number, p.owner, p.headRef, p.title)
	}
	commit, err := r.commitTree(tree, parents, message, person{}, person{})
	if method == "rebase" {
		commit, err = r.rebase(p, base)
	}
	if err != nil {
		return err
	}
	if _, err := r.git("", "update-ref", "refs/heads/"+p.baseRef, commit, base); err != nil {
		return err
	}
	p.merged, p.mergedBy, p.mergeSHA = true, by, commit
	r.close(p)
	return nil
}

// rebase makes the commits of a pull request anew on top of its base branch, and gives the last one. Where that has moved on since, it
// fails, though GitHub would do it.
func (r *Repo) rebase(p *pull, onto string) (string, error) {
	if _, err := r.git("", "merge-base", "--is-ancestor", onto, p.head); err != nil {
		return "", err
	}
	list, err := r.git("", "rev-list", "--reverse", p.head, "^"+onto)
	if err != nil {
		return "", err
	}
	for id := range strings.FieldsSeq(list) {
		tree, err := r.git("", "rev-parse", id+"^{tree}")
		if err != nil {
			return "", err
		}
		message, err := r.git("", "log", "-1", "--format=%B", id)
		if err != nil {
			return "", err
		}
		if onto, err = r.commitTree(tree, []string{onto}, message+"\n", person{}, person{}); err != nil {
			return "", err
		}
		p.rebased = append(p.rebased, onto)
	}
	return onto, nil
}

// pullJSON gives a pull request in full.
func (r *Repo) pullJSON(p *pull) obj {
	text := r.gh.shape(r, "pull_request.opened.json", "pull_request")
	number := fmt.Sprint(p.number)
	out := replaceAll(text, strings.NewReplacer("/pulls/2", "/pulls/"+number, "/pull/2", "/pull/"+number, "/issues/2", "/issues/"+number)).(obj)
	out["id"], out["node_id"], out["number"] = p.id, nodeID("PR", p.id), p.number
	out["title"], out["state"], out["draft"], out["locked"] = p.title, p.state, p.draft, p.locked
	out["body"] = nil
	if p.body != "" {
		out["body"] = p.body
	}
	out["user"], out["author_association"] = r.gh.user(p.author), "CONTRIBUTOR"
	out["created_at"], out["updated_at"] = stamp(p.created), stamp(p.last)
	if p.state == "closed" {
		out["closed_at"] = stamp(p.closed)
	}
	out["merged"], out["merge_commit_sha"] = p.merged, nil
	if p.mergeSHA != "" {
		out["merge_commit_sha"] = p.mergeSHA
	}
	out["mergeable"], out["mergeable_state"] = p.clean, map[bool]string{true: "clean", false: "dirty"}[p.clean]
	if p.merged {
		out["merged_at"], out["merged_by"] = stamp(p.closed), r.gh.user(p.mergedBy)
	}
	labels := []obj{}
	for _, name := range p.labels {
		label := r.labelJSON(r.label(name))
		label["description"] = r.label(name).description // here it is never null
		labels = append(labels, label)
	}
	out["labels"] = labels
	r.reviewJSON(p, out)
	out["statuses_url"] = r.apiURL("/statuses/%s", p.head)
	out["_links"].(obj)["statuses"] = obj{"href": out["statuses_url"]}
	out["comments"] = len(r.commentsOn(p.number))
	owner, _, _ := strings.Cut(r.FullName, "/")
	out["base"] = r.sideJSON(r, owner, p.baseRef, p.base)
	out["head"] = r.sideJSON(p.from, p.owner, p.headRef, p.head)
	return out
}

// replaceAll replaces in every string of a JSON value.
func replaceAll(value any, with *strings.Replacer) any {
	switch v := value.(type) {
	case string:
		return with.Replace(v)
	case obj:
		for key := range v {
			v[key] = replaceAll(v[key], with)
		}
	case []any:
		for i := range v {
			v[i] = replaceAll(v[i], with)
		}
	}
	return value
}

func (r *Repo) sideJSON(of *Repo, owner, ref, sha string) obj {
	out := obj{"label": owner + ":" + ref, "ref": ref, "sha": sha, "user": r.gh.user(owner), "repo": nil}
	if of != nil {
		out["repo"] = of.json()
	}
	return out
}

// json gives the repository in full.
// ID gives the number that the API has for the repository.
func (r *Repo) ID() int64 { return idOf(r.FullName) }

func (r *Repo) json() obj {
	owner, name, _ := strings.Cut(r.FullName, "/")
	out := r.gh.shape(r, "pull_request.opened.json", "pull_request", "base", "repo")
	out["id"], out["node_id"] = idOf(r.FullName), nodeID("R", idOf(r.FullName))
	out["name"], out["full_name"], out["owner"] = name, r.FullName, r.gh.user(owner)
	out["private"], out["visibility"] = r.Private, map[bool]string{true: "private", false: "public"}[r.Private]
	out["default_branch"], out["fork"], out["clone_url"] = DefaultBranch, r.parent != nil, r.CloneURL
	return out
}
