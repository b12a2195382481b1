package githubtest

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// PullRequestEvent gives the payload of a pull_request event: opened, synchronize, closed, …
func (r *Repo) PullRequestEvent(number int, action string) []byte {
	r.gh.mu.Lock()
	defer r.gh.mu.Unlock()
	p := r.pull(number)
	out := r.event("pull_request.opened.json")
	out["action"], out["number"], out["pull_request"] = action, number, r.pullJSON(p)
	out["sender"] = r.gh.user(p.author)
	if action == "edited" && p.wasBase != "" {
		// Source: docs.github.com "Webhook events and payloads", pull_request edited.
		out["changes"] = obj{"base": obj{"ref": obj{"from": p.wasBase}, "sha": obj{"from": r.tip("refs/heads/" + p.wasBase)}}}
	}
	return encode(out)
}

// ReviewEvent gives the payload of pull_request_review for a review of a pull request, by its author: submitted, edited or dismissed; the state
// is approved, changes_requested, commented or dismissed.
func (r *Repo) ReviewEvent(number int, action, state string) []byte {
	r.gh.mu.Lock()
	defer r.gh.mu.Unlock()
	p := r.pull(number)
	out := r.event("pull_request_review.submitted.json")
	out["action"], out["pull_request"], out["sender"] = action, r.pullJSON(p), r.gh.user(p.author)
	review := out["review"].(obj)
	review["state"], review["commit_id"] = state, p.head
	return encode(out)
}

// PushEvent gives the payload of a push to a ref (refs/heads/main) that was at before and is at after. Forty zeros are the
// commit of a ref that is not there.
func (r *Repo) PushEvent(ref, before, after string) []byte {
	r.gh.mu.Lock()
	defer r.gh.mu.Unlock()
	out := r.event("push.branch-created.json")
	zero := strings.Repeat("0", 40)
	out["ref"], out["before"], out["after"] = ref, before, after
	out["created"], out["deleted"] = before == zero, after == zero
	out["compare"] = r.webURL("/compare/%.12s...%.12s", before, after)
	if after == zero {
		out["head_commit"] = nil
	} else {
		out["head_commit"].(obj)["id"] = after
	}
	return encode(out)
}

// MergeGroupEvent gives the payload of merge_group, checks requested, for a head that is merged into the default branch.
func (r *Repo) MergeGroupEvent(base, head string) []byte {
	r.gh.mu.Lock()
	defer r.gh.mu.Unlock()
	out := r.event("merge_group.checks_requested.json")
	group := out["merge_group"].(obj)
	group["base_sha"], group["base_ref"], group["head_sha"] = base, "refs/heads/"+DefaultBranch, head
	group["head_ref"] = "refs/heads/gh-readonly-queue/" + DefaultBranch + "/pr-1-" + base
	group["head_commit"].(obj)["id"] = head
	return encode(out)
}

// DispatchEvent gives the payload of workflow_dispatch on a branch.
func (r *Repo) DispatchEvent(branch string) []byte {
	r.gh.mu.Lock()
	defer r.gh.mu.Unlock()
	out := r.event("workflow_dispatch.json")
	out["ref"] = "refs/heads/" + branch
	return encode(out)
}

// CommentEvent gives the payload of issue_comment for a comment on a pull request: created, edited or deleted.
func (r *Repo) CommentEvent(id int64, action string) []byte {
	r.gh.mu.Lock()
	defer r.gh.mu.Unlock()
	out := r.event("issue_comment.created-on-pr.json")
	for _, c := range r.comments {
		if c.id != id {
			continue
		}
		issue := out["issue"].(obj)
		issue["number"], issue["pull_request"].(obj)["url"] = c.number, r.apiURL("/pulls/%d", c.number)
		out["action"], out["comment"], out["sender"] = action, r.commentJSON(c), r.gh.user(c.author)
	}
	return encode(out)
}

// CheckRunEvent gives the payload of check_run for a check run of a commit: rerequested, completed, …
func (r *Repo) CheckRunEvent(commit, name, action string) []byte {
	r.gh.mu.Lock()
	defer r.gh.mu.Unlock()
	out := r.event("check_run.rerequested.json")
	run := out["check_run"].(obj)
	out["action"], run["head_sha"], run["name"], run["external_id"] = action, commit, name, name
	return encode(out)
}

