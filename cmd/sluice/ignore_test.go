package main

import (
	"regexp"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice/internal/githubtest"
	"github.com/sluice-dev/sluice/testdata"
)

// ignoreScene is a pull request with two findings, in a repository whose workflows prepare exceptions with an App.
type ignoreScene struct {
	*askedScene
	app map[string]string // the inputs of both workflows
}

func newIgnoreScene(t *testing.T) *ignoreScene {
	t.Helper()
	s := &ignoreScene{askedScene: newAskedScene(t)}
	key := s.gh.AddApp("Iv1.gate", "gatekeeper", map[string]string{"contents": "write", "pull-requests": "write", "checks": "write"}, s.repo)
	s.app = map[string]string{"INPUT_APP_ID": "Iv1.gate", "INPUT_PRIVATE_KEY": key, "INPUT_IGNORE_BUTTON": "true"}
	return s
}

// check runs the gate on a pull request, and gives its check run.
func (s *ignoreScene) check(pr int, code int) githubtest.CheckRun {
	s.Helper()
	run := s.step("pull_request", s.repo.PullRequestEvent(pr, "synchronize"), s.gh.ActionsToken(), s.app)
	s.wantCode(run, code)
	for _, p := range s.repo.Pulls() {
		if p.Number == pr {
			if checks := s.repo.CheckRuns(p.Head); len(checks) > 0 {
				return checks[len(checks)-1]
			}
		}
	}
	s.Fatalf("there is no check run:\n%s", run.log)
	return githubtest.CheckRun{}
}

// click presses a button.
func (s *ignoreScene) click(run githubtest.CheckRun, button, person string, env map[string]string) stepRun {
	s.Helper()
	return s.step("check_run", s.repo.ClickEvent(run, button, person), s.gh.ActionsToken(), env)
}

// says gives what the bot of the App said on a pull request, without the first lines.
func (s *ignoreScene) says(pr int) string {
	var out []string
	for _, c := range s.repo.Comments(pr) {
		if c.Author == "gatekeeper[bot]" {
			_, body, _ := strings.Cut(c.Body, "\n")
			out = append(out, body)
		}
	}
	return strings.Join(out, "\n---\n")
}

// prepared gives the pull requests with exceptions.
func (s *askedScene) prepared() (out []githubtest.Pull) {
	for _, p := range s.repo.Pulls() {
		if strings.HasPrefix(p.HeadRef, "sluice/ignore/") {
			out = append(out, p)
		}
	}
	return out
}

var findingName = regexp.MustCompile("`([0-9a-f]{12})`")

