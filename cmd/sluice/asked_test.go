package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice/internal/githubtest"
	"github.com/sluice-dev/sluice/testdata"
)

// askedScene is a pull request that people comment on.
type askedScene struct {
	*stage
	pr   int
	head string
}

func newAskedScene(t *testing.T) *askedScene {
	t.Helper()
	s := &askedScene{stage: newStage(t)}
	s.head = s.repo.Commit("feature", filesOf(t, testdata.Change()), "with mistakes")
	s.pr = s.repo.OpenPullRequest(githubtest.PullOptions{Head: "feature"})
	s.repo.SetCollaborator("wim", "write")
	return s
}

// comment has somebody write a comment, and runs the workflow on it.
func (s *askedScene) comment(author, body string, env ...map[string]string) (run stepRun, id int64) {
	s.Helper()
	id = s.repo.AddComment(s.pr, author, body)
	inputs := map[string]string{}
	for _, more := range env {
		inputs = more
	}
	return s.step("issue_comment", s.repo.CommentEvent(id, "created"), s.gh.ActionsToken(), inputs), id
}

func (s *askedScene) reactions(id int64) []string {
	for _, c := range s.repo.Comments(s.pr) {
		if c.ID == id {
			return c.Reactions
		}
	}
	return nil
}

// replies gives sluice's own comments, without their markers.
func (s *askedScene) replies() (out []string) {
	for _, c := range s.repo.Comments(s.pr) {
		if c.Author == "github-actions[bot]" {
			_, body, _ := strings.Cut(c.Body, "\n")
			out = append(out, body)
		}
	}
	return out
}

// TestRecheck has somebody with write access ask for the verdict: it is written for the head, and the run itself ends well.
func TestRecheck(t *testing.T) {
	t.Parallel()
	s := newAskedScene(t)
	before := len(s.gh.Requests())
	run, id := s.comment("wim", "Once more, please.\n\n/sluice recheck")
	s.wantCode(run, 0)
	if calls := len(s.gh.Requests()) - before; calls >= 15 {
		t.Errorf("%d API calls, want fewer than 15", calls)
	}
	if got := s.reactions(id); !slices.Equal(got, []string{"eyes"}) {
		t.Errorf("reactions %q:\n%s", got, run.log)
	}
	replies := s.replies()
	if len(replies) != 1 {
		t.Fatalf("replies %q", replies)
	}
	s.wants("the comment", replies[0], "2 findings must be fixed", "shop:1.5.0")
	if checks := s.repo.CheckRuns(s.head); len(checks) != 1 || checks[0].Conclusion != "failure" {
		t.Errorf("check runs: %+v", checks)
	}

	s.head = s.repo.Commit("feature", s.change(), "without the mistakes")
	run, _ = s.comment("wim", "/sluice recheck "+s.head[:10])
	s.wantCode(run, 0)
	if checks := s.repo.CheckRuns(s.head); len(checks) != 1 || checks[0].Conclusion != "success" {
		t.Errorf("check runs: %+v", checks)
	}
	if replies := s.replies(); len(replies) != 1 || !strings.Contains(replies[0], "no objections") {
		t.Errorf("replies %q", replies)
	}
}

// TestRecheckOfAFork has the head in a fork: it is fetched by its id, and nothing of it decides or runs.
func TestRecheckOfAFork(t *testing.T) {
	t.Parallel()
	s := newAskedScene(t)
	fork := s.repo.Fork("stranger")
	files := filesOf(t, testdata.Change())
	files[".sluice.yaml"] = "severities: {schema/invalid: \"off\", policy/resources: \"off\"}\n"
	head := fork.Commit("theirs", files, "from outside, with a gate of their own")
	s.pr = s.repo.OpenPullRequest(githubtest.PullOptions{Head: "theirs", From: fork})
	run, _ := s.comment("wim", "/sluice recheck\n/sluice diff apps/shop/overlays/prod")
	s.wantCode(run, 0)
	if checks := s.repo.CheckRuns(head); len(checks) != 1 || checks[0].Conclusion != "failure" {
		t.Errorf("check runs: %+v", checks)
	}
	replies := s.replies()
	if len(replies) != 2 {
		t.Fatalf("replies %q", replies)
	}
	s.wants("the reply", replies[0], "What changes in `apps/shop/overlays/prod`", "```diff", "shop:1.5.0")
	s.wants("the comment", replies[1], "2 findings must be fixed")
	run, _ = s.comment("stranger", "/sluice recheck")
	s.wants("the log", run.log, "stranger has none")
}