// ClickEvent gives the payload of check_run, requested_action, for a button beside a check run, pressed by a person.
func (r *Repo) ClickEvent(run CheckRun, button, person string) []byte {
	r.gh.mu.Lock()
	defer r.gh.mu.Unlock()
	out := r.event("check_run.requested_action.json")
	check := out["check_run"].(obj)
	check["id"], check["head_sha"], check["name"], check["external_id"] = run.ID, run.Head, run.Name, run.ExternalID
	app := r.gh.app(r, run.App)
	for _, a := range r.gh.apps {
		if a.slug == run.App {
			app["client_id"] = a.id
		}
	}
	check["app"] = app
	out["requested_action"].(obj)["identifier"], out["sender"] = button, r.gh.user(person)
	return encode(out)
}

// CheckSuiteEvent gives the payload of check_suite for what an App has checked of a commit: rerequested, completed, …
func (r *Repo) CheckSuiteEvent(commit, app, action string) []byte {
	r.gh.mu.Lock()
	defer r.gh.mu.Unlock()
	out := r.event("check_suite.rerequested.json")
	suite := out["check_suite"].(obj)
	out["action"], suite["head_sha"], suite["app"].(obj)["client_id"] = action, commit, app
	return encode(out)
}

// StatusEvent gives the payload of status for a commit status: pending, success, failure, error.
func (r *Repo) StatusEvent(commit, context, state string) []byte {
	r.gh.mu.Lock()
	defer r.gh.mu.Unlock()
	out := r.event("status.json")
	out["sha"], out["context"], out["state"] = commit, context, state
	return encode(out)
}

// DeploymentStatusEvent gives the payload of deployment_status for a commit.
func (r *Repo) DeploymentStatusEvent(commit, environment, state string) []byte {
	r.gh.mu.Lock()
	defer r.gh.mu.Unlock()
	out := r.event("deployment_status.created.json")
	out["deployment"].(obj)["sha"] = commit
	status := out["deployment_status"].(obj)
	status["state"], status["environment"] = state, environment
	return encode(out)
}

// event gives an example payload as if it spoke of this repository.
func (r *Repo) event(file string) obj {
	out := r.gh.shape(r, file)
	out["repository"] = r.json()
	return out
}

func encode(value any) []byte {
	data, err := json.Marshal(value)
	if err != nil {
		panic(err) // maps of plain values
	}
	return data
}

// RunnerEnv gives the environment of a workflow run for an event, with the files that a step writes to, as a map of
// GITHUB_* variables. The files are in a directory of the test.
func (r *Repo) RunnerEnv(event string, payload []byte) map[string]string {
	r.gh.t.Helper()
	dir := r.gh.t.TempDir()
	file := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			r.gh.t.Fatalf("githubtest: %v", err)
		}
		return path
	}
	env := map[string]string{
		"GITHUB_ACTIONS": "true", "CI": "true", "GITHUB_EVENT_NAME": event, "GITHUB_EVENT_PATH": file("event.json", payload),
		"GITHUB_REPOSITORY": r.FullName, "GITHUB_API_URL": r.gh.APIURL, "GITHUB_SERVER_URL": r.gh.URL,
		"GITHUB_GRAPHQL_URL": r.gh.URL + "/api/graphql", "GITHUB_RUN_ID": "1",
		"GITHUB_STEP_SUMMARY": file("summary.md", nil), "GITHUB_OUTPUT": file("output", nil), "RUNNER_TEMP": dir,
	}
	env["GITHUB_REF"], env["GITHUB_SHA"] = r.runnerRef(event, payload)
	return env
}

// runnerRef gives what the runner checks out: for a pull request the trial merge.
func (r *Repo) runnerRef(event string, payload []byte) (ref, sha string) {
	var p struct {
		Ref, After string
		MergeGroup struct {
			Ref string `json:"head_ref"`
			SHA string `json:"head_sha"`
		} `json:"merge_group"`
		Pull struct {
			Number int
			Merged bool
			SHA    string `json:"merge_commit_sha"`
			Base   struct{ Ref string }
		} `json:"pull_request"`
	}
	if err := json.Unmarshal(payload, &p); err != nil {
		r.gh.t.Fatalf("githubtest: %v", err)
	}
	switch {
	case p.Pull.Merged:
		return "refs/heads/" + p.Pull.Base.Ref, p.Pull.SHA
	case event == "pull_request", event == "pull_request_review":
		return fmt.Sprintf("refs/pull/%d/merge", p.Pull.Number), p.Pull.SHA
	case event == "merge_group":
		return p.MergeGroup.Ref, p.MergeGroup.SHA
	case event == "push":
		return p.Ref, p.After
	case p.Ref != "":
		return p.Ref, r.tip(p.Ref)
	}
	return "refs/heads/" + DefaultBranch, r.Tip(DefaultBranch)
}
