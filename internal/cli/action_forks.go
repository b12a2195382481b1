package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"

	"github.com/sluice-dev/sluice/internal/diff"
	"github.com/sluice-dev/sluice/internal/finding"
	"github.com/sluice-dev/sluice/internal/github"
	"github.com/sluice-dev/sluice/internal/report"
)

// What the run of a fork's pull request stores for the second stage: an artifact of this name with these files.
const (
	forkArtifact = "sluice-report"
	reportFile   = "report.json"
	pullFile     = "pull-request.json"
)

// pullNote is the content of pullFile.
type pullNote struct {
	Number int `json:"number"`
}

// writePull stores which pull request the reports are of. The second stage does not believe it: see [github.Client.MatchPull].
func writePull(dir string, pull *github.Pull) error {
	if dir == "" || pull == nil {
		return nil
	}
	data, err := json.Marshal(pullNote{pull.Number})
	if err != nil {
		return err
	}
	return writeFile(filepath.Join(dir, pullFile), append(data, '\n'))
}

// publishFork is the second stage: it has a token that may write, and data of a stranger, and brings them together. What GitHub
// says (the run's commit and fork, the pull request's) is believed; of the artifact nothing is that GitHub does not confirm, and the
// report is written anew from its values, each escaped for where it goes.
//
// It writes a comment and never a check run: a fork can make its report say anything, and nothing may gate on that.
func (c *Command) publishFork(ctx context.Context, actions *github.Actions, in actionInputs, event github.Event) error {
	env, run := actions.Env(), *event.Run
	client, err := in.gitHub(c, env, event.Repo)
	if err != nil {
		return err
	}
	files, err := client.Artifact(ctx, run.ID, forkArtifact, reportFile, pullFile)
	if errors.Is(err, github.ErrNoArtifact) {
		c.say("Nothing to publish: the run has stored no artifact %q. It may have ended before its report.\n", forkArtifact)
		return nil
	}
	if err != nil {
		return err
	}
	var pull pullNote
	if err := decodeStrictly(files[pullFile], &pull); err != nil || pull.Number <= 0 {
		return fmt.Errorf("the artifact's %s does not name a pull request", pullFile)
	}
	r, err := readHostile(files[reportFile], run.Head)
	if err != nil {
		return fmt.Errorf("the artifact's %s is refused: %w", reportFile, err)
	}
	match, err := client.MatchPull(ctx, pull.Number, run)
	switch {
	case err != nil:
		return err
	case match == github.PullMovedOn:
		c.say("Nothing to publish: pull request %d is closed, or has a newer head.\n", pull.Number)
		return nil
	case match != github.PullMatches:
		return fmt.Errorf("the artifact says that it is of pull request %d, and GitHub does not: its head is not %s of the fork that the run was for", pull.Number, run.Head)
	}
	outcome := client.Publish(ctx, github.Publication{
		Head: run.Head, Pull: pull.Number, CommentID: in.id, Comment: forkComment(env, in, r, run),
		UpdateOnly: len(r.Changes) == 0 && len(r.Findings) == 0 && r.Verdict == report.Pass,
	})
	if len(outcome.Missing) > 0 {
		return fmt.Errorf("the comment could not be written: %w", outcome.Missing[0].Why)
	}
	c.say("Comment on pull request %d: %s.\n", pull.Number, outcome.Comment.Action)
	return actions.Output("comment-url", outcome.Comment.URL)
}

// forkComment says first whose word the report is.
func forkComment(env github.Env, in actionInputs, r *report.Report, run github.Run) []string {
	note := fmt.Sprintf("> From [the run of this fork](%s), which the pull request could have changed. Rely on the required check and on your own reading.\n\n", run.URL)
	limit := report.CommentLimit
	limit.Runes, limit.Bytes = limit.Runes-len(note), limit.Bytes-len(note)
	opts := markdownOptions(env, in, r, limit)
	opts.PageURL = run.URL + "#artifacts"
	bodies := report.Comment(r, opts)
	for i := range bodies {
		bodies[i] = note + bodies[i]
	}
	return bodies
}

