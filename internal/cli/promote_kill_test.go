package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-dev/sluice/internal/git"
	"github.com/sluice-dev/sluice/internal/github"
	"github.com/sluice-dev/sluice/internal/githubtest"
	"github.com/sluice-dev/sluice/internal/report"
)

// town is a repository with an application in two environments, and the promotion job without its renderer.
type town struct {
	*testing.T
	gh    *githubtest.GitHub
	repo  *githubtest.Repo
	clock *clock
	token string
	next  http.RoundTripper   // nil: the default transport
	only  []string            // what alone is promoted
	ask   func(*promotionRun) // what else a person asks for; nil for nothing
	back  *rollbackOrder      // what is taken back instead
	mu    sync.Mutex
	notes []string // of the last run
	kills []int64  // the calls of the last run before which a kill leaves something else than before the call that comes earlier
}

const townBranch = "sluice/promote/web/dev-to-staging"

func overlay(tag string) string {
	return "resources: [deployment.yaml]\nimages:\n  - name: web\n    newTag: " + tag + "\n"
}

func newTown(t *testing.T) *town {
	t.Helper()
	w := &town{T: t, gh: githubtest.New(t), clock: &clock{at: time.Date(2099, 3, 2, 9, 0, 0, 0, time.UTC)}}
	w.repo = w.gh.CreateRepo("acme/config")
	files := githubtest.Files{}
	for _, env := range []string{"dev", "staging"} {
		files[env+"/web/kustomization.yaml"] = overlay("v1")
		files[env+"/web/deployment.yaml"] = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n"
	}
	w.repo.Commit("main", files, "begin")
	w.token = w.gh.PromotionToken()
	return w
}

// dev has a person change dev, by a merged pull request.
func (w *town) dev(tag string) {
	w.Helper()
	branch := "dev-" + tag
	w.repo.Commit(branch, githubtest.Files{"dev/web/kustomization.yaml": overlay(tag)}, "Web "+tag)
	w.repo.MergePullRequest(w.repo.OpenPullRequest(githubtest.PullOptions{Head: branch, Title: "Web " + tag}))
}

// killer ends a run: the call with that number is not made any more, and neither is any after it.
type killer struct {
	at   int64 // from 1; 0 kills nothing
	kill context.CancelFunc
	next http.RoundTripper

	mu     sync.Mutex
	calls  int64
	writes []int64
}

func (k *killer) RoundTrip(req *http.Request) (*http.Response, error) {
	k.mu.Lock()
	k.calls++
	n := k.calls
	if req.Method != http.MethodGet {
		k.writes = append(k.writes, n)
	}
	k.mu.Unlock()
	if k.at > 0 && n >= k.at {
		k.kill()
		return nil, context.Canceled
	}
	return k.next.RoundTrip(req)
}

// kills are the calls right behind a write. A run keeps nothing anywhere else, so that a kill before any other call leaves what one
// before the call that comes earlier leaves.
func (k *killer) kills() (out []int64) {
	for _, n := range k.writes {
		if n < k.calls {
			out = append(out, n+1)
		}
	}
	return out
}

// run brings the promotions up to date, in a new clone. With at, it is killed before that call, which is after the one before it.
func (w *town) run(at int64) (calls int64, err error) {
	w.Helper()
	dir := w.TempDir()
	if out, err := exec.Command("git", "clone", "--quiet", "--shared", "--no-checkout", w.repo.Dir, dir).CombinedOutput(); err != nil {
		w.Fatalf("git clone: %v\n%s", err, out)
	}
	ctx, cancel := context.WithCancel(w.Context())
	defer cancel()
	repo, err := git.Open(ctx, dir, git.Options{})
	if err != nil {
		w.Fatal(err)
	}
	defer repo.Close()
	k := &killer{at: at, kill: cancel, next: http.DefaultTransport}
	if w.next != nil {
		k.next = w.next
	}
	client, err := github.New(github.Options{
		Repo: w.repo.FullName, Token: w.token, APIURL: w.gh.APIURL, Transport: k, Now: w.clock.now, Sleep: w.clock.sleep, Jitter: func(d time.Duration) time.Duration { return d },
	})
	if err != nil {
		w.Fatal(err)
	}
	c := &Command{Stdout: io.Discard, Stderr: io.Discard, Getenv: func(string) string { return "" }}
	order := promotionRun{
		repo: repo, client: client, env: github.Env{Repo: w.repo.FullName, ServerURL: w.gh.URL}, branch: "main", id: defaultID, now: w.clock.now(),
		gate: report.Gate{FailOn: "error", Findings: "new"}, log: slog.New(slog.DiscardHandler), rendered: plainReport,
	}
	defer func() {
		w.mu.Lock() // two may run at once
		defer w.mu.Unlock()
		calls, w.kills = k.calls, k.kills()
	}()
	if w.back != nil {
		_, err = c.reconcileRollback(ctx, order, *w.back)
		return calls, err
	}
	if order.only = w.only; w.only != nil {
		order.to = "staging"
	}
	if w.ask != nil {
		w.ask(&order)
	}
	planned, err := c.openPromotions(ctx, order)
	if planned != nil {
		w.mu.Lock()
		w.notes = planned.Notes
		w.mu.Unlock()
	}
	return calls, err
}