// TestRecheckOfAConflict has a head that cannot be merged: it is compared with the commit at which it left the base branch.
func TestRecheckOfAConflict(t *testing.T) {
	t.Parallel()
	s := newAskedScene(t)
	s.repo.Commit("theirs", githubtest.Files{"apps/shop/overlays/prod/kustomization.yaml": "# theirs\n"}, "conflicts")
	s.repo.Commit("main", githubtest.Files{"apps/shop/overlays/prod/kustomization.yaml": "# ours\n"}, "meanwhile")
	s.head = s.repo.Commit("theirs", filesOf(t, testdata.Change()), "the change")
	s.pr = s.repo.OpenPullRequest(githubtest.PullOptions{Head: "theirs"})
	run, _ := s.comment("wim", "/sluice recheck")
	s.wants("the log", run.log, "apps/shop/overlays/prod")
	if checks := s.repo.CheckRuns(s.head); len(checks) != 1 {
		t.Errorf("check runs: %+v\n%s", checks, run.log)
	}
}

// TestCommandsOfOthers has people without write access, and comments that are no commands: nothing runs.
func TestCommandsOfOthers(t *testing.T) {
	t.Parallel()
	s := newAskedScene(t)
	s.repo.SetCollaborator("rita", "read")
	for _, person := range []string{"rita", "stranger"} {
		run, id := s.comment(person, "/sluice recheck")
		s.wantCode(run, 0)
		s.wants("the log", run.log, "commands are for people with write access, and "+person+" has none")
		if got := s.reactions(id); !slices.Equal(got, []string{"-1"}) {
			t.Errorf("%s: reactions %q", person, got)
		}
	}
	before := len(s.gh.Requests())
	for body, says := range map[string]string{
		"> /sluice recheck":             "no command",
		"```\n/sluice recheck\n```":     "no command",
		"what does /sluice recheck do?": "no command",
	} {
		run, id := s.comment("wim", body)
		s.wantCode(run, 0)
		s.wants("the log", run.log, says)
		if got := s.reactions(id); len(got) > 0 {
			t.Errorf("%q: reactions %q", body, got)
		}
	}
	run, _ := s.comment("gatekeeper[bot]", "/sluice recheck")
	s.wants("the log", run.log, "not a person")
	for _, action := range []string{"edited", "deleted"} {
		id := s.repo.AddComment(s.pr, "wim", "/sluice recheck")
		run := s.step("issue_comment", s.repo.CommentEvent(id, action), s.gh.ActionsToken(), nil)
		s.wantCode(run, 0)
		s.wants("the log", run.log, "was "+action)
	}
	if calls := s.gh.Requests()[before:]; len(calls) > 0 {
		t.Errorf("calls for comments that are no commands: %+v", calls)
	}

	// A command that is taken back before the run begins is not obeyed.
	id := s.repo.AddComment(s.pr, "wim", "/sluice recheck")
	event := s.repo.CommentEvent(id, "created")
	s.repo.EditComment(id, "never mind")
	run = s.step("issue_comment", event, s.gh.ActionsToken(), nil)
	s.wants("the log", run.log, "taken back")

	// Who may write is not known: nobody may.
	s.gh.AddFault(githubtest.Fault{Path: "/repos/*/*/collaborators/*/permission", Times: -1, Status: 403})
	run, id = s.comment("wim", "/sluice recheck")
	s.wantCode(run, 3)
	s.wants("the log", run.log, "it is not known whether wim may command")

	if replies, checks := s.replies(), s.repo.CheckRuns(s.head); len(replies)+len(checks)+len(s.reactions(id)) > 0 {
		t.Errorf("replies %q, check runs %+v", replies, checks)
	}
}

