package main

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// runnerCommands are those that the runner knows.
// Source: github.com/actions/runner, src/Runner.Worker/ActionCommandManager.cs.
var runnerCommands = []string{
	"add-mask", "add-matcher", "add-path", "debug", "echo", "endgroup", "error", "group", "notice", "remove-matcher", "save-state", "set-env",
	"set-output", "stop-commands", "warning",
}

// ours are the commands that sluice itself gives: for findings, to fold the log, to mask, and to stop commands.
var ours = []string{"add-mask", "endgroup", "error", "group", "notice", "stop-commands", "warning"}

var runnerLines = regexp.MustCompile(`\r\n|\r|\n`)

// readCommand reads a line as the runner does: `::name properties::data` after blanks, or `##[name properties]data` anywhere; old is true
// of the latter. A name counts where it is known, or is the token that ends a stop.
func readCommand(line, token string) (name, data string, old, found bool) {
	known := func(head string) (string, bool) {
		head, _, _ = strings.Cut(head, " ")
		return head, slices.ContainsFunc(append(runnerCommands, token), func(c string) bool { return c != "" && strings.EqualFold(c, head) })
	}
	if rest, ok := strings.CutPrefix(strings.TrimSpace(line), "::"); ok {
		if head, data, ok := strings.Cut(rest, "::"); ok {
			if name, ok := known(head); ok {
				return name, data, false, true
			}
		}
	}
	if _, rest, ok := strings.Cut(line, "##["); ok {
		if head, data, ok := strings.Cut(rest, "]"); ok {
			if name, ok := known(head); ok {
				return name, data, true, true
			}
		}
	}
	return "", "", false, false
}

// liveCommands gives the lines of a log that the runner obeys.
func liveCommands(log string) (live []string) {
	token := ""
	for _, line := range runnerLines.Split(log, -1) {
		name, data, _, found := readCommand(line, token)
		switch {
		case !found:
		case token != "":
			if strings.EqualFold(name, token) {
				token = ""
			}
		default:
			live = append(live, line)
			if strings.EqualFold(name, "stop-commands") {
				token = data
			}
		}
	}
	if token != "" {
		live = append(live, "commands stay stopped at the end")
	}
	return live
}

// checkCommands demands of a log that each command which the runner obeys is one that sluice gives.
func checkCommands(t *testing.T, log string) {
	t.Helper()
	for _, line := range liveCommands(log) {
		name, data, old, found := readCommand(line, "")
		switch {
		case !found || old || !slices.Contains(ours, name) || strings.HasPrefix(line, "::error::pwned"):
			t.Errorf("a command that is not ours is live in the log: %q", line)
		case name == "stop-commands" && len(data) != 26:
			t.Errorf("commands are stopped with a token that is not ours: %q", line)
		}
	}
}

// TestRunnerIsRead holds the reader to what the runner's own source says.
func TestRunnerIsRead(t *testing.T) {
	t.Parallel()
	for log, want := range map[string]int{
		"::error::x":                       1,
		"  \u00a0::error file=a::x":        1,
		"a ::error::x":                     0,
		"::unknown::x":                     0,
		"a ##[set-output name=b]c":         1,
		"a\r::add-mask::b":                 1,
		"::stop-commands::T\n::error::x\n": 2, // and nobody starts them again
		"::stop-commands::T\n::error::x\n##[warning]y\n::T::\n::error::z": 2,
		"::stop-commands::T\n::error::x\nagain ##[t]\n::error::z":         2,
	} {
		if got := liveCommands(log); len(got) != want {
			t.Errorf("%q: %d live, want %d: %q", log, len(got), want, got)
		}
	}
}
