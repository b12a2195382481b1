package cli

import (
	"net/http"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice/internal/githubtest"
)

// TestPartOfEachKindOfMerge promotes what one pull request of two commits brought, however it was merged, and nothing of what came before
// and after it.
func TestPartOfEachKindOfMerge(t *testing.T) {
	t.Parallel()
	settings := func(a, b, c string) githubtest.Files {
		return githubtest.Files{"dev/web/web.env": "A=" + a + "\nB=" + b + "\nC=" + c + "\n"}
	}
	for _, method := range []string{"merge", "squash", "rebase"} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			w := newTown(t)
			w.repo.Commit("main", settings("1", "1", "1"), "Settings")
			w.repo.Commit("main", githubtest.Files{"staging/web/web.env": "A=1\nB=1\nC=1\n"}, "Settings in staging")
			w.repo.Commit("main", settings("2", "1", "1"), "Before")
			w.repo.Commit("work", settings("2", "2", "1"), "The first half")
			w.repo.Commit("work", settings("2", "2", "2"), "The second half")
			pr := w.repo.OpenPullRequest(githubtest.PullOptions{Head: "work", Title: "Two commits"})
			w.mergeBy(pr, method)
			w.repo.Commit("main", settings("3", "3", "2"), "After")
			w.only = []string{"pr=#1"}
			w.calm()
			pulls := w.pullsFrom()
			if len(pulls) != 1 || pulls[0].HeadRef != "sluice/promote-only/web/dev-to-staging/pr-1" {
				t.Fatalf("%+v", pulls)
			}
			if got := w.repo.Git("show", pulls[0].Head+":staging/web/web.env"); got != "A=1\nB=2\nC=2" {
				t.Errorf("got %q", got)
			}
			if !strings.Contains(pulls[0].Body, "[#1]") || strings.Contains(pulls[0].Body, "Before") || strings.Contains(pulls[0].Body, "After") {
				t.Errorf("the body:\n%s", pulls[0].Body)
			}
			// The commit with which it was merged, or squashed, is the same part, and has the same pull request.
			if method != "rebase" {
				w.only = []string{"commit=" + w.repo.Git("rev-parse", "main~1")}
				w.calm()
				if now := w.pullsFrom(); len(now) != 1 {
					t.Errorf("%+v", now)
				}
			}
			// Merged after the source has gone on: the rest is behind all the same.
			w.repo.MergePullRequest(pulls[0].Number)
			w.only = nil
			w.calm()
			if whole := w.repo.Git("show", townBranch+":staging/web/web.env"); whole != "A=3\nB=3\nC=2" {
				t.Errorf("the rest is %q", whole)
			}
		})
	}
}

// TestPartThatIsTakenBack: the source takes back the change of which a part is open, and the job closes that; and what a part brought after a
// promotion of everything goes back with the source.
func TestPartThatIsTakenBack(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	w.dev("v2")
	w.only = []string{"pr=#1"}
	w.calm()
	w.only = nil
	w.dev("v1")
	w.calm()
	if got := w.opened(); got != "" {
		t.Errorf("open although the source took it back:\n%s", got)
	}
	w = newTown(t)
	w.released()
	level := func(env, value string) {
		w.repo.Commit("main", githubtest.Files{env + "/web/web.env": "LEVEL=" + value + "\n"}, "Level "+value)
	}
	level("dev", "1")
	w.calm()
	w.mergeOpen()
	level("dev", "2")
	w.only = []string{"commit=" + w.repo.Tip("main")}
	w.calm()
	if got := w.opened(); !strings.Contains(got, "/commit-") {
		t.Errorf("what nobody merged has the name of its commit:\n%s", got)
	}
	w.mergeOpen()
	if got := w.repo.Git("show", "main:staging/web/web.env"); got != "LEVEL=2" {
		t.Fatalf("the part brought %q", got)
	}
	w.only = nil
	level("dev", "1")
	w.calm()
	w.mergeOpen()
	if got := w.repo.Git("show", "main:staging/web/web.env"); got != "LEVEL=1" {
		t.Errorf("after the source took it back, the target has %q", got)
	}
}

// mergeOpen merges every open pull request of ours.
func (w *town) mergeOpen() {
	for _, p := range w.repo.Pulls() {
		if p.State == "open" && strings.HasPrefix(p.HeadRef, "sluice/") {
			w.repo.MergePullRequest(p.Number)
		}
	}
}

// mergeBy merges a pull request by a method of GitHub's.
func (w *town) mergeBy(number int, method string) {
	w.Helper()
	req, err := http.NewRequestWithContext(w.Context(), "PUT", w.gh.APIURL+"/repos/acme/config/pulls/1/merge", strings.NewReader(`{"merge_method": "`+method+`"}`))
	if err != nil {
		w.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+w.token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		w.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK || number != 1 {
		w.Fatalf("merge: %s", res.Status)
	}
}
