package cli

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

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
	if got := triedAt(github.PullRequest{Body: "<!-- sluice:promotion head=" + head + " state=" + state + " lacks=check tried=495252 -->\n"}); got != 495252 {
		t.Errorf("it was tried at %d", got)
	}
}

// lesser gives a token that may write no check runs.
func (w *town) lesser() string {
	return w.gh.AddToken("ghs_less", githubtest.Token{Login: "github-actions[bot]", App: "github-actions", Permissions: map[string]string{
		"contents": "write", "pull-requests": "write", "statuses": "write", "checks": "read",
	}})
}

// TestMendingTouchesNothingElse: a pull request gets the check run that it lacked. That a person turned auto-merge off, took a label away and gave
// it another title and more text stays so, whether GitHub takes the check run or not.
func TestMendingTouchesNothingElse(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	w.repo.AllowAutoMerge = true
	w.repo.Commit("main", githubtest.Files{".sluice.yaml": "promotion: {pull-request: {labels: [promotion], auto-merge: squash}}\n"}, "Settings")
	w.dev("v2")
	may := w.token
	w.token = w.lesser()
	w.calm()
	p := w.pullsFrom()[0]
	if p.AutoMerge != "squash" || len(p.Labels) != 1 {
		t.Fatalf("%+v", p)
	}
	w.repo.EditPullRequest(p.Number, githubtest.PullEdit{Title: "Mine", Body: p.Body + "\nMine too.", Labels: []string{}, AutoMerge: ""})
	for _, w.token = range []string{w.token, may} {
		_ = w.clock.sleep(t.Context(), hoursBetween*time.Hour)
		w.calm()
		now := w.pullsFrom()[0]
		if now.Title != "Mine" || now.AutoMerge != "" || len(now.Labels) > 0 || !strings.HasSuffix(now.Body, "\nMine too.") {
			t.Errorf("what a person did was undone: %+v", now)
		}
		if got, want := len(w.repo.CheckRuns(p.Head)) > 0, w.token == may; got != want || strings.Contains(now.Body, "lacks=") == want {
			t.Errorf("there is a check run: %v, want %v:\n%s", got, want, now.Body)
		}
	}
}

// refuseChecks refuses the check runs of some commits.
type refuseChecks []string

func (r refuseChecks) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Method == http.MethodPost && strings.HasSuffix(req.URL.Path, "/check-runs") {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		for _, head := range r {
			if bytes.Contains(body, []byte(head)) {
				return &http.Response{
					StatusCode: http.StatusForbidden, Header: http.Header{"Content-Type": {"application/json"}}, Request: req,
					Body: io.NopCloser(strings.NewReader(`{"message": "Resource not accessible by integration"}`)),
				}, nil
			}
		}
		req.Body = io.NopCloser(bytes.NewReader(body))
	}
	return http.DefaultTransport.RoundTrip(req)
}

// TestMendingStarvesNobody: as many pull requests as a run tries for nothing stay without their check runs for good. The one after them gets its
// own.
func TestMendingStarvesNobody(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	begin, next := applications(maxRefused + 1)
	w.repo.Commit("main", begin, "Applications")
	w.repo.Commit("main", next, "Some change")
	may := w.token
	w.token = w.lesser()
	w.calm()
	w.token = may
	var refused refuseChecks
	pulls := w.pullsFrom()
	for _, p := range pulls[:maxRefused] {
		refused = append(refused, p.Head)
	}
	w.next = refused
	w.calm()
	w.calm()
	if got := len(w.repo.CheckRuns(pulls[maxRefused].Head)); got != 1 {
		t.Errorf("the last one has %d check runs:\n%s", got, w.state())
	}
}

// TestRefusedForLong: a token may not write check runs for a time. The promotions stand with commit statuses, each run asks again for a few of
// them only and for none twice a day, and once it may, all get their check runs, within what one run may call.
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
	w.token = w.lesser()
	run(299)
	run(299)
	if checks, statuses := verdicts(); checks != 0 || statuses != apps {
		t.Errorf("%d check runs and %d statuses, want none and %d", checks, statuses, apps)
	}
	for range apps / maxRefused { // once each, in the end
		run(5 + 10*maxRefused)
	}
	before := w.state()
	if strings.Count(before, "lacks=check tried=") != apps {
		t.Errorf("some were not tried again:\n%s", before)
	}
	run(5)
	if diff := cmp.Diff(before, w.state()); diff != "" {
		t.Errorf("a run that may not changes something (-before +after):\n%s", diff)
	}
	w.token = may
	_ = w.clock.sleep(t.Context(), hoursBetween*time.Hour)
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
