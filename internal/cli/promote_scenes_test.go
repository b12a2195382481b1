package cli

import (
	"context"
	"log/slog"
	"testing"

	"github.com/sluice-dev/sluice/internal/githubtest"
	"github.com/sluice-dev/sluice/internal/pipeline"
)

// promotionScenes are what a run can find.
var promotionScenes = []struct {
	name    string
	prepare func(*town)
	want    []string // parts of the end state
}{
	{"a merge to dev", func(w *town) { w.dev("v2") }, []string{"pull request 2 open", "+    newTag: v2", "[#1]"}},
	{"another merge", func(w *town) { w.dev("v2"); w.calm(); w.dev("v3") }, []string{"pull request 2 open", "+    newTag: v3", "### What was added"}},
	{"the source is taken back", func(w *town) { w.dev("v2"); w.calm(); w.dev("v1") }, []string{"pull request 2 closed merged=false", "There is nothing left to promote", "branches:\n\n"}},
	{"merged", func(w *town) { w.dev("v2"); w.calm(); w.repo.MergePullRequest(2) }, []string{"pull request 2 closed merged=true", "branches:\n\n"}},
	{"a conflict", func(w *town) {
		w.repo.Commit("main", githubtest.Files{"staging/web/kustomization.yaml": overlay("hotfix"), "dev/web/extra.yaml": "a: 1\n"}, "Hotfix")
		w.dev("v2")
	}, []string{"draft=true", "labels [promotion/conflict]", "`hotfix`", "+a: 1"}},
	{"a conflict is settled, and it is merged by itself", func(w *town) {
		w.repo.AllowAutoMerge = true
		w.repo.Commit("main", githubtest.Files{
			".sluice.yaml":                   "environments:\n  staging:\n    pull-request: {auto-merge: squash}\n",
			"staging/web/kustomization.yaml": overlay("hotfix"),
		}, "Hotfix")
		w.dev("v2")
		w.calm()
		w.repo.Commit("main", githubtest.Files{"staging/web/kustomization.yaml": overlay("v1")}, "Without the hotfix")
	}, []string{`draft=false auto-merge="squash"`, "labels []", "+    newTag: v2"}},
	{"a person pushed", func(w *town) {
		w.dev("v2")
		w.calm()
		w.repo.Commit(townBranch, githubtest.Files{"staging/web/mine.yaml": "a: 1\n"}, "Mine")
		w.dev("v3")
	}, []string{"pull request 2 open", "+    newTag: v2", "so it is theirs", "staging/web/mine.yaml"}},
	{"a person closed it", func(w *town) { w.dev("v2"); w.calm(); w.repo.ClosePullRequest(2) }, []string{"pull request 2 closed merged=false", "branches:\n\n"}},
	{"closed, and the source changed since", func(w *town) { w.dev("v2"); w.calm(); w.repo.ClosePullRequest(2); w.calm(); w.dev("v3") },
		[]string{"pull request 2 closed", "pull request 4 open", "+    newTag: v3"}},
	{"the target changed under it", func(w *town) {
		w.dev("v2")
		w.calm()
		w.repo.Commit("main", githubtest.Files{"staging/web/kustomization.yaml": "# ours\n" + overlay("v1")}, "A comment")
		w.dev("v3")
	}, []string{"pull request 2 open", "+    newTag: v3"}},
	{"a stage of two environments", func(w *town) { w.pair(""); w.dev("v2") },
		[]string{"pull request 2 open", "from sluice/promote/web/dev-to-prod-eu", "pull request 3 open", "from sluice/promote/web/dev-to-prod-us"}},
	{"a stage of two environments, in one", func(w *town) { w.pair("promotion: {fan-out: together}\n"); w.dev("v2") },
		[]string{"pull request 2 open", "prod-eu/web/kustomization.yaml", "prod-us/web/kustomization.yaml"}},
	{"all applications in one", func(w *town) {
		w.repo.Commit("main", githubtest.Files{
			".sluice.yaml": "promotion: {group: environment}\n", "dev/api/kustomization.yaml": overlay("v1"), "staging/api/kustomization.yaml": overlay("v1"),
		}, "Another application")
		w.dev("v2")
		w.calm()
		w.repo.Commit("main", githubtest.Files{"dev/api/kustomization.yaml": overlay("v5")}, "Api v5")
	}, []string{"pull request 2 open", "from sluice/promote/all/dev-to-staging", "+    newTag: v5"}},
	{"a part", func(w *town) {
		w.dev("v2")
		w.repo.Commit("main", githubtest.Files{"dev/web/extra.yaml": "a: 1\n", "staging/web/extra.yaml": "a: 0\n"}, "Another file")
		w.only = []string{"field=dev/web/kustomization.yaml#images[name=web].newTag"}
	}, []string{"pull request 2 open", "from sluice/promote-only/web/dev-to-staging/field-", "+    newTag: v2"}},
	{"a rollback", func(w *town) { w.released(); w.rollsBack() },
		[]string{"pull request 3 open", "from sluice/rollback/web/staging", "-    newTag: v2", "+- {app: web, to: staging, source: ", "it is slow"}},
	{"a rollback that a person closed", func(w *town) { w.released(); w.rollsBack(); w.calm(); w.repo.ClosePullRequest(3) },
		[]string{"pull request 3 closed merged=false", "pull request 4 open"}},
	{"a rollback that is merged", func(w *town) {
		w.released()
		w.rollsBack()
		w.calm()
		w.repo.MergePullRequest(3)
		w.back = nil
	}, []string{"pull request 3 closed merged=true", "branches:\n\n"}},
	{"a rollback to which a person pushed", func(w *town) {
		w.released()
		w.rollsBack()
		w.calm()
		w.repo.Commit("sluice/rollback/web/staging", githubtest.Files{"staging/web/mine.yaml": "a: 1\n"}, "Mine")
	}, []string{"pull request 3 open", "so it is theirs"}},
	{"a part by its pull request", func(w *town) { w.dev("v2"); w.twoFiles(); w.only = []string{"pr=#1"} },
		[]string{"pull request 2 open", "from sluice/promote-only/web/dev-to-staging/pr-1", "+    newTag: v2"}},
	{"a part by a commit", func(w *town) { w.twoFiles(); w.only = []string{"commit=" + w.repo.Tip("main")}; w.dev("v2") },
		[]string{"pull request 2 open", "from sluice/promote-only/web/dev-to-staging/commit-", "+a: 1"}},
	{"past a stage", func(w *town) { w.withProd(); w.dev("v2"); w.skips("it is an outage") },
		[]string{"pull request 2 open", "from sluice/promote/web/dev-to-prod", "+    newTag: v2", "it is an outage"}},
	{"offered back", func(w *town) {
		w.repo.Commit("main", githubtest.Files{"staging/web/kustomization.yaml": overlay("hotfix")}, "Hotfix")
		w.ask = func(run *promotionRun) { run.from, run.to, run.reason = "staging", "dev", "the hotfix of the night" }
	}, []string{"pull request 1 open", "from sluice/promote/web/staging-to-dev", "+    newTag: hotfix", "the hotfix of the night"}},
	{"the job keeps a part", func(w *town) { w.asksFor("file=dev/web/kustomization.yaml"); w.dev("v3") },
		[]string{"pull request 2 open", "pull request 4 open", "from sluice/promote-only/", "from sluice/promote/web/dev-to-staging ", "+    newTag: v3"}},
	{"the source takes back what a part has", func(w *town) { w.asksFor("pr=#1"); w.dev("v1") },
		[]string{"pull request 2 closed merged=false", "There is nothing left to promote", "branches:\n\n"}},
	{"a part is merged", func(w *town) { w.asksFor("pr=#1"); w.twoFiles(); w.repo.MergePullRequest(2) },
		[]string{"pull request 2 closed merged=true", "pull request 3 open", "+a: 1"}},
	{"a part that a person closed", func(w *town) { w.asksFor("pr=#1"); w.repo.ClosePullRequest(2) },
		[]string{"pull request 2 closed merged=false", "pull request 3 open"}},
	{"the job keeps what goes past a stage", func(w *town) {
		w.withProd()
		w.dev("v2")
		w.skips("it is an outage")
		w.calm()
		w.ask = nil
		w.dev("v3")
	}, []string{"pull request 2 open", "from sluice/promote/web/dev-to-prod", "+    newTag: v3", "it is an outage"}},
	{"a gate that waits", func(w *town) { w.gates("statuses: [soaked]"); w.dev("v2") },
		[]string{"pull request 2 open", "status sluice/gate: pending status soaked", "+    newTag: v2"}},
	{"a gate that opens", func(w *town) { w.gates("statuses: [soaked]"); w.dev("v2"); w.calm(); w.soaked() },
		[]string{"pull request 2 open", "status sluice/gate: success"}},
	{"the newest waits, and the one before it goes", func(w *town) {
		w.gates("statuses: [soaked]")
		w.dev("v2")
		w.soaked()
		w.dev("v3")
	}, []string{"pull request 3 open", "status sluice/gate: success", "+    newTag: v2"}},
	{"more comes after an approval", func(w *town) {
		w.gates("approvals: 1")
		w.dev("v2")
		w.calm()
		w.repo.Review(2, "wim", "APPROVED", "MEMBER")
		w.calm()
		w.dev("v3")
	}, []string{"pull request 2 open", "status sluice/gate: pending approvals: 0 of 1", "+    newTag: v3"}},
}

