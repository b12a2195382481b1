package githubtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	gogithub "github.com/google/go-github/v60/github"
)

// recorder is a test that may fail without failing the real one.
type recorder struct {
	testing.TB
	mu     sync.Mutex
	errors []string
}

func (r *recorder) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.errors = append(r.errors, fmt.Sprintf(format, args...))
}

func (r *recorder) said() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(r.errors, "\n")
}

func client(t *testing.T, gh *GitHub, token string) *gogithub.Client {
	t.Helper()
	c := gogithub.NewClient(nil).WithAuthToken(token)
	base, err := url.Parse(gh.APIURL + "/")
	if err != nil {
		t.Fatal(err)
	}
	c.BaseURL = base
	return c
}

func writer(gh *GitHub) string {
	return gh.AddToken("app", Token{Login: "sluice[bot]", App: "sluice", Permissions: map[string]string{
		"contents": "write", "pull-requests": "write", "checks": "write", "statuses": "write",
	}})
}

func must[T any](t *testing.T) func(T, *gogithub.Response, error) T {
	return func(value T, _ *gogithub.Response, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

func code(err error) int {
	var e *gogithub.ErrorResponse
	if errors.As(err, &e) {
		return e.Response.StatusCode
	}
	return 0
}

// TestPromotionByAPI goes the way that a promotion goes: blob, tree, commit, branch, pull request, merge.
func TestPromotionByAPI(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	gh := New(t)
	repo := gh.CreateRepo("acme/config")
	base := repo.Commit("main", Files{"dev/a.yaml": "a: 1\n", "prod/a.yaml": "a: 0\n", "prod/old.yaml": "x\n"}, "begin")
	c := client(t, gh, writer(gh))

	blob := must[*gogithub.Blob](t)(c.Git.CreateBlob(ctx, "acme", "config", &gogithub.Blob{Content: gogithub.String("a: 1\n"), Encoding: gogithub.String("utf-8")}))
	if got, _, err := c.Git.GetBlobRaw(ctx, "acme", "config", blob.GetSHA()); err == nil && len(got) == 0 {
		t.Error("empty blob")
	}
	tree := must[*gogithub.Tree](t)(c.Git.CreateTree(ctx, "acme", "config", base, []*gogithub.TreeEntry{
		{Path: gogithub.String("prod/a.yaml"), Mode: gogithub.String("100644"), Type: gogithub.String("blob"), SHA: blob.SHA},
		{Path: gogithub.String("prod/old.yaml"), Mode: gogithub.String("100644"), Type: gogithub.String("blob")}, // a null SHA deletes
	}))
	commit := must[*gogithub.Commit](t)(c.Git.CreateCommit(ctx, "acme", "config", &gogithub.Commit{
		Message: gogithub.String("Promote"), Tree: tree, Parents: []*gogithub.Commit{{SHA: &base}},
	}, nil))
	if !commit.GetVerification().GetVerified() {
		t.Error("an App's commit without author is signed by GitHub")
	}
	ref := &gogithub.Reference{Ref: gogithub.String("refs/heads/sluice/promote/a/dev-to-prod"), Object: &gogithub.GitObject{SHA: commit.SHA}}
	must[*gogithub.Reference](t)(c.Git.CreateRef(ctx, "acme", "config", ref))
	if _, _, err := c.Git.CreateRef(ctx, "acme", "config", ref); code(err) != 422 {
		t.Errorf("create a ref twice: %v", err)
	}
	pr := must[*gogithub.PullRequest](t)(c.PullRequests.Create(ctx, "acme", "config", &gogithub.NewPullRequest{
		Title: gogithub.String("Promote a"), Head: gogithub.String("sluice/promote/a/dev-to-prod"), Base: gogithub.String("main"), Body: gogithub.String("b"),
	}))
	if pr.GetUser().GetLogin() != "sluice[bot]" || pr.GetHead().GetSHA() != commit.GetSHA() || pr.GetBase().GetSHA() != base {
		t.Errorf("pull request: %v", pr)
	}
	if _, _, err := c.PullRequests.Create(ctx, "acme", "config", &gogithub.NewPullRequest{
		Title: gogithub.String("again"), Head: gogithub.String("sluice/promote/a/dev-to-prod"), Base: gogithub.String("main"),
	}); code(err) != 422 || !strings.Contains(err.Error(), "already exists") {
		t.Errorf("create a pull request twice: %v", err)
	}
	list := must[[]*gogithub.PullRequest](t)(c.PullRequests.List(ctx, "acme", "config", &gogithub.PullRequestListOptions{Head: "acme:sluice/promote/a/dev-to-prod"}))
	if len(list) != 1 || list[0].GetNumber() != pr.GetNumber() {
		t.Errorf("list by head: %v", list)
	}
	must[[]*gogithub.Label](t)(c.Issues.AddLabelsToIssue(ctx, "acme", "config", pr.GetNumber(), []string{"promotion"}))
	changed := must[[]*gogithub.CommitFile](t)(c.PullRequests.ListFiles(ctx, "acme", "config", pr.GetNumber(), nil))
	var names []string
	for _, f := range changed {
		names = append(names, f.GetStatus()+" "+f.GetFilename())
	}
	if want := []string{"modified prod/a.yaml", "removed prod/old.yaml"}; !slices.Equal(names, want) {
		t.Errorf("files %q, want %q", names, want)
	}
	cmp := must[*gogithub.CommitsComparison](t)(c.Repositories.CompareCommits(ctx, "acme", "config", "main", "sluice/promote/a/dev-to-prod", nil))
	if cmp.GetStatus() != "ahead" || cmp.GetAheadBy() != 1 || len(cmp.Files) != 2 {
		t.Errorf("compare: %s, ahead by %d, %d files", cmp.GetStatus(), cmp.GetAheadBy(), len(cmp.Files))
	}

	merged := must[*gogithub.PullRequestMergeResult](t)(c.PullRequests.Merge(ctx, "acme", "config", pr.GetNumber(), "", &gogithub.PullRequestOptions{SHA: commit.GetSHA()}))
	if repo.Tip("main") != merged.GetSHA() || repo.Git("show", "main:prod/a.yaml") != "a: 1" {
		t.Error("the merge is not on main")
	}
	if got := repo.Pulls()[0]; !got.Merged || got.State != "closed" || !slices.Equal(got.Labels, []string{"promotion"}) {
		t.Errorf("after the merge: %+v", got)
	}
}

func TestReferencesMoveForwardOnly(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	gh := New(t)
	repo := gh.CreateRepo("acme/config")
	first := repo.Commit("main", Files{"a": "1"}, "one")
	side := repo.Commit("side", Files{"b": "1"}, "side")
	repo.Commit("main", Files{"a": "2"}, "two")
	c := client(t, gh, writer(gh))
	ref := func(sha string) *gogithub.Reference {
		return &gogithub.Reference{Ref: gogithub.String("refs/heads/main"), Object: &gogithub.GitObject{SHA: &sha}}
	}
	for _, sha := range []string{first, side} {
		if _, _, err := c.Git.UpdateRef(ctx, "acme", "config", ref(sha), false); code(err) != 422 || !strings.Contains(err.Error(), "fast forward") {
			t.Errorf("move back to %s: %v", sha, err)
		}
	}
	merge := must[*gogithub.RepositoryCommit](t)(c.Repositories.Merge(ctx, "acme", "config", &gogithub.RepositoryMergeRequest{Base: gogithub.String("side"), Head: gogithub.String("main")}))
	must[*gogithub.Reference](t)(c.Git.UpdateRef(ctx, "acme", "config", ref(merge.GetSHA()), false))
	if repo.Tip("main") != merge.GetSHA() {
		t.Error("main did not move")
	}
}

func TestGitOverHTTP(t *testing.T) {
	t.Parallel()
	gh := New(t)
	repo := gh.CreateRepo("acme/config")
	base := repo.Commit("main", Files{"a": "1"}, "one")
	repo.Commit("feature", Files{"a": "2"}, "two")
	number := repo.OpenPullRequest(PullOptions{Head: "feature"})
	dir := filepath.Join(t.TempDir(), "clone")
	git := func(args ...string) (string, error) {
		cmd := exec.Command("git", args...)
		cmd.Env = append(gitEnvironment(), identityEnvironment("AUTHOR", "a", "a@b", epoch)...)
		cmd.Env = append(cmd.Env, identityEnvironment("COMMITTER", "a", "a@b", epoch)...)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := git("clone", "-q", "--depth=1", repo.CloneURL, dir); err != nil {
		t.Fatalf("clone: %v: %s", err, out)
	}
	if out, err := git("-C", dir, "fetch", "-q", "--depth=1", "origin", fmt.Sprintf("refs/pull/%d/merge", number)); err != nil {
		t.Errorf("fetch the trial merge: %v: %s", err, out)
	}
	if out, err := git("-C", dir, "fetch", "-q", "--depth=1", "origin", base); err != nil {
		t.Errorf("fetch by id: %v: %s", err, out)
	}
	if out, err := git("-C", dir, "commit", "-q", "--allow-empty", "-m", "three"); err != nil {
		t.Fatalf("commit: %v: %s", err, out)
	}
	withToken := func(secret string) string {
		return strings.Replace(repo.CloneURL, "http://", "http://x:"+secret+"@", 1)
	}
	if _, err := git("-C", dir, "push", "-q", withToken(gh.ForkToken()), "HEAD:refs/heads/new"); err == nil || repo.Tip("new") != "" {
		t.Error("a token that can only read pushed")
	}
	if out, err := git("-C", dir, "push", "-q", withToken(writer(gh)), "HEAD:refs/heads/new"); err != nil || repo.Tip("new") == "" {
		t.Errorf("push: %v: %s", err, out)
	}
}

// TestMistakesAreSeen proves that the description is really held against requests and answers.
func TestMistakesAreSeen(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		method, path, body string
		fault              Fault
		want               string // in what the test is told; "" nothing
	}{
		"a good request":       {method: "POST", path: "/repos/acme/config/issues/1/comments", body: `{"body":"hi"}`},
		"an unknown field":     {method: "POST", path: "/repos/acme/config/issues/1/comments", body: `{"body":"hi","boddy":"x"}`, want: "boddy"},
		"a missing field":      {method: "POST", path: "/repos/acme/config/issues/1/comments", body: `{}`, want: "body"},
		"an unknown parameter": {method: "GET", path: "/repos/acme/config/issues/1/comments?perpage=3", want: "perpage"},
		"a wrong type":         {method: "GET", path: "/repos/acme/config/issues/1/comments?page=x", want: "page"},
		"an unknown operation": {method: "GET", path: "/repos/acme/config/nothing", want: "not an operation"},
		"fifty-one annotations": {
			method: "POST", path: "/repos/acme/config/check-runs", want: "annotations",
			body: `{"name":"x","head_sha":"x","output":{"title":"t","summary":"s","annotations":[` +
				strings.Repeat(`{"path":"a","start_line":1,"end_line":1,"annotation_level":"notice","message":"m"},`, 50) +
				`{"path":"a","start_line":1,"end_line":1,"annotation_level":"notice","message":"m"}]}}`,
		},
		"an answer that lacks fields": {
			method: "POST", path: "/repos/acme/config/issues/1/comments", body: `{"body":"hi"}`, want: "answer 201",
			fault: Fault{Status: 201, Body: obj{"id": 1}},
		},
		"an answer of a wrong type": {
			method: "GET", path: "/repos/acme/config/issues/1/comments", want: "answer 200",
			fault: Fault{Status: 200, Body: obj{"comments": []obj{}}},
		},
		"a status that the call does not have": {
			method: "GET", path: "/repos/acme/config/pulls/1", want: "status 201", fault: Fault{Status: 201, Body: obj{}},
		},
		"an unknown field, though it is not served": {
			method: "POST", path: "/repos/acme/config/check-runs", body: `{"name":"x","head_sha":"x","title":"y"}`, want: "title", fault: Fault{Status: 502},
		},
		"an error without a message": {
			method: "POST", path: "/repos/acme/config/check-runs", body: `{"name":"x","head_sha":"x"}`, want: "answer 403",
			fault: Fault{Status: 403, Body: []string{"no"}},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rec := &recorder{TB: t}
			gh := New(rec)
			repo := gh.CreateRepo("acme/config")
			repo.Commit("main", Files{"a": "1"}, "one")
			repo.Commit("feature", Files{"a": "2"}, "two")
			repo.OpenPullRequest(PullOptions{Head: "feature"})
			if tt.fault.Status != 0 {
				gh.AddFault(tt.fault)
			}
			req, err := http.NewRequest(tt.method, gh.APIURL+tt.path, strings.NewReader(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Authorization", "Bearer "+writer(gh))
			if tt.body != "" {
				req.Header.Set("Content-Type", "application/json")
			}
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			_, _ = io.Copy(io.Discard, res.Body)
			if said := rec.said(); (tt.want == "") != (said == "") || !strings.Contains(said, tt.want) {
				t.Errorf("the test was told %q, want %q in it", said, tt.want)
			}
		})
	}
}

// TestUnknownFieldsOfEveryOperation: whatever is written, a field that GitHub does not know is refused, at the top and inside.
func TestUnknownFieldsOfEveryOperation(t *testing.T) {
	t.Parallel()
	spec, err := loadDescription()
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, r := range spec.routes {
		if _, implemented := operations[r.operation.OperationID]; !implemented || r.operation.RequestBody == nil {
			continue
		}
		checked++
		for _, media := range r.operation.RequestBody.Value.Content {
			if open := openObjects(media.Schema, ""); len(open) > 0 {
				t.Errorf("%s %s takes fields that it does not know: %q", r.method, r.template, open)
			}
		}
	}
	if checked < 15 {
		t.Errorf("%d operations were checked", checked)
	}
}

// openObjects says where in a schema an object may have any fields. Of alternatives, one that is closed closes them all where it repeats
// the fields around it.
func openObjects(ref *openapi3.SchemaRef, at string) (open []string) {
	if ref == nil || ref.Value == nil {
		return nil
	}
	s := ref.Value
	if len(s.Properties) > 0 && (s.AdditionalProperties.Has == nil || *s.AdditionalProperties.Has) && s.AdditionalProperties.Schema == nil {
		open = append(open, at+"{}")
	}
	for name, p := range s.Properties {
		open = append(open, openObjects(p, at+"."+name)...)
	}
	open = append(open, openObjects(s.Items, at+"[]")...)
	for _, alternatives := range []openapi3.SchemaRefs{s.OneOf, s.AnyOf, s.AllOf} {
		for _, p := range alternatives {
			if len(s.Properties) == 0 {
				open = append(open, openObjects(p, at)...)
			}
		}
	}
	return open
}

func TestTokens(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	gh := New(t)
	repo := gh.CreateRepo("acme/config")
	head := repo.Commit("main", Files{"a": "1"}, "one")
	secret := gh.CreateRepo("acme/secret")
	secret.Private = true
	repo.SetCollaborator("octocat", "write")
	person := gh.AddToken("ghp", Token{Login: "octocat", Permissions: map[string]string{"contents": "write", "checks": "write", "pull-requests": "write"}})

	if _, _, err := client(t, gh, gh.ActionsToken()).Users.Get(ctx, ""); code(err) != 403 {
		t.Errorf("GET /user with an installation token: %v", err)
	}
	if user := must[*gogithub.User](t)(client(t, gh, person).Users.Get(ctx, "")); user.GetLogin() != "octocat" {
		t.Errorf("GET /user: %v", user)
	}
	check := gogithub.CreateCheckRunOptions{Name: "x", HeadSHA: head}
	if _, _, err := client(t, gh, person).Checks.CreateCheckRun(ctx, "acme", "config", check); code(err) != 403 {
		t.Errorf("a person's token made a check run: %v", err)
	}
	if _, _, err := client(t, gh, gh.ForkToken()).Checks.CreateCheckRun(ctx, "acme", "config", check); code(err) != 403 {
		t.Errorf("a fork's token made a check run: %v", err)
	}
	if _, _, err := client(t, gh, "wrong").Repositories.Get(ctx, "acme", "config"); code(err) != 401 {
		t.Errorf("an unknown token: %v", err)
	}
	if got := must[*gogithub.Repository](t)(client(t, gh, person).Repositories.Get(ctx, "acme", "config")); got.GetDefaultBranch() != "main" {
		t.Errorf("repository: %v", got)
	}
	if res, err := http.Get(gh.APIURL + "/repos/acme/secret"); err != nil || res.StatusCode != 404 {
		t.Errorf("a private repository without a token: %v, %v", res, err)
	}
	level := must[*gogithub.RepositoryPermissionLevel](t)(client(t, gh, person).Repositories.GetPermissionLevel(ctx, "acme", "config", "octocat"))
	if level.GetPermission() != "write" {
		t.Errorf("permission %q", level.GetPermission())
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	gh := New(t)
	repo := gh.CreateRepo("acme/config")
	repo.Commit("main", Files{"a": "1"}, "one")
	repo.Commit("feature", Files{"a": "2"}, "two")
	number := repo.OpenPullRequest(PullOptions{Head: "feature"})
	c := client(t, gh, writer(gh))
	comment := func() error {
		_, _, err := c.Issues.CreateComment(ctx, "acme", "config", number, &gogithub.IssueComment{Body: gogithub.String("hi")})
		return err
	}
	gh.AddFault(Fault{Method: "POST", Path: "/repos/*/*/issues/*/comments", Nth: 2, Times: 2, Status: 502})
	for call, want := range []int{0, 502, 502, 0} {
		if err := comment(); code(err) != want {
			t.Errorf("call %d: %v, want status %d", call+1, err, want)
		}
	}
	if n := len(repo.Comments(number)); n != 2 {
		t.Errorf("%d comments, want 2", n)
	}
	gh.AddFault(Fault{Method: "POST", Path: "/repos/*/*/issues/*/comments", Status: 500, Apply: true})
	if err := comment(); code(err) != 500 || len(repo.Comments(number)) != 3 {
		t.Errorf("a lost answer: %v, %d comments", err, len(repo.Comments(number)))
	}
	gh.AddFault(Fault{Method: "GET", Lag: 2})
	if list := must[[]*gogithub.IssueComment](t)(c.Issues.ListComments(ctx, "acme", "config", number, nil)); len(list) != 1 {
		t.Errorf("a list that lags shows %d comments, want 1", len(list))
	}
	gh.AddFault(Fault{Method: "GET", Reset: true, Apply: true})
	if _, _, err := c.Issues.ListComments(ctx, "acme", "config", number, nil); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a broken connection: %v", err)
	}
}

func TestPages(t *testing.T) {
	t.Parallel()
	gh := New(t)
	gh.PageSize = 3
	repo := gh.CreateRepo("acme/config")
	repo.Commit("main", Files{"a": "1"}, "one")
	repo.Commit("feature", Files{"a": "2"}, "two")
	number := repo.OpenPullRequest(PullOptions{Head: "feature"})
	for i := range 8 {
		repo.AddComment(number, "octocat", fmt.Sprint(i))
	}
	c := client(t, gh, writer(gh))
	opts := &gogithub.IssueListCommentsOptions{ListOptions: gogithub.ListOptions{PerPage: 100}}
	var got []string
	for {
		list, res, err := c.Issues.ListComments(context.Background(), "acme", "config", number, opts)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range list {
			got = append(got, c.GetBody())
		}
		if res.NextPage == 0 {
			break
		}
		opts.Page = res.NextPage
	}
	if strings.Join(got, "") != "01234567" || gh.Count("GET", "/repos/*/*/issues/*/comments") != 3 {
		t.Errorf("%q in %d calls", got, gh.Count("GET", "/repos/*/*/issues/*/comments"))
	}
}

func TestForkPullRequest(t *testing.T) {
	t.Parallel()
	gh := New(t)
	repo := gh.CreateRepo("acme/config")
	repo.Commit("main", Files{"a": "1"}, "one")
	fork := repo.Fork("stranger")
	fork.Commit("feature", Files{"a": "2"}, "two")
	number := repo.OpenPullRequest(PullOptions{Head: "feature", From: fork, Author: "stranger"})
	var event struct {
		PullRequest gogithub.PullRequest `json:"pull_request"`
	}
	if err := json.Unmarshal(repo.PullRequestEvent(number, "opened"), &event); err != nil {
		t.Fatal(err)
	}
	if got := event.PullRequest.GetHead().GetRepo().GetFullName(); got != "stranger/config" {
		t.Errorf("head repository %q", got)
	}
	if repo.Git("rev-parse", "refs/pull/1/head") != fork.Tip("feature") {
		t.Error("refs/pull/1/head is not in the base repository")
	}
	env := repo.RunnerEnv("pull_request", repo.PullRequestEvent(number, "opened"))
	if env["GITHUB_REF"] != "refs/pull/1/merge" || env["GITHUB_SHA"] != repo.Git("rev-parse", "refs/pull/1/merge") {
		t.Errorf("the runner is on %s at %s", env["GITHUB_REF"], env["GITHUB_SHA"])
	}
	if _, err := os.Stat(env["GITHUB_STEP_SUMMARY"]); err != nil {
		t.Error(err)
	}
}