// plainReport stands for the renderer: it says what would be looked at.
func plainReport(_ context.Context, run checkRun) (*report.Report, error) {
	r := &report.Report{Base: run.base.Commit, Head: run.head.Commit}
	for _, name := range run.changed {
		data, _ := run.head.Tree.ReadFile(name)
		r.Notes = append(r.Notes, fmt.Sprintf("%s: %q", name, data))
	}
	report.Finish(r)
	return r, nil
}

var hexID = regexp.MustCompile(`\b[0-9a-f]{9,64}\b|127\.0\.0\.1:\d+|\b\d{4}-\d\d-\d\dT[\d:]+Z`)

// state is all that people see, without ids, which differ from run to run.
func (w *town) state() string {
	var b strings.Builder
	for _, p := range w.repo.Pulls() {
		fmt.Fprintf(&b, "pull request %d %s merged=%v draft=%v auto-merge=%q by %s from %s labels %v\n%s\n",
			p.Number, p.State, p.Merged, p.Draft, p.AutoMerge, p.Author, p.HeadRef, p.Labels, p.Body)
		if !strings.HasPrefix(p.HeadRef, "sluice/") {
			continue
		}
		fmt.Fprintf(&b, "diff:\n%s\n", w.repo.Git("diff", "--full-index", "main", p.Head))
		fmt.Fprintf(&b, "commits:\n%s\n", w.repo.Git("log", "--format=%s", "main.."+p.Head))
		for _, c := range w.repo.Comments(p.Number) {
			fmt.Fprintf(&b, "comment by %s: %s\n", c.Author, c.Body)
		}
		for _, s := range w.repo.Statuses(p.Head) {
			fmt.Fprintf(&b, "status %s: %s %s\n", s.Context, s.State, s.Description)
		}
		for _, c := range w.repo.CheckRuns(p.Head) {
			fmt.Fprintf(&b, "check run %s: %s\n", c.Name, c.Conclusion)
		}
	}
	fmt.Fprintf(&b, "branches:\n%s\n", w.repo.Git("for-each-ref", "--format=%(refname)", "refs/heads/sluice"))
	return hexID.ReplaceAllString(b.String(), "ID")
}

// calm runs undisturbed.
func (w *town) calm() {
	w.Helper()
	if _, err := w.run(0); err != nil {
		w.Fatal(err)
	}
}

// sample leaves out some kills where time is short, for the race detector.
func sample(kills []int64) (out []int64) {
	if !testing.Short() {
		return kills
	}
	for i := 0; i < len(kills); i += 3 {
		out = append(out, kills[i])
	}
	return out
}

