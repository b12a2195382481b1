package githubtest

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Repo is a repository: a bare git repository, and what GitHub keeps beside it.
type Repo struct {
	FullName string // owner/name
	Dir      string // the bare git repository
	CloneURL string // for git; a token is the password, the user name is free
	Private  bool   // set it before the first request
	// AllowAutoMerge lets pull requests be merged as soon as they may be. Set it before the first request.
	AllowAutoMerge bool
	// AllowActionsPulls is the setting that lets GITHUB_TOKEN open pull requests; here it is only told, by one call.
	AllowActionsPulls bool

	gh            *GitHub
	objects       objects
	parent        *Repo // of a fork
	pulls         []*pull
	comments      []*comment
	runs          []*checkRun
	statuses      []*status
	deployments   []*deployment
	labels        []*label
	artifacts     []*artifact
	rules         []Rule   // of rulesets, for the default branch
	classic       []string // checks that classic protection of the default branch demands
	collaborators map[string]string
	verified      map[string]bool // commits that GitHub signed
	noDrafts      bool
	lastNumber    int
}

// DefaultBranch is that of every repository.
const DefaultBranch = "main"

// Files is the content of files by their slash-separated path.
type Files map[string]string

// repoConfig lets clients push, and fetch any commit that is reachable, as GitHub does.
const repoConfig = `
[http]
	receivepack = true
[uploadpack]
	allowAnySHA1InWant = true
	allowFilter = true
[gc]
	auto = 0
`

func appendFile(path, text string) error {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}

// CreateRepo makes an empty repository named owner/name.
func (gh *GitHub) CreateRepo(fullName string) *Repo {
	gh.t.Helper()
	r := &Repo{
		FullName: fullName, Dir: filepath.Join(gh.Root, filepath.FromSlash(fullName)+".git"),
		CloneURL: gh.URL + "/" + fullName + ".git", gh: gh,
		collaborators: map[string]string{}, verified: map[string]bool{},
	}
	if err := os.MkdirAll(r.Dir, 0o755); err != nil {
		gh.t.Fatalf("githubtest: %v", err)
	}
	r.Git("init", "--quiet", "--bare", "--template=", "--initial-branch="+DefaultBranch, ".")
	if err := appendFile(filepath.Join(r.Dir, "config"), repoConfig); err != nil {
		gh.t.Fatalf("githubtest: %v", err)
	}
	gh.mu.Lock()
	defer gh.mu.Unlock()
	gh.repos[strings.ToLower(fullName)] = r
	return r
}

// Fork makes a fork of r under another owner.
func (r *Repo) Fork(owner string) *Repo {
	r.gh.t.Helper()
	_, name, _ := strings.Cut(r.FullName, "/")
	fork := r.gh.CreateRepo(owner + "/" + name)
	fork.parent = r
	fork.Git("fetch", "--quiet", r.Dir, "refs/heads/*:refs/heads/*")
	return fork
}

// Git runs git in the repository and gives what it prints, trimmed. A failure ends the test.
func (r *Repo) Git(args ...string) string {
	r.gh.t.Helper()
	out, err := r.git("", args...)
	if err != nil {
		r.gh.t.Fatalf("githubtest: %v", err)
	}
	return out
}

// git runs git with stdin. It is safe without the lock.
func (r *Repo) git(stdin string, args ...string) (string, error) {
	return r.gitEnv(nil, stdin, args...)
}

func (r *Repo) gitEnv(env []string, stdin string, args ...string) (string, error) {
	cmd := exec.Command("git", args...)
	cmd.Dir = r.Dir
	cmd.Stdin = strings.NewReader(stdin)
	cmd.Env = append(gitEnvironment(), env...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("git %s: %w: %s", strings.Join(args, " "), err, bytes.TrimSpace(stderr.Bytes()))
	}
	return strings.TrimSuffix(string(out), "\n"), nil
}

// gitEnvironment keeps the settings of the machine out.
func gitEnvironment() []string {
	return []string{
		"PATH=" + os.Getenv("PATH"), "HOME=/nonexistent", "GIT_CONFIG_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0", "LC_ALL=C", "TZ=UTC",
		// Test directories may belong to another user than the one who runs the tests.
		"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*",
	}
}

