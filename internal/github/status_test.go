package github_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice/internal/github"
	"github.com/sluice-dev/sluice/internal/githubtest"
)

// TestStatusBesideTheCheckRun: one run could write a commit status only, and the next, on the same commit, writes a check run of the same name and
// another verdict. GitHub requires both, so the status must not stay behind.
func TestStatusBesideTheCheckRun(t *testing.T) {
	t.Parallel()
	may := map[string]string{"contents": "read", "checks": "write", "statuses": "write"}
	without := func(area, level string) githubtest.Token {
		less := maps.Clone(may)
		less[area] = level
		return githubtest.Token{Login: "acme[bot]", App: "acme", Permissions: less}
	}
	for name, tt := range map[string]struct {
		token      githubtest.Token // of the second run
		fault      githubtest.Fault // of its look for statuses
		conclusion string           // of the second run; that of the first is failure
		fresh      bool
		states     []string // of the status called as the check run, in the end
		says       string   // why it contradicts the check run
		calls      int
	}{
		"another verdict":              {without("", ""), githubtest.Fault{}, github.Success, false, []string{"success"}, "", 4},
		"the same verdict":             {without("", ""), githubtest.Fault{}, github.Failure, false, []string{"failure"}, "", 3},
		"it may read statuses only":    {without("statuses", "read"), githubtest.Fault{}, github.Success, false, []string{"failure"}, "statuses: write", 4},
		"it may not read them":         {without("", ""), githubtest.Fault{Status: 403}, github.Success, false, []string{"failure"}, "", 3},
		"the commit was made just now": {without("", ""), githubtest.Fault{}, github.Success, true, []string{"failure"}, "", 2},
		"the look fails once":          {without("", ""), githubtest.Fault{Status: 502}, github.Success, false, []string{"success"}, "", 5},
		"the answer breaks off":        {without("", ""), githubtest.Fault{Reset: true, Apply: true}, github.Success, false, []string{"success"}, "", 5},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			s.gh.PageSize = 1
			first := s.as(t, s.gh.AddToken("first", without("checks", "read")))
			if got := s.publishCheck(t, first, s.check(0)); got.Kind != github.AsStatus {
				t.Fatalf("%+v", got)
			}
			if tt.fault.Status != 0 || tt.fault.Reset {
				s.gh.AddFault(tt.fault.On("GET", "/repos/*/*/commits/*/status"))
			}
			check := s.check(0)
			check.Conclusion, check.New = tt.conclusion, tt.fresh
			second := s.as(t, s.gh.AddToken("second", tt.token))
			got := s.publishCheck(t, second, check)
			said := ""
			if got.Contradicts != nil {
				said = got.Contradicts.Error()
			}
			if got.Kind != github.AsCheckRun || (said == "") != (tt.says == "") || !strings.Contains(said, tt.says) || second.Calls() != tt.calls {
				t.Errorf("%+v in %d calls, which says %q", got, second.Calls(), said)
			}
			if run := s.onlyRun(t); run.Conclusion != tt.conclusion {
				t.Errorf("%+v", run)
			}
			var states []string
			for _, status := range s.repo.Statuses(s.head) {
				states = append(states, status.State)
			}
			if !slices.Equal(states, tt.states) {
				t.Errorf("statuses %q, want %q", states, tt.states)
			}
		})
	}
}

// TestStatusOfAnotherName is none of ours, and where there is no status none is made.
func TestStatusOfAnotherName(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.gh.PageSize = 1
	for _, name := range []string{"sluice/gate", "build", "sluice "} {
		s.repo.SetStatus(s.head, githubtest.Status{State: "pending", Context: name, Creator: "octocat"}, s.clock.now())
	}
	check := s.check(0)
	check.Conclusion = github.Success
	if got := s.publishCheck(t, s.client, check); got.Kind != github.AsCheckRun || got.Contradicts != nil {
		t.Errorf("%+v", got)
	}
	for _, status := range s.repo.Statuses(s.head) {
		if status.State != "pending" {
			t.Errorf("%+v", status)
		}
	}
	if n := s.gh.Count("POST", statusPath); n != 0 {
		t.Errorf("%d statuses were written", n)
	}
}

