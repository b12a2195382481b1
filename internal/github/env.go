package github

import (
	"cmp"
	"fmt"
	"os"
	"strings"
)

// Env is the runner's environment, read in one place: [Actions.Env].
// Source: https://docs.github.com/en/actions/reference/workflows-and-actions/variables
type Env struct {
	EventName string // GITHUB_EVENT_NAME
	EventPath string // GITHUB_EVENT_PATH
	Repo      string // GITHUB_REPOSITORY, owner/name
	Ref       string // GITHUB_REF, a full ref
	SHA       string // GITHUB_SHA; on pull_request the trial merge, which is not the head
	APIURL    string // GITHUB_API_URL, "https://api.github.com" when unset
	ServerURL string // GITHUB_SERVER_URL, "https://github.com" when unset
	RunURL    string // the page of this run; "" outside of a run
	Workspace string // GITHUB_WORKSPACE
}

// Env reads the runner's environment.
func (a *Actions) Env() Env {
	env := Env{
		EventName: a.getenv("GITHUB_EVENT_NAME"),
		EventPath: a.getenv("GITHUB_EVENT_PATH"),
		Repo:      a.getenv("GITHUB_REPOSITORY"),
		Ref:       a.getenv("GITHUB_REF"),
		SHA:       a.getenv("GITHUB_SHA"),
		APIURL:    cmp.Or(a.getenv("GITHUB_API_URL"), "https://api.github.com"),
		ServerURL: cmp.Or(a.getenv("GITHUB_SERVER_URL"), "https://github.com"),
		Workspace: a.getenv("GITHUB_WORKSPACE"),
	}
	if id := a.getenv("GITHUB_RUN_ID"); id != "" && env.Repo != "" {
		env.RunURL = strings.TrimSuffix(env.ServerURL, "/") + "/" + env.Repo + "/actions/runs/" + id
	}
	return env
}

// Input gives an input of the action, trimmed: the variable INPUT_<NAME> with spaces and dashes as the runner leaves
// them, or, since a composite action passes inputs through `env:`, with dashes as underscores.
func (a *Actions) Input(name string) string {
	if value := a.gha.GetInput(name); value != "" {
		return value
	}
	return a.gha.GetInput(strings.ReplaceAll(name, "-", "_"))
}

// Event reads the event of this run. The error is an [*EventError] where the workflow is to blame.
func (a *Actions) Event() (Event, error) {
	env := a.Env()
	if env.EventName == "" {
		return Event{}, &EventError{"", refusal("")}
	}
	data, err := os.ReadFile(env.EventPath)
	if err != nil {
		return Event{}, fmt.Errorf("read the event that GITHUB_EVENT_PATH names: %w", err)
	}
	return ParseEvent(env.EventName, data, env)
}
