package cli

import (
	"slices"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice/internal/githubtest"
)

// pullsFrom gives the pull requests of the job, the oldest first.
func (w *town) pullsFrom() (out []githubtest.Pull) {
	for _, p := range w.repo.Pulls() {
		if strings.HasPrefix(p.HeadRef, "sluice/") {
			out = append(out, p)
		}
	}
	return out
}

// TestGroupByEnvironment carries all applications of a step in one pull request.
func TestGroupByEnvironment(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	w.repo.Commit("main", githubtest.Files{
		".sluice.yaml":                   "promotion: {group: environment}\n",
		"dev/api/kustomization.yaml":     overlay("v1"),
		"staging/api/kustomization.yaml": overlay("v1"),
	}, "Another application")
	w.dev("v2")
	w.calm()
	w.repo.Commit("main", githubtest.Files{"dev/api/kustomization.yaml": overlay("v5")}, "Api v5")
	w.calm()
	pulls := w.pullsFrom()
	if len(pulls) != 1 || pulls[0].HeadRef != "sluice/promote/all/dev-to-staging" || pulls[0].Title != "Promote all: dev → staging" {
		t.Fatalf("%+v", pulls)
	}
	if diff := w.repo.Git("diff", "main", pulls[0].Head); !strings.Contains(diff, "+    newTag: v2") || !strings.Contains(diff, "+    newTag: v5") {
		t.Errorf("the change:\n%s", diff)
	}
	message := w.repo.Git("log", "-1", "--format=%B", pulls[0].Head)
	for _, part := range []string{"Sluice-Promotion: api dev->staging\n", "Sluice-Promotion: web dev->staging\n"} {
		if !strings.Contains(message, part) {
			t.Errorf("the commit lacks %q:\n%s", part, message)
		}
	}
	if !strings.Contains(pulls[0].Body, "| `api` |") || !strings.Contains(pulls[0].Body, "| `web` |") {
		t.Errorf("the body:\n%s", pulls[0].Body)
	}
	w.repo.MergePullRequest(pulls[0].Number)
	w.calm()
	if left := w.repo.Git("for-each-ref", "--format=%(refname)", "refs/heads/sluice"); left != "" || len(w.pullsFrom()) != 1 {
		t.Errorf("left: %s, %+v", left, w.pullsFrom())
	}
}

// pair makes prod a stage of two environments.
func (w *town) pair(settings string) {
	deployment := w.repo.Git("show", "main:dev/web/deployment.yaml") + "\n"
	w.repo.Commit("main", githubtest.Files{
		"prod-eu/web/deployment.yaml":    deployment,
		"prod-us/web/deployment.yaml":    deployment,
		".sluice.yaml":                   "order: [dev, [prod-eu, prod-us]]\ntargets: [{path: \"{env}/{app}\"}]\n" + settings,
		"prod-eu/web/kustomization.yaml": overlay("v1"),
		"prod-us/web/kustomization.yaml": overlay("v1"),
	}, "Two regions")
	w.repo.Remove("main", "No staging", "staging/web/kustomization.yaml", "staging/web/deployment.yaml")
}