// TestPromotionKilledAnywhere kills a run behind every write of every scene, runs again, and wants what an undisturbed run comes to.
func TestPromotionKilledAnywhere(t *testing.T) {
	t.Parallel()
	for _, scene := range promotionScenes {
		t.Run(scene.name, func(t *testing.T) {
			t.Parallel()
			calm := newTown(t)
			scene.prepare(calm)
			calls, err := calm.run(0)
			if err != nil {
				t.Fatal(err)
			}
			kills := sample(calm.kills)
			want := calm.state()
			for _, part := range scene.want {
				if !strings.Contains(want, part) {
					t.Errorf("the end state lacks %q:\n%s", part, want)
				}
			}
			if again, err := calm.run(0); err != nil || again > calls || calm.state() != want {
				t.Errorf("a second run changes something, or fails: %v\n%s", err, cmp.Diff(want, calm.state()))
			}
			for _, at := range kills {
				w := newTown(t)
				scene.prepare(w)
				if _, err := w.run(at); !errors.Is(err, context.Canceled) {
					t.Fatalf("killed before call %d: %v", at, err)
				}
				if _, err := w.run(0); err != nil {
					t.Fatalf("after a kill before call %d: %v", at, err)
				}
				if diff := cmp.Diff(want, w.state()); diff != "" {
					t.Errorf("after a kill before call %d (-want +got):\n%s", at, diff)
				}
			}
		})
	}
}

