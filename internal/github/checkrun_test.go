package github_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/sluice-dev/sluice/internal/github"
	"github.com/sluice-dev/sluice/internal/githubtest"
)

func (s *scene) check(annotations int) github.CheckRun {
	check := github.CheckRun{Name: "sluice", Head: s.head, Conclusion: github.Failure, Title: "1 error", Summary: []string{"summary"}}
	for i := range annotations {
		check.Annotations = append(check.Annotations, github.Annotation{
			Path: "app.yaml", Line: i + 1, Column: 3, Level: github.LevelError, Title: "rule", Message: fmt.Sprint("message ", i),
		})
	}
	return check
}

func (s *scene) publishCheck(t *testing.T, client *github.Client, check github.CheckRun) github.CheckResult {
	t.Helper()
	result, err := client.PublishCheck(context.Background(), check)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// onlyRun gives the one check run on the head, and fails the test when there is another number of them.
func (s *scene) onlyRun(t *testing.T) githubtest.CheckRun {
	t.Helper()
	runs := s.repo.CheckRuns(s.head)
	if len(runs) != 1 {
		t.Fatalf("%d check runs, want one", len(runs))
	}
	return runs[0]
}

func TestCheckRunIsCreatedThenUpdated(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	if got := s.publishCheck(t, s.client, s.check(1)); got.Kind != github.AsCheckRun || got.Annotated != 1 || got.URL == "" {
		t.Errorf("%+v", got)
	}
	run := s.onlyRun(t)
	if run.Name != "sluice" || run.Status != "completed" || run.Conclusion != "failure" || run.Title != "1 error" || run.Summary != "summary" ||
		run.Annotations[0] != (githubtest.Annotation{Path: "app.yaml", StartLine: 1, EndLine: 1, StartColumn: 3, EndColumn: 3, Level: "failure", Title: "rule", Message: "message 0"}) {
		t.Errorf("%+v", run)
	}
	if calls := s.client.Calls(); calls != 3 {
		t.Errorf("%d calls, want 3: list, create, look for a status of the name", calls)
	}
	// The workflow is run again for the same commit: the annotation is not doubled.
	again := s.check(2)
	again.Conclusion, again.Title = github.Success, "fine"
	s.publishCheck(t, s.client, again)
	if run := s.onlyRun(t); run.Conclusion != "success" || run.Title != "fine" || len(run.Annotations) != 2 {
		t.Errorf("%+v", run)
	}
}

func TestAnnotationsGoInBatches(t *testing.T) {
	t.Parallel()
	for n, wantCalls := range map[int]int{0: 3, 50: 3, 51: 4, 100: 4, 150: 4} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			got := s.publishCheck(t, s.client, s.check(n))
			if calls := s.client.Calls(); calls != wantCalls {
				t.Errorf("%d calls, want %d", calls, wantCalls)
			}
			run := s.onlyRun(t)
			if shown := min(n, 100); len(run.Annotations) != shown || got.Annotated != shown || got.LeftOut != n-shown {
				t.Errorf("%d annotations, %+v", len(run.Annotations), got)
			}
			if said := strings.Contains(run.Summary, "50 more annotations are not shown"); said != (n == 150) {
				t.Errorf("summary %q", run.Summary)
			}
		})
	}
}

func TestBatchThatFailed(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]githubtest.Fault{
		"create, done":     {Method: "POST", Path: checksPath, Status: 502, Apply: true},
		"create, not done": {Method: "POST", Path: checksPath, Status: 502},
		"update, done":     {Method: "PATCH", Path: checkPath, Status: 502, Apply: true},
		"update, not done": {Method: "PATCH", Path: checkPath, Status: 502},
		"update, broken":   {Method: "PATCH", Path: checkPath, Reset: true, Apply: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			s.gh.AddFault(fault)
			s.publishCheck(t, s.client, s.check(90))
			if run := s.onlyRun(t); len(run.Annotations) != 90 || run.Conclusion != "failure" {
				t.Errorf("%d annotations, %s", len(run.Annotations), run.Conclusion)
			}
		})
	}
}

