package github

import (
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
)

// Event is what a workflow run was started for, and what sluice has to do about it. Commit ids are full hexadecimal ids.
// Names of branches and people are what strangers typed: escape them.
type Event struct {
	Name          string // as GitHub names it: pull_request, push, …
	Action        string // opened, synchronize, …; "" where the event has none
	Repo          string // owner/name
	DefaultBranch string // without refs/heads/
	Sender        string // login of who caused it

	// Check: compare Base with Head and report on Head. Promote: bring the promotions up to date with Ref.
	// Neither, and no Run, Comment, Rerun or Click: Why says why there is nothing to do. That is a success, not an error.
	Check, Promote bool
	Why            string

	Base string // commit to compare with; "" when there is none: then every target is checked
	Head string // commit to check; the check run or status goes to it
	Ref  string // the branch or tag at Head as a full ref (refs/heads/main); for a pull request the branch it goes to

	Status string // the context of the commit status that was written; "" for other events

	Pull    *Pull     // the pull request; nil for other events
	Run     *Run      // the run of a fork's pull request, whose report is to be published; nil for other events
	Comment *Comment  // a comment with commands; nil for other events
	Rerun   *CheckRef // a check that somebody wants again, by the button that only people with write access have; nil for other events
	Click   *Click    // a button of an App's own beside a check, pressed by somebody; nil for other events
}

// Run is the finished run of a pull request from a fork, as GitHub itself describes it.
type Run struct {
	ID       int64
	Head     string // the commit that it was for
	HeadRepo string // owner/name of the fork, as it was called then
	HeadID   int64  // number of the fork, which stays when it is renamed
	URL      string // its page
}

// Pull is the pull request of an event.
type Pull struct {
	Number   int
	Draft    bool
	Merged   bool
	HeadRef  string // branch name, without refs/heads/, in HeadRepo
	HeadRepo string // owner/name; "" when the fork was deleted
	Fork     bool   // the head is not in the repository itself: the token is read-only and there are no secrets
	Moved    bool   // the event is that it goes to another base branch now: its trial merge may still be with the old one
	MergeSHA string // of a merged one, the commit on the base branch; else the trial merge, "" while GitHub computes it
	Labels   []string
	Fresh    bool // the event's Base is where the base branch is just now: a trial merge with an older commit is out of date
}

// EventError says why sluice does not run on an event. It is a mistake in the workflow: exit code 2.
type EventError struct {
	Name   string // of the event
	Reason string // what is wrong and what to do
}

func (e *EventError) Error() string { return fmt.Sprintf("event %q: %s", e.Name, e.Reason) }

// payload is what sluice reads of any webhook payload.
// Source: https://docs.github.com/en/webhooks/webhook-events-and-payloads
type payload struct {
	Action  string `json:"action"`
	Number  int    `json:"number"`
	Ref     string `json:"ref"`
	Before  string `json:"before"`
	After   string `json:"after"`
	Deleted bool   `json:"deleted"`
	Changes struct {
		Base json.RawMessage `json:"base"` // of a pull request that goes to another branch now
	} `json:"changes"`
	PullRequest *struct {
		Number         int    `json:"number"`
		Draft          bool   `json:"draft"`
		Merged         bool   `json:"merged"`
		MergeCommitSHA string `json:"merge_commit_sha"`
		Base, Head     pullSide
		Labels         []struct {
			Name string `json:"name"`
		} `json:"labels"`
	} `json:"pull_request"`
	WorkflowRun *struct {
		ID             int64  `json:"id"`
		Event          string `json:"event"`
		HeadSHA        string `json:"head_sha"`
		HTMLURL        string `json:"html_url"`
		HeadRepository *struct {
			ID       int64  `json:"id"`
			FullName string `json:"full_name"`
		} `json:"head_repository"`
	} `json:"workflow_run"`
	MergeGroup *struct {
		HeadSHA string `json:"head_sha"`
		HeadRef string `json:"head_ref"`
		BaseSHA string `json:"base_sha"`
	} `json:"merge_group"`
	Issue *struct {
		Number      int `json:"number"`
		PullRequest *struct {
			URL string `json:"url"`
		} `json:"pull_request"`
	} `json:"issue"`
	Comment *struct {
		ID   int64  `json:"id"`
		Body string `json:"body"`
		User struct {
			Login string `json:"login"`
			Type  string `json:"type"`
		} `json:"user"`
	} `json:"comment"`
	Review *struct {
		State string `json:"state"`
	} `json:"review"`
	CheckRun        *checkPayload `json:"check_run"`
	RequestedAction *struct {
		Identifier string `json:"identifier"`
	} `json:"requested_action"`
	CheckSuite *checkPayload `json:"check_suite"`
	SHA        string        `json:"sha"`
	Context    string        `json:"context"`
	State      string        `json:"state"`
	Deployment *struct {
		SHA string `json:"sha"`
	} `json:"deployment"`
	DeploymentStatus *struct {
		State       string `json:"state"`
		Environment string `json:"environment"`
	} `json:"deployment_status"`
	Repository struct {
		FullName      string `json:"full_name"`
		DefaultBranch string `json:"default_branch"`
	} `json:"repository"`
	Sender struct {
		Login string `json:"login"`
		Type  string `json:"type"`
	} `json:"sender"`
}

