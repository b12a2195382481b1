package github_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-dev/sluice/internal/github"
	"github.com/sluice-dev/sluice/internal/githubtest"
)

// minute is a time of the scene.
func minute(n int) time.Time { return time.Date(2026, 11, 23, 10, n, 0, 0, time.UTC) }

// gateScene gives a scene whose lists have small pages, and the token of a promotion.
func gateScene(t *testing.T) (*scene, *github.Client) {
	t.Helper()
	s := newScene(t)
	s.gh.PageSize = 2
	return s, s.as(t, s.gh.AddToken("ghs_gates", githubtest.Token{
		Login: "github-actions[bot]", App: "github-actions",
		Permissions: map[string]string{"contents": "read", "pull-requests": "read", "checks": "read", "statuses": "read", "deployments": "read"},
	}))
}

func said(signals []github.Signal) (out []string) {
	for _, s := range signals {
		out = append(out, fmt.Sprintf("%s %s %s %s", s.Kind, s.Name, s.State, s.At.UTC().Format("15:04")))
	}
	return out
}

// TestSignals reads everything that was said of a commit, over several pages, and nothing of others.
func TestSignals(t *testing.T) {
	t.Parallel()
	s, client := gateScene(t)
	const argo = "continuous-delivery/shop"
	for i, state := range []string{"pending", "success", "error", "failure", "success"} {
		s.repo.SetStatus(s.head, githubtest.Status{State: state, Context: argo, Creator: "argo-cd[bot]"}, minute(i))
	}
	s.repo.SetStatus(s.repo.Tip("main"), githubtest.Status{State: "failure", Context: argo, Creator: "argo-cd[bot]"}, minute(6))
	for i, conclusion := range []string{"success", "neutral", "skipped", "timed_out", ""} {
		s.repo.AddCheckRun(s.head, "flux", fmt.Sprintf("run-%d", i), conclusion, minute(10+i))
	}
	old, current := s.repo.Deploy(s.head, "dev", minute(20)), s.repo.Deploy(s.head, "dev", minute(30))
	s.repo.SetDeployment(old, "in_progress", minute(21))
	s.repo.SetDeployment(old, "success", minute(22))
	s.repo.SetDeployment(old, "inactive", minute(31))
	s.repo.SetDeployment(current, "failure", minute(32))

	got, err := client.Signals(t.Context(), s.head, github.SignalKinds{Statuses: true, Deployments: true})
	want := []string{
		"status continuous-delivery/shop pending 10:00", "status continuous-delivery/shop success 10:01", "status continuous-delivery/shop failure 10:02",
		"status continuous-delivery/shop failure 10:03", "status continuous-delivery/shop success 10:04",
		"status run-4 pending 10:14", "status run-3 failure 10:13", "status run-2 pending 10:12", "status run-1 success 10:11", "status run-0 success 10:10",
		"deployment dev pending 10:30", "deployment dev failure 10:32",
		"deployment dev pending 10:20", "deployment dev pending 10:21", "deployment dev success 10:22",
	}
	if diff := cmp.Diff(want, said(got)); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	calls := s.gh.Count(http.MethodGet, "/repos/*/*/deployments*")
	if _, err := client.Signals(t.Context(), s.head, github.SignalKinds{Statuses: true}); err != nil || s.gh.Count(http.MethodGet, "/repos/*/*/deployments*") != calls {
		t.Errorf("deployments were asked for without need, %v", err)
	}
}

// TestSignalsThatCannotBeRead: nothing is given where a part is missing.
func TestSignalsThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for path, permission := range map[string]string{
		"/repos/*/*/commits/*/statuses": "statuses: read", "/repos/*/*/commits/*/check-runs": "checks: read",
		"/repos/*/*/deployments": "deployments: read", "/repos/*/*/deployments/*/statuses": "deployments: read",
	} {
		s, client := gateScene(t)
		s.repo.SetStatus(s.head, githubtest.Status{State: "success", Context: "ok"}, minute(0))
		s.repo.Deploy(s.head, "dev", minute(1))
		s.gh.AddFault(githubtest.Fault{Path: path, Status: 403, Body: map[string]any{"message": "Resource not accessible by integration", "documentation_url": "https://docs.github.com/rest"}})
		got, err := client.Signals(t.Context(), s.head, github.SignalKinds{Statuses: true, Deployments: true})
		if missing := new(github.PermissionError); got != nil || !errors.As(err, &missing) || !strings.Contains(err.Error(), permission) {
			t.Errorf("%s: %v, %v", path, got, err)
		}
	}
}

func TestReviews(t *testing.T) {
	t.Parallel()
	s, client := gateScene(t)
	s.repo.Review(s.pr, "ann", "APPROVED", "MEMBER")
	s.repo.Review(s.pr, "bob", "CHANGES_REQUESTED", "COLLABORATOR")
	before := s.head
	head := s.push(t)
	s.repo.Review(s.pr, "eve", "APPROVED", "NONE")
	got, err := client.Reviews(t.Context(), s.pr)
	want := []github.Review{{"ann", "APPROVED", before, true}, {"bob", "CHANGES_REQUESTED", before, true}, {"eve", "APPROVED", head, false}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}
