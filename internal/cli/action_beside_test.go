package cli

import (
	"strings"
	"testing"

	"github.com/sluice-dev/sluice/internal/githubtest"
)

// TestOlderVerdictBesideTheCheckRun: a commit status of the check run's name says success, and the check finds mistakes. The status follows
// the check run; where the token may not write it, the log says so, and which permission would let it.
func TestOlderVerdictBesideTheCheckRun(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		level, state string
		warns        bool
	}{
		"it may write statuses": {"write", "failure", false},
		"it may read statuses":  {"read", "success", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			s.repo.SetStatus(s.head, githubtest.Status{State: "success", Context: defaultID, Creator: "github-actions[bot]"}, s.clock.now())
			s.token = s.gh.AddToken("ghs_some", githubtest.Token{Login: "github-actions[bot]", App: "github-actions", Permissions: map[string]string{
				"contents": "read", "pull-requests": "write", "checks": "write", "statuses": tt.level,
			}})
			end := s.step("pull_request", s.repo.PullRequestEvent(s.pr, "opened"))
			if runs := s.repo.CheckRuns(s.head); end.code != ExitFindings || len(runs) != 1 || runs[0].Conclusion != "failure" {
				t.Fatalf("code %d, %+v\n%s", end.code, runs, end.log)
			}
			if statuses := s.repo.Statuses(s.head); len(statuses) != 1 || statuses[0].State != tt.state {
				t.Errorf("%+v, want %s", statuses, tt.state)
			}
			warns := strings.Contains(end.log, "an older one contradicts it") && strings.Contains(end.log, "statuses: write")
			if warns != tt.warns {
				t.Errorf("the log warns: %v, want %v\n%s", warns, tt.warns, end.log)
			}
		})
	}
}