// checkPayload is a check run or a check suite.
type checkPayload struct {
	Name       string `json:"name"`
	ExternalID string `json:"external_id"`
	HeadSHA    string `json:"head_sha"`
	App        struct {
		ID       int64  `json:"id"`
		ClientID string `json:"client_id"`
	} `json:"app"`
}

type pullSide struct {
	Ref  string `json:"ref"`
	SHA  string `json:"sha"`
	Repo *struct {
		FullName string `json:"full_name"`
	} `json:"repo"`
}

// ParseEvent says what the event asks for. Name is GITHUB_EVENT_NAME, data the content of the file GITHUB_EVENT_PATH names,
// and env the rest of the runner's environment: workflow_dispatch and schedule do not carry their commit in the payload.
// The error is an [*EventError] when sluice does not run on such an event, or when the payload lacks what it must have.
func ParseEvent(name string, data []byte, env Env) (Event, error) {
	read, known := readers[name]
	if !known {
		return Event{}, &EventError{name, refusal(name)}
	}
	var p payload
	if err := json.Unmarshal(data, &p); err != nil {
		return Event{}, &EventError{name, fmt.Sprintf("the payload is not JSON as GitHub sends it: %v", err)}
	}
	event := Event{
		Name: name, Action: p.Action, Repo: p.Repository.FullName,
		DefaultBranch: p.Repository.DefaultBranch, Sender: p.Sender.Login,
	}
	if event.Repo == "" {
		event.Repo = env.Repo
	}
	if reason := read(&event, p, env); reason != "" {
		return Event{}, &EventError{name, reason}
	}
	return event, nil
}

// A reader completes an event; what it returns, if anything, is why it cannot.
type reader func(e *Event, p payload, env Env) (reason string)

var readers = map[string]reader{
	"pull_request":        readPullRequest,
	"merge_group":         readMergeGroup,
	"push":                readPush,
	"workflow_dispatch":   readDispatch,
	"repository_dispatch": readDispatch,
	"schedule":            readDispatch,
	"workflow_run":        readWorkflowRun,
	"issue_comment":       readComment,
	"check_run":           readCheckRun,
	"check_suite":         readCheckSuite,
	"status":              readStatus,
	"deployment_status":   readDeployment,
	"pull_request_review": readReview,
}

func refusal(name string) string {
	switch name {
	case "":
		return "GITHUB_EVENT_NAME is not set: `sluice action` runs inside GitHub Actions; elsewhere use `sluice check`"
	case "pull_request_target":
		return "sluice does not run here: the run holds a token that may write, and the content to check comes from people who may not. " +
			"Use `on: pull_request`; `sluice init --forks` writes a second workflow that comments on pull requests from forks, safely"
	default:
		return "sluice does not know what to do on it. It runs on pull_request, merge_group, push, workflow_dispatch, repository_dispatch, schedule, workflow_run, " +
			"issue_comment, check_run, check_suite, status, deployment_status and pull_request_review: take the event out of the workflow's `on:`"
	}
}