// TestCommandsNotUnderstood has mistakes and hostile words: nothing runs, and one reply, brought up to date, says what is wrong.
func TestCommandsNotUnderstood(t *testing.T) {
	t.Parallel()
	s := newAskedScene(t)
	for _, tt := range []struct {
		body string
		says []string
	}{
		{"/sluice", []string{"only the word"}},
		{"/sluice dance", []string{"there is no command `dance`", "`/sluice diff TARGET…`"}},
		{"/sluice diff", []string{"needs the id of a target"}},
		{"/sluice recheck\n/sluice dance", []string{"have done nothing", "`dance`"}},
		{"/sluice recheck 1234567", []string{"by now, and not `1234567`"}},
		{"/sluice recheck --upload-pack=x", []string{"is no commit id"}},
		{"/sluice diff a b c d e f", []string{"6 targets are too many"}},
		{"/sluice promote --force", []string{"of `promote` is no name"}},
		{"/sluice promote", []string{"lacks `promote: true`"}},
		{"/sluice <img/src=x> @octocat", []string{"`<img/src=x>`"}},
		{"/sluice `x`y`` ::error::boo", []string{"there is no command"}},
		{"/sluice " + strings.Repeat("x", 2000), []string{"too long"}},
		{strings.Repeat("/sluice recheck\n", 30), []string{"too many"}},
	} {
		run, id := s.comment("wim", tt.body)
		s.wantCode(run, 0)
		if got := s.reactions(id); !slices.Equal(got, []string{"confused"}) {
			t.Errorf("%.50q: reactions %q:\n%s", tt.body, got, run.log)
		}
		replies := s.replies()
		if len(replies) != 1 {
			t.Fatalf("%.50q: replies %q", tt.body, replies)
		}
		s.wants("the reply", replies[0], tt.says...)
		for _, live := range []string{"\n::", " @octocat", "<img"} {
			if strings.Contains(strings.ReplaceAll(replies[0], "`<img", ""), live) {
				t.Errorf("%q is live in the reply: %s", live, replies[0])
			}
		}
	}
	if checks := s.repo.CheckRuns(s.head); len(checks) > 0 {
		t.Errorf("check runs: %+v", checks)
	}
	s.repo.ClosePullRequest(s.pr)
	run, _ := s.comment("wim", "/sluice recheck")
	s.wantCode(run, 0)
	s.wants("the log", run.log, "is closed")
}

// TestDiffCommand shows a target, and says which there are.
func TestDiffCommand(t *testing.T) {
	t.Parallel()
	s := newAskedScene(t)
	run, _ := s.comment("wim", "/sluice diff `apps/shop/overlays/prod` apps/shop/overlays/prdo")
	s.wantCode(run, 0)
	replies := s.replies()
	if len(replies) != 2 {
		t.Fatalf("replies %q:\n%s", replies, run.log)
	}
	s.wants("the reply", replies[0], "### What changes in `apps/shop/overlays/prod`", "```diff", "shop:1.5.0", s.head[:9])
	s.wants("the reply for a target that there is not", replies[1], "no target of this name", "- `apps/shop/overlays/prod`")
	if strings.Contains(replies[0], "findings") {
		t.Errorf("a diff is no check:\n%s", replies[0])
	}
	if checks := s.repo.CheckRuns(s.head); len(checks) > 0 {
		t.Errorf("check runs: %+v", checks)
	}
	run, _ = s.comment("wim", "/sluice diff apps/shop/overlays/prod")
	s.wantCode(run, 0)
	if again := s.replies(); len(again) != 2 {
		t.Errorf("the same question has another answer: %q", again)
	}
}

// TestHeadMovesMeanwhile pushes while a command is obeyed: the verdict goes to the commit that was checked, and no comment is written
// for a head that is old.
func TestHeadMovesMeanwhile(t *testing.T) {
	t.Parallel()
	s := newAskedScene(t)
	id := s.repo.AddComment(s.pr, "wim", "/sluice recheck")
	event := s.repo.CommentEvent(id, "created")
	// The first answer about the pull request is the last that knows this head.
	s.gh.OnRequest("GET", "/repos/*/*/pulls/*", 2, func() { s.repo.Commit("feature", s.change(), "pushed meanwhile") })
	run := s.step("issue_comment", event, s.gh.ActionsToken(), nil)
	s.wantCode(run, 0)
	if checks := s.repo.CheckRuns(s.head); len(checks) != 1 || checks[0].Conclusion != "failure" {
		t.Errorf("check runs of the commit that was checked: %+v", checks)
	}
	if checks := s.repo.CheckRuns(s.repo.Tip("feature")); len(checks) > 0 {
		t.Errorf("check runs of a commit that nobody checked: %+v", checks)
	}
	if replies := s.replies(); len(replies) > 0 {
		t.Errorf("replies %q", replies)
	}
}

