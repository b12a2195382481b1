package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/sluice-dev/sluice/internal/finding"
	"github.com/sluice-dev/sluice/internal/github"
	"github.com/sluice-dev/sluice/internal/githubtest"
	"github.com/sluice-dev/sluice/internal/plan"
	"github.com/sluice-dev/sluice/internal/report"
)

// scene is a repository with two pull requests, one of them from a fork, and the action without its renderer.
type scene struct {
	*testing.T
	gh        *githubtest.GitHub
	repo      *githubtest.Repo
	fork      *githubtest.Repo
	pr        int
	forkPR    int
	head      string
	clock     *clock
	transport http.RoundTripper // nil: the client's own
	token     string            // "" is that of the workflow
	inputs    map[string]string // of the step, beside the token
	examine   func()            // what happens while the action looks at the commit; nil: nothing
	ctx       context.Context   // nil: that of the test
}

// clock is a time that passes only while somebody sleeps. It stands in the future: the library, which reads the real clock, would take
// a reset by this one as still to come.
type clock struct {
	mu    sync.Mutex
	at    time.Time
	slept int
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) sleep(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at, c.slept = c.at.Add(d), c.slept+1
	return ctx.Err()
}

func newScene(t *testing.T) *scene {
	t.Helper()
	s := &scene{T: t, gh: githubtest.New(t), clock: &clock{at: time.Date(2099, 3, 2, 9, 0, 0, 0, time.UTC)}}
	s.repo = s.gh.CreateRepo("acme/config")
	s.repo.Commit("main", githubtest.Files{"app.yaml": "a: 1\n"}, "begin")
	s.head = s.repo.Commit("feature", githubtest.Files{"app.yaml": "a: 2\n"}, "change")
	s.pr = s.repo.OpenPullRequest(githubtest.PullOptions{Head: "feature"})
	s.repo.SetCollaborator("wim", "write")
	return s
}

// fromFork adds a pull request from a fork.
func (s *scene) fromFork() {
	s.fork = s.repo.Fork("stranger")
	s.fork.Commit("theirs", githubtest.Files{"app.yaml": "a: 3\n"}, "from outside")
	s.forkPR = s.repo.OpenPullRequest(githubtest.PullOptions{Head: "theirs", From: s.fork})
}

// stepEnd is how a step ended.
type stepEnd struct {
	code         int
	log, summary string
}

// report is what the renderer would have found on a head.
func (s *scene) report(head string) *report.Report {
	r := &report.Report{
		Base: s.repo.Tip("main"), Head: head, Environments: []string{"prod"},
		Targets: []report.Target{{Target: plan.Target{ID: "app", Dir: ".", App: "app", Environment: "prod"}, Status: report.Rendered, Base: report.Rendered, Objects: 1}},
		Findings: finding.List{{
			Rule: "policy/resources", Severity: finding.Error, Message: "wrong", Pos: finding.Pos{File: "app.yaml", Line: 1, Column: 1},
			Targets: []finding.TargetState{{ID: "app", State: finding.New}},
		}},
	}
	report.Finish(r)
	return r
}

// step runs the action for an event, with a report in place of the renderer. The token is that of the workflow, unless the scene has one.
func (s *scene) step(name string, payload []byte) stepEnd {
	s.Helper()
	env := s.repo.RunnerEnv(name, payload)
	var log strings.Builder
	c := &Command{Stdout: &log, Stderr: io.Discard, Getenv: func(key string) string { return env[key] }}
	c.adjust = func(o *github.Options) {
		o.Now, o.Sleep, o.Jitter, o.Transport = s.clock.now, s.clock.sleep, func(d time.Duration) time.Duration { return d }, s.transport
	}
	c.examined = func(event github.Event) *report.Report {
		if s.examine != nil {
			s.examine()
		}
		return s.report(event.Head)
	}
	env["INPUT_TOKEN"] = s.token
	switch {
	case s.token != "":
	case name == "workflow_run":
		env["INPUT_TOKEN"] = s.gh.StageToken()
	default:
		env["INPUT_TOKEN"] = s.gh.ActionsToken()
	}
	maps.Copy(env, s.inputs)
	cmd := &cobra.Command{}
	cmd.SetContext(cmp.Or(s.ctx, s.Context()))
	end := stepEnd{code: c.exitCode(c.action(cmd)), log: log.String()}
	summary, err := os.ReadFile(env["GITHUB_STEP_SUMMARY"])
	if err != nil {
		s.Fatal(err)
	}
	end.summary = string(summary)
	return end
}

// mayIgnore lets the step prepare exceptions. For its checkout it has GitHub's own repository: the tests of cmd/sluice have a real one.
func (s *scene) mayIgnore() {
	s.inputs = map[string]string{"INPUT_IGNORE_BUTTON": "true", "INPUT_DIRECTORY": s.repo.Dir}
}

// storeReport has the first stage of a fork's run store its report.
func (s *scene) storeReport() {
	dir := s.TempDir()
	r := s.report(s.fork.Tip("theirs"))
	if err := errors.Join(writeReports(dir, r, ""), writePull(dir, &github.Pull{Number: s.forkPR})); err != nil {
		s.Fatal(err)
	}
	files := githubtest.Files{}
	for _, name := range []string{reportFile, pullFile} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			s.Fatal(err)
		}
		files[name] = string(data)
	}
	s.repo.StoreArtifact(7, forkArtifact, files)
}

// state is what people see: comments, reactions and verdicts, without what differs from run to run.
func (s *scene) state() string {
	var b strings.Builder
	var comments []string
	for _, pr := range []int{s.pr, s.forkPR} {
		for _, c := range s.repo.Comments(pr) {
			body := strings.NewReplacer(s.repo.Tip("main"), "BASE", s.head, "HEAD", s.repo.Tip("main")[:9], "BASE", s.head[:9], "HEAD", s.gh.URL, "URL").Replace(c.Body)
			if s.fork != nil {
				body = strings.NewReplacer(s.fork.Tip("theirs"), "THEIRS", s.fork.Tip("theirs")[:9], "THEIRS").Replace(body)
			}
			comments = append(comments, fmt.Sprintf("comment by %s: %s\n%q\n", c.Author, body, c.Reactions))
		}
	}
	slices.Sort(comments) // one that a second run had to add stands last
	b.WriteString(strings.Join(comments, ""))
	for _, c := range s.repo.CheckRuns(s.head) {
		fmt.Fprintf(&b, "check run %s: %s, %d annotations\n", c.Name, c.Conclusion, len(c.Annotations))
		for _, status := range s.repo.Statuses(s.head) {
			if status.Context == c.Name && status.State != c.Conclusion {
				fmt.Fprintf(&b, "a commit status says %s beside it\n", status.State)
			}
		}
	}
	for _, p := range s.repo.Pulls() {
		if p.Author == "github-actions[bot]" {
			body := strings.ReplaceAll(p.Title+"\n"+p.Body, s.gh.URL, "URL") + s.repo.Git("diff", "main.."+p.HeadRef, "--", ".sluice.yaml")
			fmt.Fprintf(&b, "pull request from %s, %s: %s\n", p.HeadRef, p.State, someDay.ReplaceAllString(body, "DAY")) // it may be midnight
		}
	}
	return b.String()
}

var someDay = regexp.MustCompile(`\d{4}-\d\d-\d\d`)