// TestIgnoreByButton is the way of an exception from a click to the gate that opens: the click prepares a pull request, whose own check refuses it
// until a person has written a reason; once that is merged, the finding is accepted, and not before.
func TestIgnoreByButton(t *testing.T) {
	t.Parallel()
	s := newIgnoreScene(t)
	check := s.check(s.pr, 1)
	if len(check.Buttons) != 2 || check.App != "gatekeeper" || len(findingName.FindAllString(check.Text, -1)) != 7 {
		t.Fatalf("buttons %+v, text:\n%s", check.Buttons, check.Text)
	}
	button := check.Buttons[0]
	name := strings.TrimPrefix(button.Identifier, "ignore:")
	s.wants("the text", check.Text, "`/sluice ignore NAME WHY`", "`"+name+"`")

	before := len(s.gh.Requests())
	run := s.click(check, button.Identifier, "wim", s.app)
	s.wantCode(run, 0)
	if calls := len(s.gh.Requests()) - before; calls >= 20 {
		t.Errorf("%d API calls, want fewer than 20", calls)
	}
	pulls := s.prepared()
	if len(pulls) != 1 || pulls[0].HeadRef != "sluice/ignore/"+name || pulls[0].BaseRef != "main" || pulls[0].Author != "gatekeeper[bot]" {
		t.Fatalf("pull requests %+v\n%s", pulls, run.log)
	}
	pull := pulls[0]
	s.wants("the pull request", pull.Title+"\n"+pull.Body, "Accept schema/invalid until ", "`wim` asks, in #1", "apps/shop/overlays/prod/size.yaml:12", "Nobody has said why", "/sluice ignore "+name+" WHY", `reason: ""`)
	s.wants("the reply", s.says(s.pr), "is prepared in #2. Its reason is empty")
	file := s.repo.Git("show", pull.HeadRef+":.sluice.yaml")
	if got := s.repo.Git("diff", "--name-only", "main..."+pull.HeadRef); strings.TrimSpace(got) != ".sluice.yaml" {
		t.Errorf("it changes %q", got)
	}
	s.wants("the file", file, "rule: schema/invalid", "- apps/shop/overlays/prod\n", "- Deployment.apps shop-prod/shop\n", "- spec.template.spec.containers[name=metrics].imagePullPolcy\n", "owner: wim", `reason: ""`)

	// Pressed again, it is the same. The gate of both stays closed.
	s.wantCode(s.click(check, button.Identifier, "wim", s.app), 0)
	if again := s.prepared(); len(again) != 1 || again[0].Head != pull.Head {
		t.Errorf("pressed again: %+v", again)
	}
	if refused := s.check(pull.Number, 2); refused.Conclusion != "failure" || len(refused.Annotations) == 0 || refused.Annotations[0].Path != ".sluice.yaml" ||
		refused.Annotations[0].StartLine != 1+strings.Count(file[:strings.Index(file, "reason:")], "\n") {
		t.Errorf("the check of the exception: %+v", refused)
	}
	s.check(s.pr, 1)

	// A person writes why. What sluice is asked for then leaves that alone.
	s.repo.Commit(pull.HeadRef, githubtest.Files{".sluice.yaml": strings.Replace(file, `reason: ""`, "reason: corrected with the next release", 1)}, "Why")
	s.wantCode(s.click(check, button.Identifier, "wim", s.app), 0)
	s.wants("the reply", s.says(s.pr), "somebody has written since")
	if got := s.repo.Git("show", pull.HeadRef+":.sluice.yaml"); !strings.Contains(got, "with the next release") {
		t.Errorf("the reason is gone:\n%s", got)
	}
	s.check(pull.Number, 0)
	s.check(s.pr, 1)
	s.repo.MergePullRequest(pull.Number)

	// Now, and not before, the finding is accepted; the other one is not. Its button is gone.
	id := s.repo.AddComment(s.pr, "wim", "/sluice recheck")
	s.wantCode(s.step("issue_comment", s.repo.CommentEvent(id, "created"), s.gh.ActionsToken(), s.app), 0)
	check = s.repo.CheckRuns(s.head)[len(s.repo.CheckRuns(s.head))-1]
	if len(check.Buttons) != 1 || check.Buttons[0].Identifier == button.Identifier || check.Conclusion != "failure" || !strings.Contains(check.Title, "1 finding must be fixed") {
		t.Errorf("the check after the merge: %+v", check)
	}
	s.wants("the summary", check.Summary, "corrected with the next release")
	s.wantCode(s.click(check, button.Identifier, "wim", s.app), 0)
	s.wants("the reply to a button that is left over", s.says(s.pr), "This head has no finding `"+name+"`")

	s.wantCode(s.click(check, check.Buttons[0].Identifier, "wim", s.app), 0)
	if pulls := s.prepared(); len(pulls) != 2 {
		t.Errorf("pull requests %+v", pulls)
	}
}