func identityEnvironment(role, name, email string, at time.Time) []string {
	return []string{
		"GIT_" + role + "_NAME=" + name, "GIT_" + role + "_EMAIL=" + email, fmt.Sprintf("GIT_%s_DATE=%d +0000", role, at.Unix()),
	}
}

// Commit makes a commit on a branch, which starts at the default branch when it is new, and gives its id.
func (r *Repo) Commit(branch string, write Files, message string) string {
	r.gh.t.Helper()
	return r.change(branch, "100644", write, nil, message)
}

// CommitLinks makes a commit of symbolic links on a branch: targets are where they lead, by their path.
func (r *Repo) CommitLinks(branch string, targets Files, message string) string {
	r.gh.t.Helper()
	return r.change(branch, "120000", targets, nil, message)
}

// Remove makes a commit on a branch that removes files.
func (r *Repo) Remove(branch, message string, paths ...string) string {
	r.gh.t.Helper()
	return r.change(branch, "", nil, paths, message)
}

// change makes a commit; mode is that of what it writes.
func (r *Repo) change(branch, mode string, write Files, remove []string, message string) string {
	r.gh.t.Helper()
	r.gh.mu.Lock()
	defer r.gh.mu.Unlock()
	parent := r.tip("refs/heads/" + branch)
	if parent == "" {
		parent = r.tip("refs/heads/" + DefaultBranch)
	}
	var stream strings.Builder
	fmt.Fprintf(&stream, "commit refs/heads/%s\ncommitter Octo Cat <octocat@example.com> %d +0000\ndata %d\n%s\n", branch, r.gh.now().Unix(), len(message), message)
	if parent != "" {
		fmt.Fprintf(&stream, "from %s\n", parent)
	}
	for _, path := range slices.Sorted(maps.Keys(write)) {
		fmt.Fprintf(&stream, "M %s inline %s\ndata %d\n%s\n", mode, importPath(path), len(write[path]), write[path])
	}
	for _, path := range remove {
		fmt.Fprintf(&stream, "D %s\n", importPath(path))
	}
	if _, err := r.git(stream.String(), "fast-import", "--quiet"); err != nil {
		r.gh.t.Fatalf("githubtest: commit on %s: %v", branch, err)
	}
	return r.Tip(branch)
}

// importPath writes a path as fast-import reads it.
func importPath(path string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(path) + `"`
}

// person is the author or committer of a commit; the zero value is a default.
type person struct {
	Name  string    `json:"name"`
	Email string    `json:"email"`
	Date  time.Time `json:"date"`
}

// commitTree needs the lock, for the clock.
func (r *Repo) commitTree(tree string, parents []string, message string, author, committer person) (string, error) {
	args := []string{"commit-tree", tree, "-F", "-"}
	for _, parent := range parents {
		args = append(args, "-p", parent)
	}
	now := r.gh.now()
	var env []string
	for role, p := range map[string]person{"AUTHOR": author, "COMMITTER": committer} {
		if p.Name == "" {
			p.Name, p.Email = "Octo Cat", "octocat@example.com"
		}
		if p.Date.IsZero() {
			p.Date = now
		}
		env = append(env, identityEnvironment(role, p.Name, p.Email, p.Date)...)
	}
	return r.gitEnv(env, message, args...)
}

// tip gives the commit at a ref, "" when there is none.
func (r *Repo) tip(ref string) string {
	o, ok := r.find(ref + "^{commit}")
	if !ok {
		return ""
	}
	return o.ID
}

// Tip gives the commit that a branch points to, "" when there is no such branch.
func (r *Repo) Tip(branch string) string { return r.tip("refs/heads/" + branch) }

// SetCollaborator gives a person a permission: admin, write, read or none.
func (r *Repo) SetCollaborator(login, permission string) {
	r.gh.mu.Lock()
	defer r.gh.mu.Unlock()
	r.collaborators[login] = permission
}

// api gives the path of something below the repository, as the description has it.
func (r *Repo) api(format string, args ...any) string {
	return "/repos/" + r.FullName + fmt.Sprintf(format, args...)
}

// apiURL gives the address of the same.
func (r *Repo) apiURL(format string, args ...any) string { return r.gh.APIURL + r.api(format, args...) }

// webURL gives the address of a page.
func (r *Repo) webURL(format string, args ...any) string {
	return r.gh.URL + "/" + r.FullName + fmt.Sprintf(format, args...)
}
