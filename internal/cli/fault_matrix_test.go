package cli

import (
	"bytes"
	"cmp"
	"context"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluice-dev/sluice/internal/githubtest"
	"github.com/sluice-dev/sluice/internal/pipeline"
)

var update = flag.Bool("update", false, "write docs/reliability.md anew")

// matrixFault is one way in which a call fails.
type matrixFault struct {
	name  string
	kinds string // of the calls that it can hit: "read", "write", "list"; "" is all
	fault func(now time.Time) githubtest.Fault
}

func status(code int) func(time.Time) githubtest.Fault {
	return func(time.Time) githubtest.Fault { return githubtest.Fault{Status: code} }
}

var tooLong = map[string]any{
	"message": "Validation Failed", "documentation_url": "https://docs.github.com/rest",
	"errors": []any{map[string]any{"resource": "IssueComment", "code": "unprocessable", "field": "data", "message": "Body is too long (maximum is 65536 characters)"}},
}

var matrixFaults = []matrixFault{
	{"401", "", status(401)},
	{"403, no permission", "", status(403)},
	{"403, hourly limit, reset in a minute", "", func(now time.Time) githubtest.Fault { return githubtest.PrimaryLimit(403, now.Add(time.Minute)) }},
	{"429, hourly limit, reset in an hour", "", func(now time.Time) githubtest.Fault { return githubtest.PrimaryLimit(429, now.Add(time.Hour)) }},
	{"403, too many at once", "", func(time.Time) githubtest.Fault { return githubtest.SecondaryLimit(403, 30*time.Second) }},
	{"429, too many at once, no header", "", func(time.Time) githubtest.Fault { return githubtest.SecondaryLimit(429, -1) }},
	{"404", "", status(404)},
	{"409", "write", status(409)},
	{"422, too long", "write", func(time.Time) githubtest.Fault { return githubtest.Fault{Status: 422, Body: tooLong} }},
	{"502 once", "", status(502)},
	{"502 for ever", "", func(time.Time) githubtest.Fault { return githubtest.Fault{Status: 502, Times: -1} }},
	{"502, though it was done", "write", func(time.Time) githubtest.Fault { return githubtest.Fault{Status: 502, Apply: true} }},
	{"time-out, though it was done", "write", func(time.Time) githubtest.Fault { return githubtest.Fault{Hang: true, Apply: true} }},
	{"time-out", "", func(time.Time) githubtest.Fault { return githubtest.Fault{Hang: true} }},
	{"connection breaks in the answer", "", func(time.Time) githubtest.Fault { return githubtest.Fault{Reset: true, Apply: true} }},
	{"a list that lags behind", "list", func(time.Time) githubtest.Fault { return githubtest.Fault{Lag: 1} }},
}

// matrixRun is a run of the action: what is there before, and the event.
type matrixRun struct {
	name    string
	code    int // how it ends without a fault
	calls   int // fewer are made; 0 is 15
	prepare func(*scene) (event string, payload []byte)
}

var matrixRuns = []matrixRun{
	{"`pull_request`, first run", ExitFindings, 0, func(s *scene) (string, []byte) {
		return "pull_request", s.repo.PullRequestEvent(s.pr, "opened")
	}},
	{"`pull_request`, after a push", ExitFindings, 0, func(s *scene) (string, []byte) {
		if end := s.step("pull_request", s.repo.PullRequestEvent(s.pr, "opened")); end.code != ExitFindings {
			s.Fatal(end.log)
		}
		s.head = s.repo.Commit("feature", githubtest.Files{"app.yaml": "a: 4\n"}, "more")
		return "pull_request", s.repo.PullRequestEvent(s.pr, "synchronize")
	}},
	{"`merge_group`, and as it: `push`, `schedule`, `workflow_dispatch`, `repository_dispatch`", ExitFindings, 0, func(s *scene) (string, []byte) {
		return "merge_group", s.repo.MergeGroupEvent(s.repo.Tip("main"), s.head)
	}},
	{"`workflow_run`, the second stage for a fork", ExitClean, 0, func(s *scene) (string, []byte) {
		s.fromFork()
		s.storeReport()
		return "workflow_run", s.repo.WorkflowRunEvent(7, s.forkPR)
	}},
	{"`issue_comment`: recheck", ExitClean, 0, func(s *scene) (string, []byte) {
		id := s.repo.AddComment(s.pr, "wim", "/sluice recheck")
		return "issue_comment", s.repo.CommentEvent(id, "created")
	}},
	{"`issue_comment`: diff", ExitClean, 0, func(s *scene) (string, []byte) {
		id := s.repo.AddComment(s.pr, "wim", "/sluice diff app")
		return "issue_comment", s.repo.CommentEvent(id, "created")
	}},
	{"`issue_comment` by somebody who may not", ExitClean, 0, func(s *scene) (string, []byte) {
		id := s.repo.AddComment(s.pr, "stranger", "/sluice recheck")
		return "issue_comment", s.repo.CommentEvent(id, "created")
	}},
	{"`issue_comment`: ignore, and as it: `check_run` requested_action", ExitClean, 20, func(s *scene) (string, []byte) {
		s.mayIgnore()
		s.token = s.gh.PromotionToken()
		id := s.repo.AddComment(s.pr, "wim", "/sluice ignore "+pipeline.Proposals(s.report(s.head))[0].ID+" known")
		return "issue_comment", s.repo.CommentEvent(id, "created")
	}},
	{"`check_run` rerequested", ExitClean, 0, func(s *scene) (string, []byte) {
		return "check_run", s.repo.CheckRunEvent(s.head, "sluice", "rerequested")
	}},
}