// What GitHub takes for invalid costs the annotations, not the verdict: a required check must not stay pending.
func TestCheckRunThatIsRefused(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]githubtest.Fault{
		"at once":                {Method: "POST", Path: checksPath, Status: 422},
		"in the second batch":    {Method: "PATCH", Path: checkPath, Status: 422},
		"at once, then it fails": {Method: "POST", Path: checksPath, Status: 422},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			s.gh.AddFault(fault)
			if strings.Contains(name, "fails") {
				s.gh.AddFault(githubtest.Fault{Method: "POST", Path: checksPath, Nth: 2, Status: 502, Apply: true})
			}
			check := s.check(60)
			check.Summary = []string{"all of it", "short"}
			got := s.publishCheck(t, s.client, check)
			if got.Kind != github.AsCheckRun || got.Annotated != 0 || got.LeftOut != 60 || got.Bare == nil {
				t.Errorf("%+v", got)
			}
			runs := s.repo.CheckRuns(s.head)
			last := runs[len(runs)-1]
			if last.Conclusion != "failure" || len(last.Annotations) > 0 || last.Summary != "short\n\n60 more annotations are not shown on the files." {
				t.Errorf("%+v", last)
			}
			// The next run adds what belongs to it.
			if again := s.publishCheck(t, s.client, check); again.Annotated != 60 || again.Bare != nil {
				t.Errorf("%+v", again)
			}
		})
	}
	s := newScene(t)
	s.gh.AddFault(githubtest.Fault{Method: "POST", Path: checksPath, Status: 422, Times: -1})
	var refused *github.RefusedError
	if _, err := s.client.PublishCheck(context.Background(), s.check(1)); !errors.As(err, &refused) || refused.Status != 422 || s.client.Calls() != 4 {
		t.Errorf("refused for good: %v after %d calls", err, s.client.Calls())
	}
}

// Annotations cannot be taken back, so a run whose annotations no longer hold is replaced.
func TestAnnotationsThatNoLongerHold(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.publishCheck(t, s.client, s.check(3))
	s.publishCheck(t, s.client, s.check(1))
	runs := s.repo.CheckRuns(s.head)
	if len(runs) != 2 || len(runs[1].Annotations) != 1 {
		t.Fatalf("%+v", runs)
	}
	s.publishCheck(t, s.client, s.check(1)) // the newest is found
	if runs := s.repo.CheckRuns(s.head); len(runs) != 2 {
		t.Errorf("%d check runs, want two", len(runs))
	}
}

func TestCheckRunOfAnotherApp(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	other := s.gh.AddToken("other", githubtest.Token{Login: "acme[bot]", App: "acme", Permissions: map[string]string{"checks": "write"}})
	s.publishCheck(t, s.as(t, other), s.check(1))
	if got := s.publishCheck(t, s.client, s.check(2)); got.Kind != github.AsCheckRun {
		t.Errorf("%+v", got)
	}
	if runs := s.repo.CheckRuns(s.head); len(runs) != 2 || runs[1].App != "github-actions" || len(runs[1].Annotations) != 2 {
		t.Errorf("%+v", runs)
	}
	// A job of the same name has a check run too, by the same App.
	job := s.check(0)
	job.ID = "8d5a-job"
	s.publishCheck(t, s.client, job)
	s.publishCheck(t, s.client, s.check(2))
	if runs := s.repo.CheckRuns(s.head); len(runs) != 3 {
		t.Errorf("%d check runs, want three", len(runs))
	}
}

func TestCheckRunLimits(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	check := s.check(0)
	check.Title = strings.Repeat("t", 300)
	check.Summary = []string{strings.Repeat("é", 70_000)}
	check.Text = []string{strings.Repeat("x", 70_000), "short"}
	check.Annotations = []github.Annotation{
		{Level: github.LevelError, Message: "on no file"},
		{Path: "a", Line: 0, Level: "odd", Message: strings.Repeat("m", 70_000), Title: strings.Repeat("t", 300)},
		{Path: "a", Line: 5, EndLine: 7, Column: 2, Level: github.LevelWarning},
		{Path: "a", Line: 5, EndLine: 7, Column: 2, Level: github.LevelWarning},
	}
	if got := s.publishCheck(t, s.client, check); got.Annotated != 2 || got.LeftOut != 2 {
		t.Errorf("%+v", got)
	}
	run := s.onlyRun(t)
	if n := utf8.RuneCountInString(run.Summary); n > 65535 || n < 32000 || !utf8.ValidString(run.Summary) || !strings.Contains(run.Summary, "Cut here") {
		t.Errorf("summary of %d runes", n)
	}
	if run.Text != "short" || utf8.RuneCountInString(run.Title) != 255 {
		t.Errorf("text %.20q, title of %d", run.Text, len(run.Title))
	}
	if an := run.Annotations[0]; an.StartLine != 1 || an.Level != "notice" || len(an.Message) > 64<<10 || utf8.RuneCountInString(an.Title) > 255 {
		t.Errorf("%+v", an)
	}
	if an := run.Annotations[1]; an.StartColumn != 0 || an.Message != "(no message)" {
		t.Errorf("%+v", an)
	}
}