// TestIgnoreByComment is the same with a reason from a person, without an App.
func TestIgnoreByComment(t *testing.T) {
	t.Parallel()
	s := newAskedScene(t)
	inputs := map[string]string{"INPUT_IGNORE_BUTTON": "true"}
	ask := func(body string) {
		t.Helper()
		id := s.repo.AddComment(s.pr, "wim", body)
		run := s.step("issue_comment", s.repo.CommentEvent(id, "created"), s.gh.PromotionToken(), inputs)
		s.wantCode(run, 0)
	}
	ask("/sluice ignore")
	names := findingName.FindAllStringSubmatch(strings.Join(s.replies(), "\n"), -1)
	if len(names) != 7 || len(s.prepared()) > 0 {
		t.Fatalf("names %q in %q", names, s.replies())
	}
	for i, reason := range []string{"it is `a` mock: [x] # of @acme/all", "it is another mock"} {
		ask("/sluice ignore `" + names[0][1] + "` " + reason)
		pulls := s.prepared()
		if len(pulls) != 1 {
			t.Fatalf("pull requests %+v", pulls)
		}
		s.wants("the file", s.repo.Git("show", pulls[0].HeadRef+":.sluice.yaml"), strings.ReplaceAll(reason, "`", ""))
		if strings.Contains(s.replies()[1], "acme/all") || strings.Contains(pulls[0].Title, "mock") {
			t.Errorf("try %d: the reason is told elsewhere: %q, %q", i, pulls[0].Title, s.replies())
		}
	}
	pull := s.prepared()[0]

	// The default branch changes the file meanwhile: asked again, the exception is on top of that.
	s.repo.Commit("main", githubtest.Files{".sluice.yaml": "diff: {context: 5} # ours\n"}, "More context")
	ask("/sluice ignore " + names[0][1] + " it is another mock")
	s.wants("the file", s.repo.Git("show", pull.HeadRef+":.sluice.yaml"), "diff: {context: 5} # ours\nexceptions:\n", "it is another mock")
	if got := s.repo.Git("diff", "--stat", "main..."+pull.HeadRef); !strings.Contains(got, "1 file changed") || strings.Contains(got, "deletion") {
		t.Errorf("it changes:\n%s", got)
	}
	run := s.step("pull_request", s.repo.PullRequestEvent(pull.Number, "opened"), s.gh.ActionsToken(), nil)
	s.wantCode(run, 0)

	// A person closes it, and somebody asks again.
	s.repo.ClosePullRequest(pull.Number)
	ask("/sluice ignore " + names[0][1] + " it is another mock")
	pulls := s.prepared()
	if len(pulls) != 2 || pulls[1].State != "open" {
		t.Fatalf("pull requests %+v", pulls)
	}
	s.repo.MergePullRequest(pulls[1].Number)
	ask("/sluice recheck\n/sluice ignore " + names[1][1] + " both")
	s.repo.MergePullRequest(s.prepared()[2].Number)
	ask("/sluice recheck")
	if checks := s.repo.CheckRuns(s.head); len(checks) == 0 || checks[len(checks)-1].Conclusion != "success" { // annotations that no longer hold stay on an older one
		t.Errorf("check runs: %+v", checks)
	}
}

// TestIgnoreOfAFork has the finding in a fork: the base's configuration is changed, and nothing of the fork comes near it.
func TestIgnoreOfAFork(t *testing.T) {
	t.Parallel()
	s := newIgnoreScene(t)
	fork := s.repo.Fork("stranger")
	files := filesOf(t, testdata.Change())
	files[".sluice.yaml"] = "exceptions: [{rule: policy/*, targets: ['**'], owner: me, reason: mine, until: 2099-01-01}]\n"
	s.head = fork.Commit("theirs", files, "from outside")
	s.pr = s.repo.OpenPullRequest(githubtest.PullOptions{Head: "theirs", From: fork})
	ask := func(author, body string) stepRun {
		id := s.repo.AddComment(s.pr, author, body)
		return s.step("issue_comment", s.repo.CommentEvent(id, "created"), s.gh.ActionsToken(), s.app)
	}
	s.wants("the log", ask("stranger", "/sluice ignore").log, "stranger has none")
	s.wantCode(ask("wim", "/sluice ignore"), 0)
	name := findingName.FindStringSubmatch(s.says(s.pr))
	if name == nil {
		t.Fatal(s.says(s.pr))
	}
	s.wantCode(ask("wim", "/sluice ignore "+name[1]+" known"), 0)
	pulls := s.prepared()
	if len(pulls) != 1 {
		t.Fatalf("pull requests %+v", pulls)
	}
	file := s.repo.Git("show", pulls[0].HeadRef+":.sluice.yaml")
	s.wants("the file", file, "reason: known")
	if strings.Contains(file, "mine") || strings.TrimSpace(s.repo.Git("diff", "--name-only", "main", pulls[0].HeadRef)) != ".sluice.yaml" {
		t.Errorf("something of the fork is in it:\n%s", file)
	}
}

