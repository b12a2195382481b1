package github_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/sluice-dev/sluice/internal/github"
	"github.com/sluice-dev/sluice/internal/githubtest"
)

func TestProtection(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	got, err := s.client.Protection(t.Context(), "")
	if diff := cmp.Diff(github.Protection{Branch: "main"}, got); err != nil || diff != "" {
		t.Error(err, diff)
	}
	s.gh.PageSize = 1
	s.gh.Grown = map[string]bool{"repos/get-branch-rules": true} // there are new rules every year
	s.repo.ProtectClassic("build")
	s.repo.AddRules(
		githubtest.RequireChecks(15368, "sluice"), githubtest.RequireChecks(0, "lint"), githubtest.Rule{Type: "merge_queue"},
		githubtest.RequirePulls(true),
		githubtest.Rule{Type: "one_of_next_year", Parameters: map[string]any{"required_status_checks": "x"}},
	)
	got, err = s.client.Protection(t.Context(), "")
	want := github.Protection{
		Branch: "main", PullRequest: true, CodeOwners: true, MergeQueue: true, Classic: true,
		Required: []github.RequiredCheck{{Name: "build"}, {Name: "lint"}, {Name: "sluice", App: 15368}},
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Error(err, diff)
	}
	if required, bound := got.Requires("sluice"); !required || !bound {
		t.Errorf("sluice: required %t, bound %t", required, bound)
	}
}
