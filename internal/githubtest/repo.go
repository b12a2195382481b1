package githubtest

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Repo is a repository: a bare git repository, and what GitHub keeps beside it.
type Repo struct {
	FullName string // owner/name
	Dir      string // the bare git repository
	CloneURL string // for git; a token is the password, the user name is free
	Private  bool   // set it before the first request

	gh            *GitHub
	parent        *Repo // of a fork
	pulls         []*pull
	comments      []*comment
	runs          []*checkRun
	statuses      []*status
	labels        []*label
	collaborators map[string]string
	verified      map[string]bool // commits that GitHub signed
	lastNumber    int
}

// DefaultBranch is that of every repository.
const DefaultBranch = "main"

// Files is the content of files by their slash-separated path.
type Files map[string]string

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
	r.Git("init", "--quiet", "--bare", "--initial-branch="+DefaultBranch, ".")
	for _, setting := range []string{"http.receivepack=true", "uploadpack.allowAnySHA1InWant=true", "uploadpack.allowFilter=true", "gc.auto=0"} {
		name, value, _ := strings.Cut(setting, "=")
		r.Git("config", name, value)
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
	return r.change(branch, write, nil, message)
}

// Remove makes a commit on a branch that removes files.
func (r *Repo) Remove(branch, message string, paths ...string) string {
	r.gh.t.Helper()
	return r.change(branch, nil, paths, message)
}

func (r *Repo) change(branch string, write Files, remove []string, message string) string {
	r.gh.t.Helper()
	r.gh.mu.Lock()
	defer r.gh.mu.Unlock()
	parent := r.tip("refs/heads/" + branch)
	if parent == "" {
		parent = r.tip("refs/heads/" + DefaultBranch)
	}
	id, err := r.commitFiles(parent, write, remove, message)
	if err == nil {
		_, err = r.git("", "update-ref", "refs/heads/"+branch, id)
	}
	if err != nil {
		r.gh.t.Fatalf("githubtest: commit on %s: %v", branch, err)
	}
	return id
}

func (r *Repo) commitFiles(parent string, write Files, remove []string, message string) (string, error) {
	index := []string{"GIT_INDEX_FILE=" + filepath.Join(r.gh.t.TempDir(), "index")}
	if parent != "" {
		if _, err := r.gitEnv(index, "", "read-tree", parent); err != nil {
			return "", err
		}
	}
	var changes strings.Builder
	for path, content := range write {
		blob, err := r.git(content, "hash-object", "-w", "--stdin")
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&changes, "100644 %s\t%s\x00", blob, path)
	}
	for _, path := range remove {
		fmt.Fprintf(&changes, "0 %040d\t%s\x00", 0, path)
	}
	if _, err := r.gitEnv(index, changes.String(), "update-index", "-z", "--index-info"); err != nil {
		return "", err
	}
	tree, err := r.gitEnv(index, "", "write-tree")
	if err != nil {
		return "", err
	}
	var parents []string
	if parent != "" {
		parents = []string{parent}
	}
	return r.commitTree(tree, parents, message, person{}, person{})
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
	id, err := r.git("", "rev-parse", "--verify", "--quiet", "--end-of-options", ref+"^{commit}")
	if err != nil {
		return ""
	}
	return id
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
