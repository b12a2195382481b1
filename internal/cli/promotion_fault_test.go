package cli

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-dev/sluice/internal/githubtest"
)

// promotionRuns are the scenes whose calls are made to fail, and what they are called in docs/reliability.md. Which event started the run
// does not matter.
var promotionRuns = map[string]string{
	"a merge to dev":           "Promotions, on `push`, `pull_request` closed, `schedule`, `status` and the others: one is opened",
	"another merge":            "Promotions: one is brought up to date",
	"the source is taken back": "Promotions: one has become void",
}

// promotionFaults does for promotions what [TestFaultMatrix] does for checks.
func promotionFaults(t *testing.T, doc *bytes.Buffer) {
	for _, scene := range promotionScenes {
		name := promotionRuns[scene.name]
		if name == "" {
			continue
		}
		calm := newTown(t)
		scene.prepare(calm)
		before := len(calm.gh.Requests())
		calm.calm()
		calls, want := calm.gh.Requests()[before:], calm.state()
		writeMatrix(doc, name, calls, everyFault(t, name, calls, func(t *testing.T, call githubtest.Request, nth int, f matrixFault) string {
			w := newTown(t)
			scene.prepare(w)
			return w.endOf(call, nth, f, want)
		}))
	}
}

// endOf has one call of a run fail.
func (w *town) endOf(call githubtest.Request, nth int, f matrixFault, want string) string {
	w.Helper()
	fault := f.fault(w.clock.now()).On(call.Method, normal(call.Path))
	before := w.gh.Count(fault.Method, fault.Path) // the scene has made some
	fault.Nth = nth
	if fault.Hang {
		w.next = &giveUp{TB: w, fault: fault}
	}
	w.gh.AddFault(fault)
	slept := w.clock.slept
	_, err := w.run(0)
	if w.gh.Count(fault.Method, fault.Path) < before+nth {
		w.Errorf("the call was not made")
	}
	end := w.state()
	switch {
	case err == nil && end == want && w.clock.slept > slept:
		return "waits, same"
	case err == nil && end == want:
		return "same"
	}
	notes := strings.Join(w.notes, "\n")
	w.gh.ClearFaults()
	w.next = nil
	_, again := w.run(0)
	after := w.state()
	switch {
	case again != nil:
	case err != nil && after == want:
		return "error, re-run"
	case err == nil && notes != "" && after == want:
		return "note, re-run"
	case err == nil && strings.Contains(end, "status sluice: success") && strings.Contains(end, "lacks=check") && ownStatus.ReplaceAllString(after, "") == want:
		return "commit status"
	case err == nil && after == want && strings.Contains(end, "lacks=check"):
		return "bare"
	case err == nil && after == want && strings.Contains(end, "lacks=text"):
		return "shorter"
	case err == nil && after == want && f.believed(end):
		return "left, re-run"
	}
	w.Errorf("the run said: %v\n%s(-want +got):\n%s\nthe next run said: %v (-want +got):\n%s", err, notes, cmp.Diff(want, end), again, cmp.Diff(want, after))
	return "?"
}

// ownStatus is the line of a state with a commit status that took the check run's place, and agrees with it now: nothing takes it away.
var ownStatus = regexp.MustCompile(`(?m)^status sluice: success .*\n`)

// believed reports whether a fault says that a branch is gone, and it was believed: the branch still stands.
func (f matrixFault) believed(end string) bool {
	return (f.name == "404" || f.name == "422, too long") && strings.Contains(end, "refs/heads/sluice/")
}