func TestStatusInsteadOfCheckRun(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	person := s.gh.AddToken("ghp", githubtest.Token{Login: "octocat", Permissions: map[string]string{"statuses": "write", "checks": "write"}})
	check := s.check(2)
	check.Title, check.DetailsURL = strings.Repeat("é", 200), "https://example.com/run"
	got := s.publishCheck(t, s.as(t, person), check)
	var permission *github.PermissionError
	if got.Kind != github.AsStatus || got.LeftOut != 2 || !errors.As(got.Instead, &permission) || !strings.Contains(got.Instead.Error(), "via a GitHub App") {
		t.Errorf("%+v", got)
	}
	statuses := s.repo.Statuses(s.head)
	if len(statuses) != 1 || statuses[0].State != "failure" || statuses[0].Context != "sluice" || utf8.RuneCountInString(statuses[0].Description) != 140 ||
		statuses[0].TargetURL != "https://example.com/run" {
		t.Errorf("%+v", statuses)
	}
	for conclusion, want := range map[string]string{github.Success: "success", github.Neutral: "success", github.ActionRequired: "error"} {
		check.Conclusion = conclusion
		s.publishCheck(t, s.as(t, person), check)
		if got := s.repo.Statuses(s.head)[0].State; got != want {
			t.Errorf("%s gives the status %s, want %s", conclusion, got, want)
		}
	}
}

func TestPublish(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	publication := github.Publication{Head: s.head, Pull: s.pr, CommentID: "check", Comment: []string{"body"}, Check: s.check(3)}
	out := s.client.Publish(context.Background(), publication)
	if out.Comment == nil || out.Check == nil || len(out.Missing) != 0 || out.Degraded() {
		t.Errorf("%+v", out)
	}
	if out.Calls != 8 {
		t.Errorf("%d calls, want 8: list and create the check run, look for a status; who am I; list, pull request, create, list", out.Calls)
	}
	if again := s.as(t, s.gh.ActionsToken()).Publish(context.Background(), publication); again.Calls != 7 || again.Comment.Action != github.CommentUnchanged {
		t.Errorf("again: %+v", again)
	}

	// A fork's token: nothing is published, and each reason is there.
	out = s.as(t, s.gh.ForkToken()).Publish(context.Background(), github.Publication{Head: s.push(t), Pull: s.pr, CommentID: "check", Comment: []string{"other"}, Check: s.check(3)})
	if out.Comment != nil || out.Check != nil || len(out.Missing) != 2 || !out.Degraded() {
		t.Fatalf("%+v", out)
	}
	for i, want := range []string{"checks: write\n      statuses: write", "pull-requests: write"} {
		if !strings.Contains(out.Missing[i].Why.Error(), want) {
			t.Errorf("%s: %v, want %q in it", out.Missing[i].What, out.Missing[i].Why, want)
		}
	}

	// One part that fails does not keep the other back, and a server error is not a degradation.
	s.gh.AddFault(githubtest.Fault{Method: "GET", Path: commentsPath, Status: 500, Times: -1})
	publication.Head = s.repo.Tip("feature")
	out = s.client.Publish(context.Background(), publication)
	if out.Check == nil || len(out.Missing) != 1 || out.Missing[0].What != "comment" || out.Degraded() {
		t.Errorf("%+v", out)
	}
}

// TestButtons has the buttons beside a check put there, replaced and taken away; whoever says nothing of them leaves them.
func TestButtons(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	button := func(n int) github.Button {
		return github.Button{Label: fmt.Sprintf("Ignore %d, which is long", n), Description: strings.Repeat("é", 50), Identifier: fmt.Sprintf("ignore:%d", n)}
	}
	for _, step := range []struct {
		buttons []github.Button
		want    string
	}{
		{nil, ""},
		{[]github.Button{button(1), button(2), button(3), button(4)}, "ignore:1 ignore:2 ignore:3"}, // GitHub takes three
		{[]github.Button{button(5)}, "ignore:5"},
		{nil, "ignore:5"},
		{[]github.Button{}, ""},
		{[]github.Button{button(6)}, "ignore:6"},
	} {
		check := s.check(1)
		check.Buttons = step.buttons
		s.publishCheck(t, s.client, check)
		var got []string
		for _, b := range s.onlyRun(t).Buttons {
			got = append(got, b.Identifier)
			if utf8.RuneCountInString(b.Label) != 20 || utf8.RuneCountInString(b.Description) != 40 {
				t.Errorf("%+v", b)
			}
		}
		if strings.Join(got, " ") != step.want {
			t.Errorf("buttons %q, want %q", got, step.want)
		}
	}
	// GitHub takes one for invalid: the verdict stands without.
	s = newScene(t)
	wrong := s.check(1)
	wrong.Buttons = []github.Button{button(7)}
	s.gh.AddFault(githubtest.Fault{Method: "POST", Path: "/repos/*/*/check-runs", Status: 422})
	if got := s.publishCheck(t, s.client, wrong); got.Bare == nil || len(s.onlyRun(t).Buttons) > 0 {
		t.Errorf("%+v, %+v", got, s.onlyRun(t))
	}
}
