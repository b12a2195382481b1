package cli

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice/internal/crew"
)

// TestMistakeOfOurs has sluice itself break down: the commit says so, the green of an earlier run does not stand, and what broke is told in
// the log alone.
func TestMistakeOfOurs(t *testing.T) {
	t.Parallel()
	for name, run := range map[string]func(*scene) (string, []byte){
		"pull_request": func(s *scene) (string, []byte) { return "pull_request", s.repo.PullRequestEvent(s.pr, "opened") },
		"merge_group": func(s *scene) (string, []byte) {
			return "merge_group", s.repo.MergeGroupEvent(s.repo.Tip("main"), s.head)
		},
		"push": func(s *scene) (string, []byte) {
			return "push", s.repo.PushEvent("refs/heads/feature", s.repo.Tip("main"), s.head)
		},
		"check_run": func(s *scene) (string, []byte) {
			return "check_run", s.repo.CheckRunEvent(s.head, "sluice", "rerequested")
		},
		"issue_comment": func(s *scene) (string, []byte) {
			return "issue_comment", s.repo.CommentEvent(s.repo.AddComment(s.pr, "wim", "/sluice recheck"), "created")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			event, payload := run(s)
			s.step(event, payload)
			s.examine = func() { // as a check does nearly everything
				var work crew.Crew
				work.Go(func() error { panic("what the Secret held") })
				_ = work.Wait()
			}
			func() {
				defer func() {
					if p, ok := recover().(*crew.Panic); !ok || p.Value != "what the Secret held" {
						t.Errorf("%v: the mistake is not passed on to the log", p)
					}
				}()
				s.step(event, payload)
			}()
			checks := s.repo.CheckRuns(s.head)
			if last := checks[len(checks)-1]; last.Conclusion != "action_required" || !strings.Contains(last.Summary, "sluice made a mistake") {
				t.Errorf("check runs: %+v", checks)
			}
			for _, check := range checks {
				if strings.Contains(check.Title+check.Summary, "Secret") {
					t.Errorf("what broke is in the check run: %+v", check)
				}
			}
		})
	}
}

// TestCancelled cancels a run at each of its calls and before the first: nothing stays in progress, what stands is a whole verdict or none,
// and the next run leaves everything as without.
func TestCancelled(t *testing.T) {
	t.Parallel()
	calm := newScene(t)
	if end := calm.step("pull_request", calm.repo.PullRequestEvent(calm.pr, "opened")); end.code != ExitFindings {
		t.Fatal(end.log)
	}
	for nth := range len(calm.gh.Requests()) + 1 {
		s := newScene(t)
		ctx, cancel := context.WithCancel(t.Context())
		s.ctx = ctx
		calls := 0
		s.transport = roundTrip(func(req *http.Request) (*http.Response, error) {
			if calls++; calls == nth {
				cancel()
			}
			return http.DefaultTransport.RoundTrip(req)
		})
		s.examine = func() {
			if nth == 0 {
				cancel()
			}
		}
		payload := s.repo.PullRequestEvent(s.pr, "opened")
		if end := s.step("pull_request", payload); end.code != ExitIncomplete && nth < len(calm.gh.Requests()) {
			t.Errorf("cancelled at call %d: exit code %d:\n%s", nth, end.code, end.log)
		}
		for _, check := range s.repo.CheckRuns(s.head) {
			if check.Status != "completed" || check.Conclusion != "failure" {
				t.Errorf("cancelled at call %d: check run %+v", nth, check)
			}
		}
		s.ctx, s.examine, s.transport = nil, nil, nil
		s.step("pull_request", payload)
		if got := s.state(); got != calm.state() {
			t.Errorf("cancelled at call %d, the next run leaves\n%s\nwant\n%s", nth, got, calm.state())
		}
		cancel()
	}
	if checks := calm.repo.CheckRuns(calm.head); len(checks) != 1 {
		t.Errorf("check runs: %+v", checks)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

// RoundTrip implements http.RoundTripper.
func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }
