package cli

import (
	"strings"
	"testing"
	"time"

	"github.com/sluice-dev/sluice/internal/githubtest"
)

// opened gives the branches of the pull requests of ours that are open, and what they have in staging.
func (w *town) opened() string {
	var b strings.Builder
	for _, p := range w.repo.Pulls() {
		if p.State == "open" && strings.HasPrefix(p.HeadRef, "sluice/") {
			b.WriteString(p.HeadRef + "\n" + w.repo.Git("show", p.Head+":staging/web/kustomization.yaml") + "\n")
		}
	}
	return b.String()
}

// takesBack has the application in staging rolled back, and that merged.
func (w *town) takesBack(number int) {
	w.Helper()
	w.rollsBack()
	w.calm()
	w.repo.MergePullRequest(number)
	w.back = nil
}

// TestHoldAgainstAnEarlierPart: v2 and v3 were promoted together and taken back. To ask for v2 alone brings nothing back, before and after
// the source goes on; what came after the rollback is promoted.
func TestHoldAgainstAnEarlierPart(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	w.dev("v2")
	v2 := w.repo.Tip("main")
	w.dev("v3")
	w.calm()
	w.repo.MergePullRequest(3)
	w.takesBack(4)
	for _, only := range []string{"pr=#1", "commit=" + v2} {
		w.only = []string{only}
		w.calm()
		if got := w.opened(); got != "" {
			t.Errorf("--only %s brings back what is held:\n%s", only, got)
		}
	}
	w.only = nil
	w.dev("v4")
	w.calm()
	if got := w.opened(); !strings.Contains(got, "newTag: v4") {
		t.Errorf("what came after the rollback is not promoted:\n%s", got)
	}
	w.only = []string{"pr=#1"}
	w.calm()
	if got := w.opened(); strings.Contains(got, "newTag: v2") {
		t.Errorf("the part is brought back:\n%s", got)
	}
}

// TestHoldAgainstAnEarlierChoice: the newest source was taken back, and its status is not good any more. The one before it, whose status is,
// is not promoted in its place.
func TestHoldAgainstAnEarlierChoice(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	w.repo.Commit("main", githubtest.Files{".sluice.yaml": "targets: [{path: \"{env}/{app}\"}]\npromotion: {gates: [{to: staging, statuses: [soaked]}]}\n"}, "A gate")
	said := func(state string) {
		w.repo.SetStatus(w.repo.Tip("main"), githubtest.Status{State: state, Context: "soaked", Creator: "argo-cd[bot]"}, w.clock.now())
	}
	w.dev("v2")
	said("success")
	w.dev("v3")
	v3 := w.repo.Tip("main")
	said("success")
	w.calm()
	if got := w.opened(); !strings.Contains(got, "newTag: v3") {
		t.Fatalf("v3 is not promoted:\n%s", got)
	}
	w.repo.MergePullRequest(3)
	w.takesBack(4)
	w.repo.SetStatus(v3, githubtest.Status{State: "failure", Context: "soaked", Creator: "argo-cd[bot]"}, w.clock.now().Add(time.Second))
	w.calm()
	if got := w.opened(); got != "" {
		t.Errorf("an earlier source is promoted in the place of the one that is held:\n%s", got)
	}
	w.dev("v4")
	said("success")
	w.calm()
	if got := w.opened(); !strings.Contains(got, "newTag: v4") {
		t.Errorf("what came after the rollback is not promoted:\n%s", got)
	}
}
