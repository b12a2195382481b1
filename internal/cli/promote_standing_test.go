package cli

import (
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