func readPullRequest(e *Event, p payload, _ Env) string {
	pr := p.PullRequest
	if pr == nil || pr.Number <= 0 {
		return "the payload has no pull request"
	}
	if pr.Base.Repo == nil || pr.Base.Repo.FullName == "" {
		return "the payload does not say which repository the pull request goes to"
	}
	pull := &Pull{Number: pr.Number, Draft: pr.Draft, Merged: pr.Merged, HeadRef: pr.Head.Ref, MergeSHA: pr.MergeCommitSHA, Fork: true, Moved: p.Action == "edited" && len(p.Changes.Base) > 0}
	if pr.Head.Repo != nil {
		pull.HeadRepo = pr.Head.Repo.FullName
		pull.Fork = !strings.EqualFold(pull.HeadRepo, pr.Base.Repo.FullName)
	}
	for _, label := range pr.Labels {
		pull.Labels = append(pull.Labels, label.Name)
	}
	e.Pull, e.Base, e.Head, e.Ref = pull, pr.Base.SHA, pr.Head.SHA, "refs/heads/"+pr.Base.Ref
	if reason := cmp.Or(notCommit("base", e.Base), notCommit("head", e.Head)); reason != "" {
		return reason
	}
	switch {
	case p.Action != "closed":
		e.Check = true
	case !pr.Merged:
		e.Why = "the pull request was closed without being merged"
	case pr.Base.Ref != e.DefaultBranch:
		e.Why = fmt.Sprintf("the pull request was merged into %q: promotions start from %q", pr.Base.Ref, e.DefaultBranch)
	default:
		// The head's commits may never reach the branch (a squash), so the promotion starts from what was merged.
		if reason := notCommit("merge_commit_sha", pr.MergeCommitSHA); reason != "" {
			return reason
		}
		e.Head, e.Promote = pr.MergeCommitSHA, true
	}
	return ""
}

// A merge group has no pull request number, and branch protection waits for a check on the group's head commit.
func readMergeGroup(e *Event, p payload, _ Env) string {
	if p.MergeGroup == nil {
		return "the payload has no merge group"
	}
	e.Base, e.Head, e.Ref = p.MergeGroup.BaseSHA, p.MergeGroup.HeadSHA, p.MergeGroup.HeadRef
	if p.Action != "checks_requested" {
		e.Why = fmt.Sprintf("the merge group is %s: no check was asked for", p.Action)
	} else {
		e.Check = true
	}
	return cmp.Or(notCommit("base", e.Base), notCommit("head", e.Head))
}

func readPush(e *Event, p payload, _ Env) string {
	e.Ref, e.Base, e.Head = p.Ref, p.Before, p.After
	if reason := cmp.Or(notCommit("before", e.Base), notCommit("after", e.Head)); reason != "" {
		return reason
	}
	if zero(e.Base) {
		e.Base = "" // the branch was created
	}
	branch, isBranch := strings.CutPrefix(p.Ref, "refs/heads/")
	switch {
	case p.Deleted || zero(e.Head):
		e.Head, e.Why = "", "the push deleted "+p.Ref
	case !isBranch:
		e.Why = "the push was of a tag: environments live on branches"
	default:
		e.Check, e.Promote = true, branch == e.DefaultBranch
	}
	return ""
}

// A manual or scheduled run has no change to look at: everything is checked, at the commit that the runner was given.
func readDispatch(e *Event, p payload, env Env) string {
	e.Head, e.Ref = env.SHA, env.Ref
	if p.Ref != "" {
		e.Ref = p.Ref
		if !strings.HasPrefix(p.Ref, "refs/") { // a dispatch through the API may name the bare branch
			e.Ref = "refs/heads/" + p.Ref
		}
	}
	e.Check = true
	e.Promote = e.DefaultBranch != "" && e.Ref == "refs/heads/"+e.DefaultBranch
	return notCommit("GITHUB_SHA", e.Head)
}

// The second stage, for pull requests from forks: the run of the fork could not write, and left a report behind.
func readWorkflowRun(e *Event, p payload, _ Env) string {
	run := p.WorkflowRun
	if run == nil || run.ID <= 0 {
		return "the payload has no workflow run"
	}
	e.Head = run.HeadSHA
	switch {
	case p.Action != "completed":
		e.Why = fmt.Sprintf("the workflow run is %s: its report comes with its completion", p.Action)
	case run.Event != "pull_request":
		e.Why = fmt.Sprintf("the workflow run was for the event %q: only those of pull requests from forks leave a report to publish", run.Event)
	case run.HeadRepository == nil || run.HeadRepository.FullName == "":
		e.Why = "the repository of the pull request's head was deleted"
	case strings.EqualFold(run.HeadRepository.FullName, e.Repo):
		e.Why = "the pull request is not from a fork: its own run has published the result"
	default:
		e.Run = &Run{ID: run.ID, Head: run.HeadSHA, HeadRepo: run.HeadRepository.FullName, HeadID: run.HeadRepository.ID, URL: run.HTMLURL}
	}
	return notCommit("head_sha", e.Head)
}

var commitID = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})$`)

// notCommit says what is wrong with an id, if anything. Ids reach git's command line, so nothing but an id passes.
func notCommit(what, id string) (reason string) {
	if commitID.MatchString(id) {
		return ""
	}
	return fmt.Sprintf("%s is %.80q, not a commit id", what, id)
}

func zero(id string) bool { return strings.Trim(id, "0") == "" }
