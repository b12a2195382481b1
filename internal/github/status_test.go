package github_test

import (
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