// TestFanOut opens a pull request for each environment of a stage, or one for all of them; where one fails, the others are there, and the
// next run does the rest.
func TestFanOut(t *testing.T) {
	t.Parallel()
	each := newTown(t)
	each.pair("")
	each.dev("v2")
	each.gh.AddFault(githubtest.Fault{Method: "POST", Path: "/repos/*/*/pulls", Status: 403, Times: 1})
	each.gh.AddFault(githubtest.Fault{Method: "POST", Path: "/repos/*/*/git/commits", Nth: 2, Status: 422})
	if _, err := each.run(0); err == nil {
		t.Error("a run that could not do everything says nothing")
	}
	each.gh.ClearFaults()
	each.calm()
	var branches []string
	for _, p := range each.pullsFrom() {
		branches = append(branches, p.HeadRef+" "+p.State)
		if !strings.Contains(p.Body, "<!-- sluice:promotion head="+p.Head) {
			t.Errorf("%s is not complete:\n%s", p.HeadRef, p.Body)
		}
	}
	if want := []string{"sluice/promote/web/dev-to-prod-eu open", "sluice/promote/web/dev-to-prod-us open"}; !slices.Equal(branches, want) {
		t.Errorf("got %v, want %v", branches, want)
	}

	together := newTown(t)
	together.pair("promotion: {fan-out: together}\n")
	together.dev("v2")
	together.gh.AddFault(githubtest.Fault{Method: "POST", Path: "/repos/*/*/git/refs", Status: 500, Times: -1})
	if _, err := together.run(0); err == nil {
		t.Error("a run that could not do everything says nothing")
	}
	together.gh.ClearFaults()
	together.calm()
	pulls := together.pullsFrom()
	if len(pulls) != 1 || pulls[0].Title != "Promote web: dev → prod-eu, prod-us" {
		t.Fatalf("%+v", pulls)
	}
	if names := together.repo.Git("diff", "--name-only", "main", pulls[0].Head); names != "prod-eu/web/kustomization.yaml\nprod-us/web/kustomization.yaml" {
		t.Errorf("the files: %s", names)
	}
	// One of the two is changed by hand meanwhile, and the source moves on: both are brought up to date by the same pull request.
	together.repo.Commit("main", githubtest.Files{"prod-us/web/kustomization.yaml": overlay("v2")}, "By hand")
	together.dev("v3")
	together.calm()
	if pulls = together.pullsFrom(); len(pulls) != 1 || strings.Count(together.repo.Git("diff", "main", pulls[0].Head), "+    newTag: v3") != 2 {
		t.Errorf("%+v", pulls)
	}
}

// TestPullRequestSettings asks people, sets labels, writes titles and bodies from templates, and turns on auto-merge.
func TestPullRequestSettings(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	w.repo.SetCollaborator("alice", "write")
	w.repo.AllowAutoMerge = true
	w.repo.Commit("main", githubtest.Files{".sluice.yaml": `promotion:
  gates: [{to: staging, approvals: 1}]
  pull-request:
    title: "{app} goes to {to}"
    body: "See the runbook of {app}."
    labels: [promotion, team-shop]
    reviewers: [alice, "team:platform"]
    assignees: [alice]
environments:
  staging:
    pull-request: {auto-merge: squash}
`}, "Settings")
	w.dev("v2")
	w.calm()
	p := w.pullsFrom()[0]
	if p.Title != "web goes to staging" || !strings.Contains(p.Body, "See the runbook of web.") {
		t.Errorf("%s\n%s", p.Title, p.Body)
	}
	for what, lists := range map[string][2][]string{
		"labels": {p.Labels, {"promotion", "team-shop"}}, "reviewers": {p.Reviewers, {"alice", "team:platform"}}, "assignees": {p.Assignees, {"alice"}},
	} {
		slices.Sort(lists[0])
		if !slices.Equal(lists[0], lists[1]) {
			t.Errorf("%s: got %v, want %v", what, lists[0], lists[1])
		}
	}
	if p.AutoMerge != "" {
		t.Error("it is merged by itself though a gate is closed")
	}
	w.repo.Review(p.Number, "alice", "APPROVED", "COLLABORATOR")
	w.calm()
	if now := w.pullsFrom()[0]; now.AutoMerge != "squash" {
		t.Errorf("the gate is open, and auto-merge is %q", now.AutoMerge)
	}
}

// TestOutageOfAutoMerge: GitHub fails when auto-merge is turned on, or a draft made. That is no refusal: the next run does it.
func TestOutageOfAutoMerge(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]githubtest.Fault{
		"a bad gateway": {Status: 502},
		"too slow":      {Status: 200, Body: map[string]any{"errors": []any{map[string]any{"message": "Something went wrong while executing your query on 2099-03-02."}}}},
	} {
		w := newTown(t)
		w.repo.AllowAutoMerge = true
		w.repo.Commit("main", githubtest.Files{".sluice.yaml": "promotion: {pull-request: {auto-merge: squash}}\n"}, "Settings")
		w.dev("v2")
		fault.Method, fault.Path, fault.Times = "POST", "/graphql", -1
		w.gh.AddFault(fault)
		if _, err := w.run(0); err == nil {
			t.Errorf("%s: the run says nothing of it", name)
		}
		w.gh.ClearFaults()
		w.calm()
		if p := w.pullsFrom()[0]; p.AutoMerge != "squash" {
			t.Errorf("%s: auto-merge is %q after the next run", name, p.AutoMerge)
		}
	}
}