// decodeStrictly reads exactly one JSON value, all of whose fields are known.
func decodeStrictly(data []byte, v any) error {
	in := json.NewDecoder(bytes.NewReader(data))
	in.DisallowUnknownFields()
	if err := in.Decode(v); err != nil {
		return err
	}
	if in.More() {
		return errors.New("there is more after the JSON value")
	}
	return nil
}

var (
	fullCommit  = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})$`)
	ruleID      = regexp.MustCompile(`^[a-z]+/[A-Za-z0-9_./-]{1,150}$`)
	headState   = []report.Status{report.Rendered, report.Failed, report.Removed}
	baseState   = []report.Status{report.Rendered, report.Failed, report.Absent}
	actionWords = []diff.Action{diff.Added, diff.Removed, diff.Changed, diff.Renamed}
	stateWords  = []finding.State{finding.New, finding.Existing, finding.Fixed}
)

// readHostile reads a report that a stranger may have written, for a commit. Every word of it that has a meaning is one of those
// that it may be; texts are free, since the views escape them. What follows from the rest, the verdict above all, is computed anew.
func readHostile(data []byte, head string) (*report.Report, error) {
	r := &report.Report{}
	if err := decodeStrictly(data, r); err != nil {
		return nil, err
	}
	targets := make(map[string]bool, len(r.Targets))
	var wrong []string
	demand := func(ok bool, format string, args ...any) {
		if !ok && len(wrong) < 3 {
			wrong = append(wrong, fmt.Sprintf(format, args...))
		}
	}
	demand(r.Version == report.Version, "version %d: this program reads %d", r.Version, report.Version)
	demand(r.Head == head, "it is about commit %.64q, the run was for %s", r.Head, head)
	demand(r.Base == "" || fullCommit.MatchString(r.Base), "base %.64q is no commit id", r.Base)
	demand(validGate(r.Gate) == nil, "unknown gate %.40q, %.40q", r.Gate.FailOn, r.Gate.Findings)
	c := r.Coverage
	demand(min(r.Unaffected, r.FormOnly, r.FormOnlyRestarts) >= 0 &&
		min(c.Objects, c.Validated, c.Unknown, c.Policies, c.Rehearsed, c.RehearsedRemovals) >= 0, "a count is negative")
	for _, t := range r.Targets {
		targets[t.ID] = true
		demand(fs.ValidPath(t.Dir), "directory %.100q", t.Dir)
		demand(slices.Contains(headState, t.Status) && slices.Contains(baseState, t.Base), "status %.40q, %.40q", t.Status, t.Base)
		demand(t.Objects >= 0, "a count is negative")
	}
	for _, change := range r.Changes {
		demand(targets[change.Target], "a change of target %.100q, which is not listed", change.Target)
		demand(slices.Contains(actionWords, change.Action), "action %.40q", change.Action)
		demand(min(change.Added, change.Removed) >= 0, "a count is negative")
		for _, risk := range change.Risks {
			demand(ruleID.MatchString(risk), "rule %.100q", risk)
		}
	}
	demand(r.ValidWaivers(), "a waiver of a finding")
	for _, f := range slices.Concat(r.Findings, r.Waived) {
		demand(ruleID.MatchString(f.Rule), "rule %.100q", f.Rule)
		demand(f.File == "" || fs.ValidPath(f.File), "file %.100q", f.File)
		demand(min(f.Line, f.Column) >= 0, "position %d:%d", f.Line, f.Column)
		for _, t := range f.Targets {
			demand(slices.Contains(stateWords, t.State), "state %.40q", t.State)
		}
	}
	if len(wrong) > 0 {
		return nil, fmt.Errorf("it is not a report as sluice writes it: %q", wrong)
	}
	report.Finish(r)
	return r, nil
}
