package cli

import (
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice/internal/githubtest"
	"github.com/sluice-dev/sluice/internal/pipeline"
)

// deed is what a run does on an event.
type deed int

const (
	nothing    deed = iota // and it is said why
	refuses                // exit code 2
	checksPull             // a verdict on the commit, a comment on the pull request
	checksRef              // a verdict on the commit
	comments               // on the pull request, what the run of a fork has stored
	rechecks               // as checksPull, asked for after the fact: the verdict is not this run's
	prepares               // a pull request with an exception, and a reply
)

// examples are all payloads, and what a run does on each. The commit is the one that is judged.
var examples = map[string]struct {
	does   deed
	on     string // "head", "fork" or "main"; of the default branch the runner says the commit
	says   string // in the log, where nothing is done
	event  string // "" is that of the example
	change func(s *scene, payload map[string]any)
}{
	"pull_request.opened.json":                {does: checksPull, on: "head"},
	"pull_request.synchronize.json":           {does: checksPull, on: "head"},
	"pull_request.reopened.json":              {does: checksPull, on: "head"},
	"pull_request.labeled.json":               {does: checksPull, on: "head"},
	"pull_request.ready_for_review.json":      {does: checksPull, on: "head"},
	"pull_request.opened-from-fork.json":      {does: checksPull, on: "fork"},
	"pull_request.synchronize-from-fork.json": {does: checksPull, on: "fork"},
	"pull_request.opened-fork-deleted.json":   {does: checksPull, on: "fork"},
	"pull_request.closed-unmerged.json":       {says: "was closed without being merged"},
	"pull_request.closed-merged.json":         {says: "about promotions"},
	"pull_request_review.submitted.json":      {says: "the review only comments"},
	"pull_request_review.submitted-fork.json": {says: "of a pull request from a fork"},
	"merge_group.checks_requested.json":       {does: checksRef, on: "head"},
	"push.branch-created.json":                {does: checksRef, on: "head"},
	"push.branch.json":                        {does: checksRef, on: "head"},
	"push.tag.json":                           {says: "of a tag"},
	"push.deleted.json":                       {says: "deleted refs/tags/"},
	"workflow_dispatch.json":                  {does: checksRef, on: "main"},
	"repository_dispatch.json":                {does: checksRef, on: "main"},
	"schedule.json":                           {does: checksRef, on: "main"},
	"workflow_run.completed.json":             {says: "only those of pull requests from forks"},
	"workflow_run.completed-no-prs.json":      {says: "only those of pull requests from forks"},
	"issue_comment.created-on-pr.json":        {says: "no command for sluice"},
	"issue_comment.created-on-issue.json":     {says: "on an issue"},
	"issue_comment.edited.json":               {says: "was edited"},
	"issue_comment.deleted.json":              {says: "was deleted"},
	"check_run.rerequested.json":              {says: "no check of sluice"},
	"check_run.requested_action.json":         {says: "lacks `ignore-button: true`"},
	"check_run.completed.json":                {says: "about promotions"},
	"check_suite.requested.json":              {says: "are checked on pull_request"},
	"check_suite.rerequested.json":            {says: "no check of sluice"},
	"check_suite.completed.json":              {says: "about promotions"},
	"status.json":                             {says: "about promotions"},
	"deployment_status.created.json":          {says: "about promotions"},

	"pull_request.opened.json, as pull_request_target": {does: refuses, says: "Use `on: pull_request`", event: "pull_request_target"},
	"issue_comment.created-on-issue.json, as issues":   {does: refuses, says: "take the event out of the workflow's `on:`", event: "issues"},

	// The same, where they are for sluice.
	"workflow_run.completed-no-prs.json, of a fork": {does: comments, on: "fork", change: func(s *scene, payload map[string]any) {
		s.storeReport()
		run := payload["workflow_run"].(map[string]any)
		run["id"], run["event"] = 7, "pull_request"
		from := run["head_repository"].(map[string]any)
		from["full_name"], from["id"] = s.fork.FullName, s.fork.ID()
	}},
	"issue_comment.created-on-pr.json, with a command": {does: rechecks, on: "head", change: func(s *scene, payload map[string]any) {
		s.command(payload, "/sluice recheck")
	}},
	"check_run.requested_action.json, of sluice": {does: prepares, on: "head", change: func(s *scene, payload map[string]any) {
		s.mayIgnore()
		run := payload["check_run"].(map[string]any)
		run["name"], run["external_id"] = "sluice", "sluice"
		payload["requested_action"] = map[string]any{"identifier": "ignore:" + pipeline.Proposals(s.report(s.head))[0].ID}
		payload["sender"].(map[string]any)["login"] = "wim"
	}},
	"issue_comment.created-on-pr.json, with a finding to accept": {does: prepares, on: "head", change: func(s *scene, payload map[string]any) {
		s.mayIgnore()
		s.command(payload, "/sluice ignore "+pipeline.Proposals(s.report(s.head))[0].ID+" known")
	}},
	"check_run.rerequested.json, of sluice": {does: rechecks, on: "head", change: func(_ *scene, payload map[string]any) {
		payload["check_run"].(map[string]any)["name"] = "sluice"
	}},
}

