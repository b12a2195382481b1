package cli

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-dev/sluice/internal/config"
	"github.com/sluice-dev/sluice/internal/gate"
	"github.com/sluice-dev/sluice/internal/git"
	"github.com/sluice-dev/sluice/internal/github"
	"github.com/sluice-dev/sluice/internal/githubtest"
	"github.com/sluice-dev/sluice/internal/pipeline"
	"github.com/sluice-dev/sluice/internal/plan"
)

// gateYard is a repository on GitHub whose dev changes commit by commit.
type gateYard struct {
	gh     *githubtest.GitHub
	repo   *githubtest.Repo
	keeper *gatekeeper
	edge   pipeline.GatedEdge
	now    time.Time
}

func newGateYard(t *testing.T, rules string, commits ...githubtest.Files) (y *gateYard, ids []string) {
	t.Helper()
	cfg, problems := config.Parse(config.FileName, []byte("promotion: {gates: ["+rules+"]}"))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	y = &gateYard{gh: githubtest.New(t), now: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)}
	y.gh.PageSize = 2
	y.repo = y.gh.CreateRepo("acme/config")
	for i, files := range commits {
		ids = append(ids, y.repo.Commit("main", files, fmt.Sprintf("change %d", i)))
	}
	token := y.gh.AddToken("ghs_gates", githubtest.Token{Login: "github-actions[bot]", App: "github-actions", Permissions: map[string]string{
		"contents": "read", "pull-requests": "read", "checks": "read", "statuses": "read", "deployments": "read",
	}})
	client, err := github.New(github.Options{Repo: y.repo.FullName, Token: token, APIURL: y.gh.APIURL})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	y.repo.Git("clone", "--quiet", ".", dir)
	repo, err := git.Open(t.Context(), dir, git.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { repo.Close() })
	if y.keeper, err = newGatekeeper(t.Context(), repo, client, ids[len(ids)-1], y.now); err != nil {
		t.Fatal(err)
	}
	y.edge = pipeline.GatedEdge{
		App: "shop", From: "dev", To: "staging", FromTarget: plan.Target{ID: "shop/dev", Dir: "shop/dev", App: "shop", Environment: "dev", Kind: config.Kustomize},
		Source: ids[len(ids)-1], Rules: cfg.GatesFor("shop", "dev", "staging"),
	}
	return y, ids
}

func (y *gateYard) say(commit, state string, ago time.Duration) {
	y.repo.SetStatus(commit, githubtest.Status{State: state, Context: "continuous-delivery/shop", Creator: "argo-cd[bot]"}, y.now.Add(-ago))
}

// candidates gives the candidates as their commits' places and what their gates say.
func (y *gateYard) candidates(t *testing.T, ids []string, promoted string) (out []string, chosen int) {
	t.Helper()
	list, err := y.keeper.candidates(t.Context(), y.edge, promoted, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range list {
		for i, id := range ids {
			if id == c.Commit {
				out = append(out, fmt.Sprintf("%d %s", i, c.Result.State))
			}
		}
	}
	return out, gate.Choose(list, "")
}

var (
	devBase    = githubtest.Files{"shop/dev/kustomization.yaml": "resources: [../base]\n", "shop/base/kustomization.yaml": "resources: [app.yaml]\n", "shop/base/app.yaml": "a: 1\n"}
	devChanged = githubtest.Files{"shop/base/app.yaml": "a: 2\n"}
	docs       = githubtest.Files{"README.md": "words\n"}
	devAgain   = githubtest.Files{"shop/dev/kustomization.yaml": "resources: [../base]\nnamePrefix: x-\n"}
)

const soakRule = `{to: staging, statuses: ["continuous-delivery/{app}"], soak: 2h}`

// TestTheNewestWhoseGatesPass: a change that still soaks does not keep an earlier one back, and what is said of a later commit
// with the same inputs counts.
func TestTheNewestWhoseGatesPass(t *testing.T) {
	t.Parallel()
	y, ids := newGateYard(t, soakRule, devBase, devChanged, docs, devAgain)
	y.say(ids[0], "success", 20*time.Hour)
	y.say(ids[2], "success", 3*time.Hour) // Argo CD saw the later commit only, which changed documentation
	y.say(ids[3], "success", time.Hour)
	got, chosen := y.candidates(t, ids, ids[0])
	if diff := cmp.Diff([]string{"3 wait", "1 open"}, got); diff != "" || chosen != 1 {
		t.Errorf("chosen %d (-want +got):\n%s", chosen, diff)
	}
	if result, err := y.keeper.evaluate(t.Context(), y.edge, nil); err != nil || result.State != gate.Wait || !result.Until().Equal(y.now.Add(time.Hour)) {
		t.Errorf("%+v, %v", result, err)
	}
}

// TestAFailureInBetween begins the soak anew, wherever among the commits of the same state it was said.
func TestAFailureInBetween(t *testing.T) {
	t.Parallel()
	y, ids := newGateYard(t, soakRule, devBase, devChanged, docs)
	y.say(ids[1], "success", 5*time.Hour)
	y.say(ids[1], "failure", time.Hour)
	y.say(ids[2], "success", 30*time.Minute)
	if got, chosen := y.candidates(t, ids, ids[0]); len(got) != 1 || got[0] != "1 wait" || chosen != 0 {
		t.Errorf("%v, chosen %d", got, chosen)
	}
}

// TestGitHubIsAskedLittle: each commit once, whatever the number of edges, and nothing that no rule asks for.
func TestGitHubIsAskedLittle(t *testing.T) {
	t.Parallel()
	y, ids := newGateYard(t, soakRule, devBase, devChanged)
	y.say(ids[1], "success", 3*time.Hour)
	for range 3 {
		y.candidates(t, ids, "")
	}
	if calls := y.gh.Requests(); len(calls) != 2 { // statuses and check runs
		t.Errorf("%d calls, want 2: %v", len(calls), calls)
	}
}

// TestGitHubCannotBeAsked: then nothing is promoted, and the reason is told.
func TestGitHubCannotBeAsked(t *testing.T) {
	t.Parallel()
	y, ids := newGateYard(t, `{statuses: [x], deployments: ["{from}"], soak: 1h, approvals: 1}`, devBase)
	y.gh.AddFault(githubtest.Fault{Method: http.MethodGet, Path: "/repos/*/*/commits/*/statuses", Status: 403, Times: 9, Body: map[string]any{
		"message": "Resource not accessible by integration", "documentation_url": "https://docs.github.com/rest",
	}})
	list, err := y.keeper.candidates(t.Context(), y.edge, "", y.keeper.pullOf(t.Context(), 1, ids[0], nil, y.edge.Rules))
	if err != nil || len(list) != 1 || list[0].Result.SourceOpen() || len(list[0].Result.Closed()) != 4 {
		t.Fatalf("%+v, %v", list, err)
	}
	y.keeper.client = nil
	if result, err := y.keeper.evaluate(t.Context(), y.edge, nil); err != nil || result.State != gate.Wait || result.Gates[0].Reason != "it cannot be read: GitHub is not asked here" {
		t.Errorf("%+v, %v", result, err)
	}
}