// TestTwoPromotionsAtOnce has two runs do the same at the same time. Both may write a check run; everything else is there once.
func TestTwoPromotionsAtOnce(t *testing.T) {
	t.Parallel()
	once := func(state string) []string { return slices.Compact(strings.Split(state, "\n")) }
	for _, scene := range promotionScenes {
		t.Run(scene.name, func(t *testing.T) {
			t.Parallel()
			calm := newTown(t)
			scene.prepare(calm)
			calm.calm()
			w := newTown(t)
			scene.prepare(w)
			var wg sync.WaitGroup
			for range 2 {
				wg.Go(func() {
					if _, err := w.run(0); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			w.calm()
			if diff := cmp.Diff(once(calm.state()), once(w.state())); diff != "" {
				t.Errorf("(-one run, +two at once):\n%s", diff)
			}
		})
	}
}

// TestJobFinishesWhatWasKilled kills a run for what one person asked once, behind each of its writes. Nobody asks again, and the job comes to the
// end that it would have had; or, where the run had not come to a branch, to one as if nobody had asked.
func TestJobFinishesWhatWasKilled(t *testing.T) {
	t.Parallel()
	for _, scene := range []string{"a part", "a part by its pull request", "a part by a commit", "past a stage"} {
		t.Run(scene, func(t *testing.T) {
			t.Parallel()
			prepare := sceneNamed(t, scene)
			job := func(w *town) string {
				w.only, w.ask = nil, nil
				w.calm()
				return withoutNumbers(w.state())
			}
			calm, unasked := newTown(t), newTown(t)
			prepare(calm)
			calm.calm()
			kills := sample(calm.kills)
			done := job(calm)
			prepare(unasked)
			nothing := job(unasked)
			finished := false
			for _, at := range kills {
				w := newTown(t)
				prepare(w)
				if _, err := w.run(at); !errors.Is(err, context.Canceled) {
					t.Fatalf("killed before call %d: %v", at, err)
				}
				branches := w.repo.Git("for-each-ref", "--format=%(refname)", "refs/heads/sluice")
				want := done
				if branches == "" {
					want = nothing
				}
				finished = finished || branches != ""
				if diff := cmp.Diff(want, job(w)); diff != "" {
					t.Errorf("after a kill before call %d (-want +got):\n%s", at, diff)
				}
			}
			if !finished {
				t.Error("no run was killed that had made a branch")
			}
		})
	}
}

// withoutNumbers is a state in which it does not count which pull request was opened first.
func withoutNumbers(state string) string {
	pulls, rest, _ := strings.Cut(state, "branches:\n")
	blocks := regexp.MustCompile(`(?m)^pull request \d+ `).Split(pulls, -1)
	slices.Sort(blocks)
	return strings.Join(blocks, "pull request ") + "branches:\n" + rest
}

// TestPromotionWithListsThatLag: what was just made is not in the lists yet.
func TestPromotionWithListsThatLag(t *testing.T) {
	t.Parallel()
	calm := newTown(t)
	calm.dev("v2")
	calm.calm()
	want := calm.state()
	w := newTown(t)
	w.dev("v2")
	if _, err := w.run(0); err != nil {
		t.Fatal(err)
	}
	w.gh.AddFault(githubtest.Fault{Method: "GET", Path: "/repos/*/*/pulls", Lag: 1, Times: 3})
	w.gh.AddFault(githubtest.Fault{Method: "GET", Path: "/repos/*/*/git/matching-refs/*", Lag: 1, Times: 1})
	if _, err := w.run(0); err != nil {
		t.Fatal(err)
	}
	w.gh.ClearFaults()
	w.calm()
	if diff := cmp.Diff(want, w.state()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestPromotionBudget promotes two hundred applications of which more have changed than one run writes for: each run stays below what
// GitHub allows, says what it leaves, and the next ones do the rest.
func TestPromotionBudget(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	const changed = maxWritten + 5
	begin, next := githubtest.Files{}, githubtest.Files{}
	for i := range 200 {
		for _, env := range []string{"dev", "staging"} {
			begin[fmt.Sprintf("%s/app%03d/kustomization.yaml", env, i)] = overlay("v1")
		}
		if i < changed {
			next[fmt.Sprintf("dev/app%03d/kustomization.yaml", i)] = overlay("v2")
		}
	}
	w.repo.Commit("main", begin, "Two hundred applications")
	w.repo.Commit("main", next, "Some change")
	for run, want := range []int{maxWritten, changed} {
		calls, err := w.run(0)
		if err != nil {
			t.Fatal(err)
		}
		open := 0
		for _, p := range w.repo.Pulls() {
			if p.State == "open" {
				open++
			}
		}
		if said := strings.Join(w.notes, "\n"); strings.Contains(said, "Up to 5 more") != (run == 0) {
			t.Errorf("run %d says %q", run+1, said)
		}
		t.Logf("run %d: %d calls, %d promotions are open", run+1, calls, open)
		if open != want || calls >= 300 {
			t.Errorf("run %d: %d calls, %d promotions open, want fewer than 300 for %d", run+1, calls, open, want)
		}
	}
	if again, err := w.run(0); err != nil || again > 5 {
		t.Errorf("%d calls where nothing has changed, want at most 5 (%v)", again, err)
	}
}

// TestJobFinishesWhatWasAskedFor: a run for a part ends before it opens the pull request, and nobody asks again. The job, which knows of it
// by the branch alone, opens it, and leaves it alone then.
func TestJobFinishesWhatWasAskedFor(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	w.dev("v2")
	w.only = []string{"file=dev/web/kustomization.yaml"}
	w.gh.AddFault(githubtest.Fault{Method: "POST", Path: "/repos/*/*/pulls", Status: 403, Times: -1})
	if _, err := w.run(0); err == nil {
		t.Fatal("the run says nothing of a pull request that it could not open")
	}
	w.gh.ClearFaults()
	w.only = nil
	w.calm()
	var open []string
	for _, p := range w.repo.Pulls() {
		if p.State == "open" {
			open = append(open, p.HeadRef)
		}
	}
	if len(open) != 2 || !slices.ContainsFunc(open, func(branch string) bool {
		return strings.HasPrefix(branch, "sluice/promote-only/web/dev-to-staging/file-")
	}) {
		t.Errorf("open: %v", open)
	}
	before := w.state()
	if calls, err := w.run(0); err != nil || calls > 6 || w.state() != before {
		t.Errorf("another run makes %d calls (%v), or changes something:\n%s", calls, err, cmp.Diff(before, w.state()))
	}
	// A person pushes to it and closes it: what the person wrote is not deleted with the branch.
	part := open[0]
	if !strings.HasPrefix(part, "sluice/promote-only/") {
		part = open[1]
	}
	w.repo.Commit(part, githubtest.Files{"staging/web/mine.yaml": "a: 1\n"}, "Mine")
	w.calm()
	for _, p := range w.repo.Pulls() {
		if p.HeadRef == part {
			w.repo.ClosePullRequest(p.Number)
		}
	}
	w.calm()
	if w.repo.Tip(part) == "" {
		t.Error("a branch on which a person wrote is deleted")
	}
	w.repo.Git("update-ref", "-d", "refs/heads/"+part)

	// An edge that is gone: the pull request is left to a person, and a note says so.
	w.only = []string{"file=dev/web/kustomization.yaml"}
	w.dev("v3")
	w.calm()
	w.only = nil
	w.repo.Commit("main", githubtest.Files{".sluice.yaml": "order: [staging, dev]\ntargets: [{path: \"{env}/{app}\"}]\n"}, "Turn it around")
	w.calm()
	if !slices.ContainsFunc(w.notes, func(note string) bool { return strings.Contains(note, "cannot be asked for any more") }) {
		t.Errorf("notes: %q", w.notes)
	}
}
