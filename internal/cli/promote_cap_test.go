package cli

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice/internal/githubtest"
)

// applications gives the files of n applications in dev and staging, and those that change once dev goes on.
func applications(n int) (begin, next githubtest.Files) {
	begin, next = githubtest.Files{}, githubtest.Files{}
	for i := range n {
		for _, env := range []string{"dev", "staging"} {
			begin[fmt.Sprintf("%s/app%02d/kustomization.yaml", env, i)] = overlay("v1")
		}
		next[fmt.Sprintf("dev/app%02d/kustomization.yaml", i)] = overlay("v2")
	}
	return begin, next
}

// TestCapStarvesNobody: as many pull requests as one run writes for are people's by now, and are found so in every run. The promotion after
// them is opened nevertheless.
func TestCapStarvesNobody(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	begin, next := applications(maxWritten + 1)
	w.repo.Commit("main", begin, "Applications")
	w.repo.Commit("main", next, "Some change")
	w.calm()
	pulls := w.pullsFrom()
	if len(pulls) != maxWritten {
		t.Fatalf("%d pull requests", len(pulls))
	}
	for _, p := range pulls {
		w.repo.Commit(p.HeadRef, githubtest.Files{"mine.txt": p.HeadRef}, "Mine")
	}
	w.calm()
	if got := len(w.pullsFrom()); got != maxWritten+1 {
		t.Errorf("%d pull requests, want one more than people pushed to", got)
	}
}

// TestCapClosesGates: a promotion that is left to the next run has its gate closed in this one.
func TestCapClosesGates(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	w.dev("v2") // web comes after the others
	w.calm()
	begin, next := applications(maxWritten)
	next[".sluice.yaml"] = "promotion:\n  gates: [{to: staging, approvals: 1}]\n"
	next["dev/web/kustomization.yaml"] = overlay("v3")
	w.repo.Commit("main", begin, "Applications")
	w.repo.Commit("main", next, "Some change")
	w.calm()
	if said := strings.Join(w.notes, "\n"); !strings.Contains(said, "left to the next run") {
		t.Errorf("the run says %q", said)
	}
	web := w.pullsFrom()[0]
	if strings.Contains(w.repo.Git("show", web.Head+":staging/web/kustomization.yaml"), "v3") {
		t.Fatal("nothing is left to the next run")
	}
	list := w.repo.Statuses(web.Head)
	if last := list[len(list)-1]; last.State != "pending" {
		t.Errorf("its gate is %s: %s", last.State, last.Description)
	}
	w.calm()
	web = w.pullsFrom()[0]
	if !strings.Contains(w.repo.Git("show", web.Head+":staging/web/kustomization.yaml"), "v3") {
		t.Error("the next run leaves it again")
	}
}

// TestOneFailureKeepsNoPartFromBeingOpened: what a person asked for is opened by the job, although another promotion fails.
func TestOneFailureKeepsNoPartFromBeingOpened(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	w.dev("v2")
	w.only = []string{"file=dev/web/kustomization.yaml"}
	w.gh.AddFault(githubtest.Fault{Method: "POST", Path: "/repos/*/*/pulls", Status: 422, Times: -1})
	if _, err := w.run(0); err == nil {
		t.Fatal("the run says nothing of a pull request that it could not open")
	}
	w.gh.ClearFaults()
	w.only = nil
	w.gh.AddFault(githubtest.Fault{Method: "POST", Path: "/repos/*/*/git/commits", Status: 422, Times: -1})
	if _, err := w.run(0); err == nil {
		t.Error("the run says nothing of a commit that it could not make")
	}
	if pulls := w.pullsFrom(); len(pulls) != 1 || !strings.HasPrefix(pulls[0].HeadRef, "sluice/promote-only/") {
		t.Errorf("%+v", pulls)
	}
}

// TestCallsBoundARun: what one promotion costs grows with what it carries and with its settings. A run counts the calls, and leaves to the next one what
// comes after.
func TestCallsBoundARun(t *testing.T) {
	t.Parallel()
	const apps, commits = 7, maxCarried
	w := newTown(t)
	w.repo.SetCollaborator("alice", "write")
	begin, _ := applications(apps)
	begin[".sluice.yaml"] = "promotion: {pull-request: {labels: [promotion], reviewers: [alice], assignees: [alice]}}\n"
	w.repo.Commit("main", begin, "Applications")
	for app := range apps {
		for n := range commits {
			name := fmt.Sprintf("dev/app%02d/kustomization.yaml", app)
			w.repo.Commit("main", githubtest.Files{name: overlay(fmt.Sprintf("v%d", n+2))}, "Some change")
		}
	}
	for run := 0; len(w.pullsFrom()) < apps; run++ {
		before := len(w.pullsFrom())
		calls, err := w.run(0)
		if err != nil || calls >= 300 || len(w.pullsFrom()) == before {
			t.Fatalf("run %d: %d calls, %d promotions are open, %d before (%v)", run+1, calls, len(w.pullsFrom()), before, err)
		}
		t.Logf("run %d: %d calls, %d promotions are open", run+1, calls, len(w.pullsFrom()))
		if said := strings.Join(w.notes, "\n"); strings.Contains(said, "left to the next run") == (len(w.pullsFrom()) == apps) {
			t.Errorf("run %d says %q", run+1, said)
		}
	}
	if calls, err := w.run(0); err != nil || calls > 5 {
		t.Errorf("%d calls where nothing has changed, want at most 5 (%v)", calls, err)
	}
}

// TestHeldCostsNothing: what is held and was never begun is not asked after on GitHub.
func TestHeldCostsNothing(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	begin, next := applications(10)
	w.repo.Commit("main", begin, "Applications")
	var holds strings.Builder
	for i := range 10 {
		fmt.Fprintf(&holds, "- {app: app%02d, to: staging, reason: frozen}\n", i)
	}
	next[".sluice/holds.yaml"] = holds.String()
	w.repo.Commit("main", next, "Some change")
	if calls, err := w.run(0); err != nil || calls > 5 || len(w.pullsFrom()) > 0 {
		t.Errorf("%d calls, want at most 5; %d promotions are open (%v)", calls, len(w.pullsFrom()), err)
	}
	if said := strings.Join(w.notes, "\n"); strings.Count(said, "it is held") != 10 {
		t.Errorf("the run says %q", said)
	}
}