// sceneNamed gives what leads to a scene.
func sceneNamed(t *testing.T, name string) func(*town) {
	t.Helper()
	for _, scene := range promotionScenes {
		if scene.name == name {
			return scene.prepare
		}
	}
	t.Fatalf("no scene %q", name)
	return nil
}

// twoFiles has somebody push another change of dev to the default branch, without a pull request.
func (w *town) twoFiles() {
	w.repo.Commit("main", githubtest.Files{"dev/web/extra.yaml": "a: 1\n"}, "Another file")
}

// withProd adds an environment after staging.
func (w *town) withProd() {
	w.repo.Commit("main", githubtest.Files{
		"prod/web/kustomization.yaml": overlay("v1"), "prod/web/deployment.yaml": w.repo.Git("show", "main:dev/web/deployment.yaml") + "\n",
	}, "Production")
}

// skips has the runs from now on go from dev to prod.
func (w *town) skips(reason string) {
	w.ask = func(run *promotionRun) { run.from, run.to, run.reason = "dev", "prod", reason }
}

// asksFor has dev changed by pull request 1, and a part of that asked for, once.
func (w *town) asksFor(part string) {
	w.dev("v2")
	w.only = []string{part}
	w.calm()
	w.only = nil
}

// gates sets a gate before staging.
func (w *town) gates(rule string) {
	w.repo.Commit("main", githubtest.Files{".sluice.yaml": "targets: [{path: \"{env}/{app}\"}]\npromotion: {gates: [{to: staging, " + rule + "}]}\n"}, "A gate")
}

// soaked has the status come that a gate waits for, on what the default branch has now.
func (w *town) soaked() {
	w.repo.SetStatus(w.repo.Tip("main"), githubtest.Status{State: "success", Context: "soaked", Creator: "argo-cd[bot]"}, w.clock.now())
}

// released has v2 of the application promoted and merged.
func (w *town) released() {
	w.dev("v2")
	w.calm()
	w.repo.MergePullRequest(2)
	w.calm()
}

// rollsBack has the runs from now on take that back.
func (w *town) rollsBack() {
	w.back = &rollbackOrder{app: "web", env: "staging", reason: "it is slow", log: slog.New(slog.DiscardHandler),
		prove: func(_ context.Context, planned *pipeline.RollbackPlan) error {
			for i := range planned.Targets {
				planned.Targets[i].Rendered = pipeline.RendersSame
			}
			return nil
		}}
}
