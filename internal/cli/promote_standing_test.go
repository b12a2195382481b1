package cli

import (
	"errors"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice/internal/githubtest"
)

// TestPartOfTwoApplications: a person asks for files of two applications, which makes two pull requests. The job keeps each up to date, though
// each names a file of the other.
func TestPartOfTwoApplications(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	w.repo.Commit("main", githubtest.Files{
		"dev/api/kustomization.yaml":     overlay("v1"),
		"staging/api/kustomization.yaml": overlay("v1"),
	}, "Another application")
	w.repo.Commit("main", githubtest.Files{"dev/api/kustomization.yaml": overlay("v2"), "dev/web/kustomization.yaml": overlay("v2")}, "Both v2")
	w.only = []string{"file=dev/web/kustomization.yaml", "file=dev/api/kustomization.yaml"}
	w.calm()
	w.only = nil
	w.repo.Commit("main", githubtest.Files{"dev/api/kustomization.yaml": overlay("v3"), "dev/web/kustomization.yaml": overlay("v3")}, "Both v3")
	w.calm()
	if said := strings.Join(w.notes, "\n"); strings.Contains(said, "left alone") {
		t.Errorf("the job says %q", said)
	}
	parts := 0
	for _, p := range w.pullsFrom() {
		if !strings.HasPrefix(p.HeadRef, "sluice/promote-only/") {
			continue
		}
		parts++
		if diff := w.repo.Git("diff", "main", p.Head); !strings.Contains(diff, "+    newTag: v3") {
			t.Errorf("%s is not up to date:\n%s", p.HeadRef, diff)
		}
	}
	if parts != 2 {
		t.Errorf("%d pull requests of parts, want one for each application", parts)
	}
}

// TestPartNeedsItsStep: a file is the target of one step and the source of the next, so whoever asks for it says which step is meant, in a
// comment as with a flag.
func TestPartNeedsItsStep(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	w.dev("v2")
	w.ask = func(run *promotionRun) { run.only = []string{"file=staging/web/kustomization.yaml"} }
	var refused *exitError
	if _, err := w.run(0); !errors.As(err, &refused) || refused.code != ExitUsage || !strings.Contains(err.Error(), "--from or --to") {
		t.Errorf("got %v", err)
	}
	if pulls := w.pullsFrom(); len(pulls) > 0 {
		t.Errorf("%+v", pulls)
	}
}

// TestReasonIsChanged: a stage is skipped, and a person asks again and gives another reason, which the job keeps.
func TestReasonIsChanged(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	w.repo.Commit("main", githubtest.Files{
		"prod/web/kustomization.yaml": overlay("v1"),
		"prod/web/deployment.yaml":    w.repo.Git("show", "main:dev/web/deployment.yaml") + "\n",
	}, "Production")
	w.dev("v2")
	skip := func(reason string) error {
		w.ask = func(run *promotionRun) { run.from, run.to, run.reason = "dev", "prod", reason }
		_, err := w.run(0)
		w.ask = nil
		return err
	}
	if err := skip(" \t"); err == nil || len(w.pullsFrom()) > 0 {
		t.Errorf("blanks are a reason: %v, %+v", err, w.pullsFrom())
	}
	for _, reason := range []string{"it is  urgent", "it is an outage"} {
		if err := skip(reason); err != nil {
			t.Fatal(err)
		}
	}
	w.calm()
	p := w.pullsFrom()[0]
	if p.HeadRef != "sluice/promote/web/dev-to-prod" || !strings.Contains(p.Body, "it is an outage") || strings.Contains(p.Body, "urgent") {
		t.Errorf("%s:\n%s", p.HeadRef, p.Body)
	}
	if made := w.repo.Git("rev-list", "--count", "main.."+p.Head); made != "2" {
		t.Errorf("%s commits, want one for each reason", made)
	}
}