// TestIgnoreRefused has what must not prepare anything.
func TestIgnoreRefused(t *testing.T) {
	t.Parallel()
	s := newIgnoreScene(t)
	check := s.check(s.pr, 1)
	button := check.Buttons[0].Identifier
	off := map[string]string{"INPUT_APP_ID": s.app["INPUT_APP_ID"], "INPUT_PRIVATE_KEY": s.app["INPUT_PRIVATE_KEY"]}
	otherApp, otherName, otherID := check, check, check
	otherApp.App, otherName.Name, otherID.ExternalID = "another", "lint", "shop/sluice"
	s.repo.SetCollaborator("rita", "triage")
	for name, test := range map[string]struct {
		run            githubtest.CheckRun
		button, person string
		env            map[string]string
		says           string
	}{
		"it is off":                 {check, button, "wim", off, "lacks `ignore-button: true`"},
		"a stranger":                {check, button, "stranger", s.app, "stranger has none"},
		"somebody who may not push": {check, button, "rita", s.app, "rita has none"},
		"a bot":                     {check, button, "gatekeeper[bot]", s.app, "who is not a person"},
		"the check of another App":  {otherApp, button, "wim", s.app, "none of sluice's"},
		"a check of another name":   {otherName, button, "wim", s.app, "none of sluice's"},
		"another check of the name": {otherID, button, "wim", s.app, "none of sluice's"},
		"another button":            {check, "lgtm|26764", "wim", s.app, "none of sluice's"},
		"a part of a name":          {check, button[:12], "wim", s.app, "none of sluice's"},
		"a name and more":           {check, button + "\n::error::x", "wim", s.app, "none of sluice's"},
		"a path for a name":         {check, "ignore:../../../main", "wim", s.app, "none of sluice's"},
		"an option for a name":      {check, "ignore:--upload-pac", "wim", s.app, "none of sluice's"},
	} {
		before := s.gh.Count("POST", "/repos/*/*/git/*") + s.gh.Count("POST", "/repos/*/*/pulls") + s.gh.Count("POST", "/repos/*/*/issues/*/comments")
		run := s.click(test.run, test.button, test.person, test.env)
		if run.code != 0 || !strings.Contains(run.log, test.says) {
			t.Errorf("%s: code %d, want %q in the log:\n%s", name, run.code, test.says, run.log)
		}
		if after := s.gh.Count("POST", "/repos/*/*/git/*") + s.gh.Count("POST", "/repos/*/*/pulls") + s.gh.Count("POST", "/repos/*/*/issues/*/comments"); after != before {
			t.Errorf("%s: it wrote something", name)
		}
	}

	// Who may write is not known: nobody may.
	s.gh.AddFault(githubtest.Fault{Path: "/repos/*/*/collaborators/*/permission", Status: 403})
	run := s.click(check, button, "wim", s.app)
	s.wantCode(run, 3)
	s.wants("the log", run.log, "it is not known whether wim may")

	// The name of a finding that there is not.
	s.wantCode(s.click(check, "ignore:0123456789ab", "wim", s.app), 0)
	s.wants("the reply", s.says(s.pr), "This head has no finding `0123456789ab`")

	// The token may not push: the reply says what is missing, and so does the log.
	key := s.gh.AddApp("Iv1.weak", "weak", map[string]string{"contents": "read", "pull-requests": "write", "checks": "write"}, s.repo)
	weak := check
	weak.App = "weak"
	run = s.click(weak, button, "wim", map[string]string{"INPUT_APP_ID": "Iv1.weak", "INPUT_PRIVATE_KEY": key, "INPUT_IGNORE_BUTTON": "true"})
	s.wantCode(run, 3)
	s.wants("the log", run.log, "contents: write")
	comments := s.repo.Comments(s.pr)
	s.wants("the reply", comments[len(comments)-1].Body, "contents: write", "lacks a permission")

	// Pushed meanwhile: what was seen is not what is there.
	s.repo.Commit("feature", s.change(), "pushed meanwhile")
	run = s.click(check, button, "wim", s.app)
	s.wantCode(run, 0)
	s.wants("the log", run.log, "no open pull request has commit")

	// Comments that are no commands, and those of a workflow that has it off.
	for body, says := range map[string]string{
		"/sluice ignore 0123456789ab":                                    "needs a reason",
		"/sluice ignore 0123456789ab " + strings.Repeat("ä", 201):        "has more than 200 characters",
		"/sluice ignore ../main why":                                     "is no name of a finding",
		"/sluice ignore 0123456789abc why":                               "is no name of a finding",
		"/sluice ignore\n/sluice ignore\n/sluice ignore\n/sluice ignore": "as many as one comment may ask",
	} {
		id := s.repo.AddComment(s.pr, "wim", body)
		s.wantCode(s.step("issue_comment", s.repo.CommentEvent(id, "created"), s.gh.ActionsToken(), s.app), 0)
		s.wants("the reply", s.says(s.pr), says)
	}
	id := s.repo.AddComment(s.pr, "wim", "/sluice ignore")
	s.wantCode(s.step("issue_comment", s.repo.CommentEvent(id, "created"), s.gh.ActionsToken(), off), 0)
	s.wants("the reply", s.says(s.pr), "prepares no exceptions")
	if pulls := s.prepared(); len(pulls) > 0 {
		t.Errorf("pull requests %+v", pulls)
	}
}