// TestStatusThatIsThere: GitHub takes a thousand statuses of a context on a commit. What says the same already is not said again.
func TestStatusThatIsThere(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	gate := github.Status{Context: "sluice/gate", State: "pending", Description: strings.Repeat("soak ", 40), URL: "https://example.com/run/0"}
	written := func() int { return s.gh.Count("POST", statusPath) }
	set := func(st github.Status) {
		t.Helper()
		if err := s.as(t, s.gh.ActionsToken()).SetStatus(t.Context(), s.head, st); err != nil {
			t.Fatal(err)
		}
	}
	for run := range 4 {
		gate.URL = fmt.Sprint("https://example.com/run/", run)
		set(gate)
	}
	if written() != 1 {
		t.Errorf("%d statuses were written, want one", written())
	}
	gate.Description = "soaks until nine"
	set(gate)
	gate.State = "success"
	set(gate)
	if got := s.repo.Statuses(s.head); written() != 3 || len(got) != 1 || got[0].State != "success" {
		t.Errorf("%d statuses were written, %+v", written(), got)
	}

	// The verdict that stands in for a check run.
	person := s.gh.AddToken("person", githubtest.Token{Login: "octocat", Permissions: map[string]string{"statuses": "write"}})
	for range 3 {
		if got := s.publishCheck(t, s.as(t, person), s.check(0)); got.Kind != github.AsStatus || got.URL == "" {
			t.Errorf("%+v", got)
		}
	}
	if written() != 4 {
		t.Errorf("%d statuses were written, want one more", written())
	}

	// Who may not read them writes; and what GitHub takes no more is told.
	s.gh.AddFault(githubtest.Fault{Status: 403, Times: -1}.On("GET", "/repos/*/*/commits/*/status"))
	set(gate)
	if written() != 5 {
		t.Errorf("%d statuses were written, want it written unread", written())
	}
	for range 1000 {
		s.repo.SetStatus(s.head, githubtest.Status{State: "success", Context: gate.Context, Creator: "octocat"}, s.clock.now())
	}
	if err := s.client.SetStatus(t.Context(), s.head, gate); err == nil || !strings.Contains(err.Error(), "maximum number of statuses") {
		t.Errorf("%v, want it refused", err)
	}
}

// TestCheckRunBesideTheStatus: one run could write a check run, and the next, on the same commit, a commit status only, with another verdict.
func TestCheckRunBesideTheStatus(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		checks, conclusion string // of the second run; that of the first is failure
		fresh, says        bool
	}{
		"another verdict":     {"read", github.Success, false, true},
		"the same verdict":    {"read", github.Failure, false, false},
		"it may not see them": {"", github.Success, false, false},
		"made just now":       {"read", github.Success, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			s.publishCheck(t, s.client, s.check(0))
			check := s.check(0)
			check.Conclusion, check.New = tt.conclusion, tt.fresh
			permissions := map[string]string{"statuses": "write"}
			if tt.checks != "" {
				permissions["checks"] = tt.checks
			} else {
				s.gh.AddFault(githubtest.Fault{Status: 403, Times: -1}.On("GET", "/repos/*/*/commits/*/check-runs"))
			}
			second := s.as(t, s.gh.AddToken("second", githubtest.Token{Login: "acme[bot]", App: "acme", Permissions: permissions}))
			got := s.publishCheck(t, second, check)
			if got.Kind != github.AsStatus || (got.Contradicts != nil) != tt.says {
				t.Errorf("%+v", got)
			}
			if tt.says && !strings.Contains(got.Contradicts.Error(), "says failure") {
				t.Error(got.Contradicts)
			}
		})
	}
}