// TestRerun has the button beside a check pressed.
func TestRerun(t *testing.T) {
	t.Parallel()
	s := newAskedScene(t)
	token := s.gh.ActionsToken()
	run := s.step("check_run", s.repo.CheckRunEvent(s.head, "lint", "rerequested"), token, nil)
	s.wantCode(run, 0)
	s.wants("the log", run.log, "no check of sluice")
	run = s.step("check_suite", s.repo.CheckSuiteEvent(s.head, "Iv1.gate", "rerequested"), token, nil)
	s.wants("the log", run.log, "no check of sluice")
	run = s.step("check_run", s.repo.CheckRunEvent(s.base, "sluice", "rerequested"), token, nil)
	s.wantCode(run, 0)
	s.wants("the log", run.log, "no open pull request")
	if checks := s.repo.CheckRuns(s.head); len(checks) > 0 {
		t.Fatalf("check runs: %+v", checks)
	}

	before := len(s.gh.Requests())
	run = s.step("check_run", s.repo.CheckRunEvent(s.head, "sluice", "rerequested"), token, nil)
	s.wantCode(run, 0)
	if calls := len(s.gh.Requests()) - before; calls >= 15 {
		t.Errorf("%d API calls, want fewer than 15", calls)
	}
	if checks := s.repo.CheckRuns(s.head); len(checks) != 1 || checks[0].Conclusion != "failure" {
		t.Errorf("check runs: %+v", checks)
	}
	if replies := s.replies(); len(replies) != 1 {
		t.Errorf("replies %q", replies)
	}

	key := s.gh.AddApp("Iv1.gate", "gatekeeper", map[string]string{"contents": "read", "pull-requests": "write", "checks": "write"}, s.repo)
	app := map[string]string{"INPUT_APP_ID": "Iv1.gate", "INPUT_PRIVATE_KEY": key}
	run = s.step("check_suite", s.repo.CheckSuiteEvent(s.head, "Iv1.gate", "rerequested"), token, app)
	s.wantCode(run, 0)
	if checks := s.repo.CheckRuns(s.head); len(checks) != 2 {
		t.Errorf("check runs: %+v", checks)
	}
}

// TestPromoteCommand has somebody ask for promotions, where the workflow lets them be opened.
func TestPromoteCommand(t *testing.T) {
	t.Parallel()
	s := newAskedScene(t)
	// A change in dev, merged.
	dev := readFileOf(s, "apps/shop/overlays/dev/size.yaml")
	s.repo.Commit("main", githubtest.Files{"apps/shop/overlays/dev/size.yaml": dev + "# newer\n", "apps/shop/overlays/dev/more.yaml": configMap}, "more in dev")
	token := s.gh.AddToken("ghs_promoter", githubtest.Token{Login: "github-actions[bot]", App: "github-actions", Permissions: map[string]string{
		"contents": "write", "pull-requests": "write", "issues": "write", "checks": "write", "statuses": "write", "deployments": "read",
	}})
	promote := map[string]string{"INPUT_PROMOTE": "true"}
	ask := func(body string) stepRun {
		id := s.repo.AddComment(s.pr, "wim", body)
		return s.step("issue_comment", s.repo.CommentEvent(id, "created"), token, promote)
	}
	run := ask("/sluice promote --from nowhere")
	s.wantCode(run, 0)
	s.wants("the reply", strings.Join(s.replies(), "\n"), "nowhere")
	before := len(s.repo.Pulls())
	run = ask("/sluice promote shop --from dev --to staging")
	s.wants("the log", run.log, "promotions")
	if pulls := s.repo.Pulls()[before:]; len(pulls) != 1 || !strings.Contains(pulls[0].HeadRef, "dev-to-staging") {
		t.Errorf("pull requests %+v, want that of one step:\n%s", pulls, run.log)
	}
	s.wants("the summary", run.summary, "### Promotions")
	id := s.repo.AddComment(s.pr, "stranger", "/sluice promote")
	run = s.step("issue_comment", s.repo.CommentEvent(id, "created"), token, promote)
	s.wants("the log", run.log, "stranger has none")
}

func readFileOf(s *askedScene, name string) string {
	return filesOf(s.T, testdata.Before())[name]
}
