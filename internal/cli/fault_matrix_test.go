package github_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluice-dev/sluice/internal/github"
	"github.com/sluice-dev/sluice/internal/githubtest"
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

// matrixRun is a run of the check's publishing: the first on a pull request, or that after a push.
type matrixRun struct {
	name    string
	prepare func(*testing.T, *scene)
}

var matrixRuns = []matrixRun{
	{"First run", func(*testing.T, *scene) {}},
	{"After a push", func(t *testing.T, s *scene) {
		if out := s.publish(t); len(out.Missing) > 0 {
			t.Fatal(out.Missing)
		}
		s.head = s.push(t)
		s.client = s.as(t, s.gh.ActionsToken()) // each run is a new process
	}},
}

func (s *scene) publish(t *testing.T) github.Outcome {
	return s.client.Publish(t.Context(), github.Publication{
		Head: s.head, Pull: s.pr, CommentID: "sluice", Comment: []string{"the long report on " + s.head, "the report on " + s.head},
		Check: github.CheckRun{
			Name: "sluice", Conclusion: github.Failure, Title: "1 finding", Summary: []string{"the summary"},
			Annotations: []github.Annotation{{Path: "app.yaml", Line: 1, Level: github.LevelError, Message: "wrong"}},
		},
	})
}

// state is what people see: comments and verdicts, without what differs from run to run.
func (s *scene) state() string {
	var b strings.Builder
	for _, c := range s.repo.Comments(s.pr) {
		fmt.Fprintf(&b, "comment by %s: %s\n", c.Author, strings.ReplaceAll(strings.ReplaceAll(c.Body, s.head, "HEAD"), "the long report", "the report"))
	}
	for _, c := range s.repo.CheckRuns(s.head) {
		fmt.Fprintf(&b, "check run %s: %s, %d annotations\n", c.Name, c.Conclusion, len(c.Annotations))
	}
	return b.String()
}

type cell struct{ call, fault, end string }

// TestFaultMatrix has each call of publishing fail in each way. In the end all is as without the fault; or the run says what is
// missing, and the next run mends it without a trace of the first.
func TestFaultMatrix(t *testing.T) {
	t.Parallel()
	var doc bytes.Buffer
	doc.WriteString(matrixHead)
	for _, run := range matrixRuns {
		calm := newScene(t)
		run.prepare(t, calm)
		before := len(calm.gh.Requests())
		if out := calm.publish(t); len(out.Missing) > 0 {
			t.Fatal(out.Missing)
		}
		calls := calm.gh.Requests()[before:]
		if len(calls) >= 15 {
			t.Errorf("%s: %d calls, want fewer than 15", run.name, len(calls))
		}
		var mu sync.Mutex
		var cells []cell
		t.Run(run.name, func(t *testing.T) {
			for i, call := range calls {
				nth := 1
				for _, earlier := range calls[:i] {
					if earlier.Method == call.Method && normal(earlier.Path) == normal(call.Path) {
						nth++
					}
				}
				for _, f := range matrixFaults {
					name := describe(call, nth)
					if !f.hits(call) {
						continue
					}
					t.Run(name+"/"+f.name, func(t *testing.T) {
						t.Parallel()
						end := endOf(t, run, call, nth, f, calm.state())
						mu.Lock()
						defer mu.Unlock()
						cells = append(cells, cell{name, f.name, end})
					})
				}
			}
		})
		writeMatrix(&doc, run.name, calls, cells)
	}
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

// endOf runs one cell.
func endOf(t *testing.T, run matrixRun, call githubtest.Request, nth int, f matrixFault, want string) string {
	t.Helper()
	s := newScene(t)
	run.prepare(t, s)
	fault := f.fault(s.clock.now()).On(call.Method, normal(call.Path))
	fault.Nth = nth
	if fault.Hang { // in real time
		s.client = s.as(t, s.gh.ActionsToken(), func(o *github.Options) { o.Timeout = 2 * time.Second })
	}
	s.gh.AddFault(fault)
	out := s.publish(t)
	if s.state() == want && len(out.Missing) == 0 {
		if len(s.clock.slept) > 0 {
			return "waits, same"
		}
		return "same"
	}
	end := "error, re-run"
	switch {
	case out.Check != nil && out.Check.Kind == github.AsStatus:
		end = "commit status"
	case len(out.Missing) == 0:
		t.Errorf("nothing is said to be missing, and the end differs:\n%s\nwant:\n%s", s.state(), want)
	}
	s.gh.ClearFaults()
	s.client = s.as(t, s.gh.ActionsToken())
	if again := s.publish(t); len(again.Missing) > 0 || s.state() != want {
		t.Errorf("the next run does not mend it: %v\n%s\nwant:\n%s", again.Missing, s.state(), want)
	}
	return end
}

func (f matrixFault) hits(call githubtest.Request) bool {
	write := call.Method != "GET" && !strings.HasSuffix(call.Path, "/graphql")
	list := strings.HasSuffix(call.Path, "/comments") && !write || strings.HasSuffix(call.Path, "/check-runs") && !write
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

This page is written by ` + "`go test ./internal/github -run TestFaultMatrix -update`" + `, and the test fails when it does not hold. Each
call of publishing a check is made to fail in each way, against a GitHub for tests whose answers are held against GitHub's own
description of its API.

| end | means |
|---|---|
| same | comment and check run are as without the fault, each once |
| waits, same | the same, after waiting for as long as GitHub asks, or for a moment |
| commit status | the check run could not be written: a commit status of the same name carries the verdict. The next run writes the check run |
| error, re-run | the run says what is missing and ends with exit code 3 (or keeps its verdict where the token only lacks permission). The next run leaves everything as without the fault |

All waiting of a run is bounded by five minutes. Nothing is ever there twice, and a run for an older head never overwrites a newer one.
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