type cell struct{ call, fault, end string }

// TestFaultMatrix has each call of each event fail in each way. In the end all is as without the fault; or the run says what is
// missing, and the next run mends it without a trace of the first.
func TestFaultMatrix(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("a few minutes of processor time")
	}
	var doc bytes.Buffer
	doc.WriteString(matrixHead)
	for _, run := range matrixRuns {
		calm := newScene(t)
		event, payload := run.prepare(calm)
		before := len(calm.gh.Requests())
		if end := calm.step(event, payload); end.code != run.code {
			t.Fatalf("%s: exit code %d:\n%s", run.name, end.code, end.log)
		}
		calls := calm.gh.Requests()[before:]
		if most := cmp.Or(run.calls, 15); len(calls) >= most {
			t.Errorf("%s: %d calls, want fewer than %d", run.name, len(calls), most)
		}
		cells := everyFault(t, run.name, calls, func(t *testing.T, call githubtest.Request, nth int, f matrixFault) string {
			return endOf(t, run, call, nth, f, calm.state())
		})
		writeMatrix(&doc, run.name, calls, cells)
	}
	promotionFaults(t, &doc)
	if t.Failed() {
		return
	}
	file := filepath.Join("..", "..", "docs", "reliability.md")
	if *update {
		if err := os.WriteFile(file, doc.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if on, err := os.ReadFile(file); err != nil || !bytes.Equal(on, doc.Bytes()) {
		t.Errorf("docs/reliability.md is not what this test finds (%v): run it with -update and review the difference", err)
	}
}

// giveUp waits two seconds, in real time, for the answer of the one call that hangs, and as long as ever for all others: a machine that is
// busy must not look like a server that does not answer.
type giveUp struct {
	testing.TB
	fault githubtest.Fault
	seen  atomic.Int64
}

// RoundTrip implements http.RoundTripper.
func (g *giveUp) RoundTrip(req *http.Request) (*http.Response, error) {
	called := strings.TrimPrefix(strings.TrimPrefix(req.URL.EscapedPath(), "/api"), "/v3")
	hit, err := path.Match(g.fault.Path, called)
	if err == nil && hit && req.Method == g.fault.Method && g.seen.Add(1) == int64(g.fault.Nth) {
		ctx, cancel := context.WithTimeout(req.Context(), 2*time.Second)
		g.Cleanup(cancel)
		req = req.WithContext(ctx)
	}
	return http.DefaultTransport.RoundTrip(req)
}

// everyFault has each of calls fail in each way that it can, and gives how that ends.
func everyFault(t *testing.T, name string, calls []githubtest.Request, end func(t *testing.T, call githubtest.Request, nth int, f matrixFault) string) []cell {
	var mu sync.Mutex
	var cells []cell
	t.Run(name, func(t *testing.T) {
		for i, call := range calls {
			nth := 1
			for _, earlier := range calls[:i] {
				if earlier.Method == call.Method && normal(earlier.Path) == normal(call.Path) {
					nth++
				}
			}
			for _, f := range matrixFaults {
				column := describe(call, nth)
				if !f.hits(call) {
					continue
				}
				t.Run(column+"/"+f.name, func(t *testing.T) {
					t.Parallel()
					how := end(t, call, nth, f)
					mu.Lock()
					defer mu.Unlock()
					cells = append(cells, cell{column, f.name, how})
				})
			}
		}
	})
	return cells
}

// endOf runs one cell.
func endOf(t *testing.T, run matrixRun, call githubtest.Request, nth int, f matrixFault, want string) string {
	t.Helper()
	s := newScene(t)
	event, payload := run.prepare(s)
	fault := f.fault(s.clock.now()).On(call.Method, normal(call.Path))
	fault.Nth = nth
	if fault.Hang {
		s.transport = &giveUp{TB: t, fault: fault}
	}
	s.gh.AddFault(fault)
	slept := s.clock.slept
	end := s.step(event, payload)
	now := s.state()
	switch {
	case now == want && end.code == run.code && s.clock.slept > slept:
		return "waits, same"
	case now == want && end.code == run.code:
		return "same"
	}
	s.gh.ClearFaults()
	s.transport = nil
	if again := s.step(event, payload); again.code != run.code || s.state() != want {
		t.Errorf("the next run does not mend it: code %d\n%s\nit left:\n%s\nwant:\n%s", again.code, again.log, s.state(), want)
	}
	switch {
	case len(s.repo.Statuses(s.head)) > 0:
		return "commit status"
	case end.code == run.code && strings.Contains(strings.ToLower(now), "too large for a comment"):
		return "shorter"
	case end.code == run.code && strings.Contains(end.log, "stands without annotations"):
		return "bare"
	case end.code == run.code && strings.Contains(end.log, "taken back"):
		return "taken back"
	case end.code == run.code && strings.Contains(end.log, "put a reaction"):
		return "no reaction"
	case end.code == ExitIncomplete && strings.Contains(end.log, "::error"):
		return "error, re-run"
	case strings.Contains(end.log, "could not be written"):
		return "degraded"
	}
	t.Errorf("code %d, and nothing says why the end differs:\n%s\n%s\nwant:\n%s", end.code, end.log, now, want)
	return "?"
}

func (f matrixFault) hits(call githubtest.Request) bool {
	write := call.Method != "GET" && !strings.HasSuffix(call.Path, "/graphql")
	list := !write && slices.ContainsFunc([]string{"/repos/*/*/issues/*/comments", "/repos/*/*/commits/*/check-runs", "/repos/*/*/pulls"}, func(pattern string) bool {
		matched, err := path.Match(pattern, call.Path)
		return matched && err == nil
	})
	return f.kinds == "" || f.kinds == "write" && write || f.kinds == "list" && list
}

// normal replaces what differs from scene to scene in a path by a star.
func normal(path string) string {
	parts := strings.Split(path, "/")
	for i, part := range parts {
		if i > 0 && part != "" && strings.Trim(part, "0123456789abcdef") == "" && (len(part) == 40 || strings.Trim(part, "0123456789") == "") {
			parts[i] = "*"
		}
	}
	return strings.Join(parts, "/")
}

func describe(call githubtest.Request, nth int) string {
	text := call.Method + " " + strings.TrimPrefix(normal(call.Path), "/repos/acme/config")
	if nth > 1 {
		text += fmt.Sprintf(", %d. time", nth)
	}
	return text
}

const matrixHead = `# What happens when GitHub fails

This page is written by ` + "`go test ./internal/cli -run TestFaultMatrix -update`" + `, and the test fails when it does not hold. Each
call that the action makes for an event is made to fail in each way, against a GitHub for tests whose answers are held against GitHub's
own description of its API.

| end | means |
|---|---|
| same | comments, reactions and check run are as without the fault, each once, and so is the exit code |
| waits, same | the same, after waiting for as long as GitHub asks, or for a moment |
| commit status | the check run could not be written: a commit status of the same name carries the verdict. The next run writes the check run, and brings the status to its verdict |
| shorter | the comment, or the body of a promotion, stands in the next shorter form. The next run tries the longer one again |
| bare | GitHub takes something in the check run for invalid: it stands without annotations, which are in the log. The next run adds them |
| taken back | GitHub says that the comment is gone: its commands are not obeyed. Another run finds it again |
| no reaction | everything but the reaction under the comment, which the log tells of |
| degraded | the token lacks a permission: summary and annotations say so and show the result, and the exit code is that of the verdict. The next run with the permission leaves everything as without the fault |
| left, re-run | of promotions: GitHub says that a branch is gone, and it is left. The next run deletes it |
| note, re-run | everything but what a note of the run names, and exit code 0. The next run leaves everything as without the fault |
| error, re-run | the run says what is missing and ends with exit code 3. The next run leaves everything as without the fault |

All waiting is bounded by five minutes, for each part of a run that asks GitHub on its own. Nothing is ever there twice, except that two runs at once may both write one check run; and a run for an older head never overwrites a newer one.
The last tables are of promotions, whose state is their pull requests, branches, commits, comments, statuses and check runs.
`

func writeMatrix(doc *bytes.Buffer, name string, calls []githubtest.Request, cells []cell) {
	fmt.Fprintf(doc, "\n## %s: %d calls\n\n", name, len(calls))
	var columns []string
	for _, call := range calls {
		nth := 1
		column := describe(call, nth)
		for slices.Contains(columns, column) {
			nth++
			column = describe(call, nth)
		}
		columns = append(columns, column)
	}
	fmt.Fprint(doc, "| fault |")
	for _, column := range columns {
		fmt.Fprintf(doc, " `%s` |", column)
	}
	fmt.Fprintf(doc, "\n|---|%s\n", strings.Repeat("---|", len(columns)))
	for _, f := range matrixFaults {
		fmt.Fprintf(doc, "| %s |", f.name)
		for _, column := range columns {
			end := "–"
			for _, c := range cells {
				if c.call == column && c.fault == f.name {
					end = c.end
				}
			}
			fmt.Fprintf(doc, " %s |", end)
		}
		fmt.Fprintln(doc)
	}
}