// TestEveryPayloadWithEveryPermission runs the action on GitHub's own payloads, with each permission that its token can have: what is done,
// on which commit, where it is told, and how the run ends.
func TestEveryPayloadWithEveryPermission(t *testing.T) {
	t.Parallel()
	data, err := githubtest.EventFile("MANIFEST.json")
	if err != nil {
		t.Fatal(err)
	}
	var manifest []struct{ File, Event string }
	if err := json.Unmarshal(data, &manifest); err != nil {
		t.Fatal(err)
	}
	events := make(map[string]string)
	for _, example := range manifest {
		events[example.File] = example.Event
		if _, ok := examples[example.File]; !ok {
			t.Errorf("%s: nothing says what happens on it", example.File)
		}
	}
	for name, want := range examples {
		file, _, _ := strings.Cut(name, ", ")
		if events[file] == "" {
			t.Errorf("%s is not among the examples", name)
			continue
		}
		for _, granted := range githubtest.Grants {
			t.Run(name+"/"+granted.Name, func(t *testing.T) {
				t.Parallel()
				s := newScene(t)
				s.fromFork()
				s.token = s.gh.GrantedToken(granted)
				pr, commit := s.pr, s.head
				switch want.on {
				case "fork":
					pr, commit = s.forkPR, s.fork.Tip("theirs")
				case "main":
					commit = s.repo.Tip("main")
				}
				payload := s.example(file, pr, commit)
				if want.change != nil {
					want.change(s, payload)
				}
				text, err := json.Marshal(payload)
				if err != nil {
					t.Fatal(err)
				}
				commented := len(s.repo.Comments(pr))
				end := s.step(cmp.Or(want.event, events[file]), text)

				did := want.does
				check := (did == checksPull || did == checksRef || did == rechecks) && granted.Checks && !granted.Person
				status := (did == checksPull || did == checksRef || did == rechecks) && !check && granted.Statuses
				comment := (did == checksPull || did == comments || did == rechecks || did == prepares) && granted.Comments
				code := map[deed]int{refuses: ExitUsage, checksPull: ExitFindings, checksRef: ExitFindings}[did]
				if did == comments && !comment || did == rechecks && (!comment || !check && !status) || did == prepares && !granted.Contents {
					code = ExitIncomplete // nobody would see the result
				}
				got := fmt.Sprintf("code %d, %d comments, %d check runs, %d statuses", end.code, len(s.repo.Comments(pr))-commented, len(s.repo.CheckRuns(commit)), len(s.repo.Statuses(commit)))
				if expected := fmt.Sprintf("code %d, %d comments, %d check runs, %d statuses", code, one(comment), one(check), one(status)); got != expected {
					t.Errorf("%s, want %s:\n%s", got, expected, end.log)
				}
				if did == nothing || did == refuses {
					if n := len(s.gh.Requests()); n > 0 || !strings.Contains(end.log, want.says) {
						t.Errorf("%d calls, want none and %q in the log:\n%s", n, want.says, end.log)
					}
					return
				}
				for _, run := range s.repo.CheckRuns(commit) {
					if run.Conclusion != "failure" {
						t.Errorf("the check run says %q", run.Conclusion)
					}
				}
				if got, want := len(s.repo.Pulls())-2, one(did == prepares && granted.Contents); got != want {
					t.Errorf("%d pull requests with exceptions, want %d", got, want)
				}
				if did != comments && did != prepares && !strings.Contains(end.summary, "1 finding must be fixed") {
					t.Errorf("the summary:\n%s", end.summary)
				}
				for permission, lacks := range map[string]bool{
					"pull-requests: write": did != checksRef && !comment,
					"checks: write":        did != comments && did != prepares && !check && !status,
					"contents: write":      did == prepares && !granted.Contents,
				} {
					if lacks && !strings.Contains(end.log, permission) {
						t.Errorf("the log does not say that %s is missing:\n%s", permission, end.log)
					}
				}
				if (did == checksPull || did == checksRef) && !check && !strings.Contains(end.log, "file=app.yaml") {
					t.Errorf("there are no annotations in the log:\n%s", end.log)
				}
			})
		}
	}
}

// command makes a payload that of a comment with a command, by somebody who may write.
func (s *scene) command(payload map[string]any, body string) {
	comment := payload["comment"].(map[string]any)
	comment["id"], comment["body"] = s.repo.AddComment(s.pr, "wim", body), body
	for _, part := range []map[string]any{comment, payload} {
		for _, key := range []string{"user", "sender"} {
			if person, ok := part[key].(map[string]any); ok {
				person["login"], person["type"] = "wim", "User"
			}
		}
	}
}

func one(is bool) int {
	if is {
		return 1
	}
	return 0
}

var fullID = regexp.MustCompile(`^[0-9a-f]{40}$`)

// example gives GitHub's payload as if it spoke of this scene: all its commits are one, but for that of the base. The rest is as it came.
func (s *scene) example(file string, pr int, commit string) map[string]any {
	s.Helper()
	data, err := githubtest.EventFile(file)
	if err != nil {
		s.Fatal(err)
	}
	var payload map[string]any
	if err := json.Unmarshal(data, &payload); err != nil {
		s.Fatal(err)
	}
	before, _ := payload["repository"].(map[string]any)
	full, _ := before["full_name"].(string)
	var walk func(value any) any
	walk = func(value any) any {
		switch value := value.(type) {
		case map[string]any:
			for key, of := range value {
				value[key] = walk(of)
			}
		case []any:
			for i, of := range value {
				value[i] = walk(of)
			}
		case string:
			switch {
			case fullID.MatchString(value) && strings.Trim(value, "0") != "":
				return commit
			case value == full:
				return s.repo.FullName
			case value == "forker/Hello-World":
				return s.fork.FullName
			case value == "master" || value == "refs/heads/master":
				return strings.Replace(value, "master", "main", 1)
			}
		}
		return value
	}
	walk(payload)
	if pull, ok := payload["pull_request"].(map[string]any); ok {
		payload["number"], pull["number"] = pr, pr
		pull["base"].(map[string]any)["sha"] = s.repo.Tip("main")
	}
	if issue, ok := payload["issue"].(map[string]any); ok {
		issue["number"] = pr
	}
	return payload
}
