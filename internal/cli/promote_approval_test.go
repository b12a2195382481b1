package cli

import (
	"testing"

	"github.com/sluice-dev/sluice/internal/githubtest"
)

// TestApprovalIsOfWhatItHolds: who approved the pull request before more was added to it has not approved that. The same run says so, and there
// is nothing left to say for the next one.
func TestApprovalIsOfWhatItHolds(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	w.repo.Commit("main", githubtest.Files{".sluice.yaml": "promotion:\n  gates: [{to: staging, approvals: 1}]\n"}, "A gate")
	w.dev("v2")
	wantGate := func(state, description string) {
		t.Helper()
		w.calm()
		pull := w.pullsFrom()[0]
		list := w.repo.Statuses(pull.Head)
		if len(list) == 0 {
			t.Fatalf("no status at %s", pull.Head)
		}
		if now := list[0]; now.State != state || now.Description != description {
			t.Errorf("the gate is %s: %s, want %s: %s", now.State, now.Description, state, description)
		}
		before := w.state()
		if w.calm(); w.state() != before {
			t.Error("the next run says something else")
		}
	}
	wantGate("pending", "approvals: 0 of 1 person to approve it as it is now")
	w.repo.Review(w.pullsFrom()[0].Number, "wim", "APPROVED", "MEMBER")
	wantGate("success", "All gates are open")
	w.dev("v3")
	wantGate("pending", "approvals: 0 of 1 person to approve it as it is now")
}
