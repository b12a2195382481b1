package cli

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-dev/sluice/internal/github"
	"github.com/sluice-dev/sluice/internal/githubtest"
)

// TestMarkers: what stands in the first line of a body is read as it was written, and for the head that it speaks of only.
func TestMarkers(t *testing.T) {
	t.Parallel()
	head, state := strings.Repeat("a", 40), strings.Repeat("b", 32)
	w := &work{}
	w.is.Tip, w.want.State = head, state
	long := strings.Repeat("x", github.MaxPullBody)
	for name, tt := range map[string]struct {
		lacks  string
		bodies []string
		want   []string
	}{
		"all":                     {"", []string{"one"}, []string{""}},
		"a shorter one":           {"", []string{"one", "two"}, []string{"", lacksText}},
		"the first does not fit":  {"", []string{long, "one", "two"}, []string{"", "", lacksText}},
		"the check run":           {lacksCheck, []string{"one", "two"}, []string{lacksCheck, "check,text"}},
		"the comment":             {lacksText, []string{"one", "two"}, []string{lacksText, lacksText}},
		"both, and a shorter one": {"check,text", []string{"one", "two"}, []string{"check,text", "check,text"}},
	} {
		w.lacks = tt.lacks
		for i, text := range w.marked(tt.bodies) {
			if got, lacks := published(github.PullRequest{Head: head, Body: text}); got != state || lacks != tt.want[i] {
				t.Errorf("%s: body %d says %q and %q, want %q", name, i, got, lacks, tt.want[i])
			}
			if got, lacks := published(github.PullRequest{Head: state + state, Body: text}); got != "" || lacks != "" {
				t.Errorf("%s: body %d says %q and %q of another head", name, i, got, lacks)
			}
		}
	}
}

// TestRefusedForLong: a token may not write check runs for a time. The promotions stand with commit statuses, each run asks again for a few of
// them only, and once it may, all get their check runs, within what one run may call.
func TestRefusedForLong(t *testing.T) {
	t.Parallel()
	const apps = maxWritten + 2
	w := newTown(t)
	begin, next := githubtest.Files{}, githubtest.Files{}
	for i := range apps {
		for _, env := range []string{"dev", "staging"} {
			begin[fmt.Sprintf("%s/app%03d/kustomization.yaml", env, i)] = overlay("v1")
		}
		next[fmt.Sprintf("dev/app%03d/kustomization.yaml", i)] = overlay("v2")
	}
	w.repo.Commit("main", begin, "Many applications")
	w.repo.Commit("main", next, "All change")
	verdicts := func() (checks, statuses int) {
		for _, p := range w.repo.Pulls() {
			checks += len(w.repo.CheckRuns(p.Head))
			for _, s := range w.repo.Statuses(p.Head) {
				if s.Context == defaultID && s.State == "success" {
					statuses++
				}
			}
		}
		return checks, statuses
	}
	run := func(most int64) {
		t.Helper()
		if calls, err := w.run(0); err != nil || calls > most {
			t.Errorf("%d calls, want at most %d (%v)", calls, most, err)
		}
	}
	may := w.token
	w.token = w.gh.AddToken("ghs_less", githubtest.Token{Login: "github-actions[bot]", App: "github-actions", Permissions: map[string]string{
		"contents": "write", "pull-requests": "write", "statuses": "write", "checks": "read",
	}})
	run(299)
	run(299)
	if checks, statuses := verdicts(); checks != 0 || statuses != apps {
		t.Errorf("%d check runs and %d statuses, want none and %d", checks, statuses, apps)
	}
	before := w.state()
	run(5 + 10*maxRefused)
	if diff := cmp.Diff(before, w.state()); diff != "" {
		t.Errorf("a run that may not changes something (-before +after):\n%s", diff)
	}
	w.token = may
	run(299)
	if checks, _ := verdicts(); checks != maxWritten {
		t.Errorf("%d check runs, want %d after one run", checks, maxWritten)
	}
	run(299)
	run(5)
	if checks, statuses := verdicts(); checks != apps || statuses != apps || strings.Contains(w.state(), "lacks=") {
		t.Errorf("%d check runs and %d statuses, want %d of each:\n%s", checks, statuses, apps, w.state())
	}
}
