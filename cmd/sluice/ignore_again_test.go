package main

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice/internal/githubtest"
)

// offered runs the gate, and gives the name of the first finding that may be accepted, its button and the check.
func (s *ignoreScene) offered() (name, button string, check githubtest.CheckRun) {
	s.Helper()
	check = s.check(s.pr, 1)
	button = check.Buttons[0].Identifier
	return strings.TrimPrefix(button, "ignore:"), button, check
}

// ask comments as somebody who may write; the run must end well.
func (s *ignoreScene) ask(person, body string) {
	s.Helper()
	s.repo.SetCollaborator(person, "write")
	id := s.repo.AddComment(s.pr, person, body)
	s.wantCode(s.step("issue_comment", s.repo.CommentEvent(id, "created"), s.gh.ActionsToken(), s.app), 0)
}

// updateBranch merges the default branch into another, as GitHub's button does.
func (s *ignoreScene) updateBranch(branch string) {
	s.Helper()
	tree := strings.TrimSpace(s.repo.Git("merge-tree", "--write-tree", branch, "main"))
	commit := strings.TrimSpace(s.repo.Git("-c", "user.name=wim", "-c", "user.email=wim@example.com", "commit-tree", tree,
		"-p", branch, "-p", "main", "-m", "Merge branch 'main' into "+branch))
	s.repo.Git("update-ref", "refs/heads/"+branch, commit)
}

// TestIgnoreOnABranchOfOthers has people who wrote on the branch before sluice did: it opens no pull request for what they wrote, whatever their
// commits say of themselves.
func TestIgnoreOnABranchOfOthers(t *testing.T) {
	t.Parallel()
	s := newIgnoreScene(t)
	name, button, check := s.offered()
	branch := "sluice/ignore/" + name
	s.ask("wim", "/sluice ignore "+name+" known")
	s.wants("the reply", s.says(s.pr), "is prepared in #2")
	written := s.repo.Git("show", branch+":.sluice.yaml")
	s.repo.ClosePullRequest(2)

	s.repo.Git("update-ref", "-d", "refs/heads/"+branch)
	s.repo.Commit(branch, githubtest.Files{".sluice.yaml": written, "apps/shop/base/extra.yaml": "# more\n"}, "An exception, and more")
	s.ask("wim", "/sluice ignore "+name+" known")
	s.wants("the reply", s.says(s.pr), "I cannot write the exception `"+name+"`: somebody else has written on the branch "+branch, "open one yourself", "reason: known")

	forged := fmt.Sprintf("Prepare an exception\n\nSluice-Exception: %s\nSluice-Tree: %s", name, strings.TrimSpace(s.repo.Git("rev-parse", branch+"^{tree}")))
	s.repo.Git("update-ref", "refs/heads/"+branch, strings.TrimSpace(s.repo.Git("-c", "user.name=wim", "-c", "user.email=wim@example.com",
		"commit-tree", branch+"^{tree}", "-p", "main", "-m", forged)))
	s.wantCode(s.click(check, button, "wim", s.app), 0)
	if pulls := s.prepared(); len(pulls) != 1 {
		t.Errorf("pull requests for what others wrote: %+v", pulls[1:])
	}
}

var lastDay = regexp.MustCompile(`until: \S+`)

// TestIgnoreAgain has one exception through its lives: a reason that a person wrote, merged, ended, and asked for again, with
// other reasons of other people, and GitHub's "Update branch" in between.
func TestIgnoreAgain(t *testing.T) {
	t.Parallel()
	s := newIgnoreScene(t)
	name, button, check := s.offered()
	branch := "sluice/ignore/" + name
	file := func() string { return s.repo.Git("show", branch+":.sluice.yaml") }
	s.wantCode(s.click(check, button, "wim", s.app), 0)

	// What a person wrote there is told before anything else, and a reason that came too late is not dropped without a word.
	s.repo.Commit(branch, githubtest.Files{".sluice.yaml": "# ours\n" + file()}, "A comment")
	s.ask("rita", "/sluice ignore "+name+" too late")
	s.wants("the reply", s.says(s.pr), "somebody has written since", "Its reason is empty")
	s.repo.Commit(branch, githubtest.Files{".sluice.yaml": strings.Replace(file(), `reason: ""`, "reason: of a person", 1)}, "Why")
	s.ask("rita", "/sluice ignore "+name+" too late")
	s.wants("the reply", s.says(s.pr), "somebody has written since", "The reason in it is not yours")

	// Merged, with the branch kept, and ended: the work of that person is done, and a click renews it with the reason that it had.
	s.repo.MergePullRequest(2)
	ended := lastDay.ReplaceAllString(s.repo.Git("show", "main:.sluice.yaml"), "until: 2020-01-01")
	s.repo.Commit("main", githubtest.Files{".sluice.yaml": ended}, "Time passes")
	s.wantCode(s.click(check, button, "rita", s.app), 0)
	s.wants("the reply", s.says(s.pr), "is prepared in #3. It holds once")
	s.wants("the file", file(), "# ours\n", "owner: wim", "reason: of a person")
	if strings.Contains(file(), "2020") || strings.Count(file(), "rule:") != 1 {
		t.Errorf("it is not renewed:\n%s", file())
	}

	// "Update branch" is nobody's work. The reason of somebody else makes the exception theirs, in the pull request too.
	s.repo.Commit("main", githubtest.Files{"README.md": "more\n"}, "Meanwhile")
	s.updateBranch(branch)
	s.ask("rita", "/sluice ignore "+name+" of rita")
	s.wants("the reply", s.says(s.pr), "is prepared in #3. It holds once")
	s.wants("the file", file(), "owner: rita", "reason: of rita")
	pulls := s.prepared()
	if len(pulls) != 2 {
		t.Fatalf("pull requests %+v", pulls)
	}
	s.wants("the pull request", pulls[1].Body, "`rita` asks", "reason: of rita")
	if strings.Contains(pulls[1].Body, "of a person") {
		t.Errorf("the body tells what was:\n%s", pulls[1].Body)
	}
	s.wantCode(s.click(check, button, "wim", s.app), 0)
	s.wants("the file after a click", file(), "owner: rita", "reason: of rita")

	// Merged while nobody changed it, and taken out again: asked for once more, it is written once more.
	s.repo.MergePullRequest(3)
	s.repo.Commit("main", githubtest.Files{".sluice.yaml": "order: [dev, prod]\n"}, "No exceptions any more")
	s.ask("wim", "/sluice ignore "+name+" once more")
	s.wants("the reply", s.says(s.pr), "is prepared in #4. It holds once")
	s.wants("the file", file(), "order: [dev, prod]\n", "owner: wim", "reason: once more")
}
