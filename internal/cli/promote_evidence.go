package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice/internal/config"
	"github.com/sluice-dev/sluice/internal/git"
	"github.com/sluice-dev/sluice/internal/github"
	"github.com/sluice-dev/sluice/internal/pipeline"
	"github.com/sluice-dev/sluice/internal/promote"
	"github.com/sluice-dev/sluice/internal/report"
)

// conflictLabel marks a promotion in which a person must decide.
const conflictLabel = "promotion/conflict"

// maxCarried bounds the commits of one unit of which GitHub is asked which pull request brought them.
const maxCarried = 30

// cargo is what a unit carries.
type cargo struct {
	pulls   []report.CarriedPull
	commits []report.CarriedCommit
	authors []string // "Name <address>", each once
	more    int      // commits that were not looked at
}

// cargo finds the pull requests and the people behind what is promoted. A promotion that is promoted further names what it carried.
func (w *work) cargo(ctx context.Context) (out cargo, err error) {
	ids, err := w.carriedCommits(ctx)
	if err != nil {
		return out, err
	}
	if len(ids) > maxCarried {
		ids, out.more = ids[:maxCarried], len(ids)-maxCarried
	}
	pulls := make(map[int]report.CarriedPull)
	for _, id := range ids {
		commit, err := w.repo.CommitInfo(ctx, id)
		if err != nil {
			return out, err
		}
		author := fmt.Sprintf("%s <%s>", commit.Author, commit.Email)
		if records := promote.Records(commit.Message); len(records) > 0 {
			author = "" // ours: who wrote what it carried stands in it
		}
		if author != "" && !slices.Contains(out.authors, author) {
			out.authors = append(out.authors, author)
		}
		brought, err := w.broughtBy(ctx, id)
		if err != nil {
			return out, err
		}
		for _, p := range brought {
			pulls[p.Number] = report.CarriedPull{Number: p.Number, Title: p.Title, Author: p.Author}
		}
		if len(brought) == 0 {
			out.commits = append(out.commits, report.CarriedCommit{ID: id, Subject: commit.Subject, Author: commit.Author})
		}
	}
	for _, n := range slices.Sorted(maps.Keys(pulls)) {
		out.pulls = append(out.pulls, pulls[n])
	}
	return out, nil
}

// carriedCommits gives the commits that are promoted: those of the change that was asked for, or those of the source that are new.
func (w *work) carriedCommits(ctx context.Context) (ids []string, err error) {
	if w.part.rev("") != "" {
		for _, c := range w.part.commits {
			if len(c.Parents) < 2 || len(w.part.commits) == 1 {
				ids = append(ids, c.ID)
			}
		}
		return ids, nil
	}
	for _, e := range w.unit.Moving() {
		carried, err := w.planned.Carried(e)
		if err != nil {
			return nil, err
		}
		for _, id := range carried {
			if len(ids) > 10*maxCarried {
				break // they are only counted
			}
			later := w.earlier[keyOf(e)] && !w.repo.IsAncestor(ctx, id, e.Source)
			if !later && !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
	}
	return ids, nil
}

// broughtBy gives the merged pull requests that brought a commit, asking once.
func (w *work) broughtBy(ctx context.Context, commit string) ([]github.PullRequest, error) {
	if known, ok := w.carried[commit]; ok {
		return known, nil
	}
	list, err := w.client.PullsWith(ctx, commit)
	if err != nil {
		return nil, err
	}
	list = slices.DeleteFunc(list, func(p github.PullRequest) bool { return !p.Merged })
	w.carried[commit] = list
	return list, nil
}

// record is what the unit's commit says of itself, without what it carries.
func (w *work) record(ctx context.Context) promote.Record {
	r := w.unit.Record(w.source(ctx))
	r.Reason = w.reason
	return r
}

// message is that of the unit's commit, with the record in it.
func (w *work) message(ctx context.Context) (string, promote.Record, error) {
	carried, err := w.cargo(ctx)
	if err != nil {
		return "", promote.Record{}, err
	}
	record := w.record(ctx)
	var b strings.Builder
	fmt.Fprintf(&b, "Promote %s: %s → %s", report.Inert(w.unit.Name), report.Inert(w.unit.From), report.Inert(w.unit.To))
	if w.unit.Part != "" {
		fmt.Fprintf(&b, " (%s)", tellPart(w.unit.Part))
	}
	b.WriteString("\n\n")
	known := make(map[int]bool) // what an earlier commit of the branch carried
	for _, earlier := range w.ours {
		for _, n := range earlier.record.Pulls {
			known[n] = true
		}
	}
	for _, p := range carried.pulls {
		if !known[p.Number] {
			record.Pulls = append(record.Pulls, p.Number)
		}
	}
	for _, e := range w.unit.Moving() {
		fmt.Fprintf(&b, "%s as of %.10s to %s\n", report.Inert(e.FromTarget), e.Source, report.Inert(strings.Join(e.ToTargets, ", ")))
	}
	return b.String() + "\n" + record.Trailers(carried.authors), record, nil
}

// publishAll brings up to date what the pull request shows: draft, labels, the gates as they are for what it holds now, the check of what is
// rendered, auto-merge, and the body, which comes last and says that all of it is there.
func (w *work) publishAll(ctx context.Context) error {
	fresh := !strings.HasPrefix(w.pull.Body, "<!-- sluice:promotion ")
	for _, part := range []func(context.Context) error{
		w.askAgain, func(ctx context.Context) error { return w.people(ctx, fresh) }, w.draft, w.label, w.publishGate, w.describe,
	} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	return nil
}

// people asks for reviews and assigns, when the pull request is new: whoever is taken off later stays off.
func (w *work) people(ctx context.Context, fresh bool) error {
	if !fresh {
		return nil
	}
	if names := missing(w.settings.Reviewers, w.pull.Reviewers); len(names) > 0 {
		if err := w.client.AskReview(ctx, w.pull.Number, names...); err != nil {
			return err
		}
	}
	if names := missing(w.settings.Assignees, w.pull.Assignees); len(names) > 0 {
		return w.client.Assign(ctx, w.pull.Number, names...)
	}
	return nil
}

// missing gives the wanted names that are not there yet. GitHub's names do not know case.
func missing[T ~string](wanted []T, there []string) (out []string) {
	for _, name := range wanted {
		if !slices.ContainsFunc(there, func(other string) bool { return strings.EqualFold(other, string(name)) }) {
			out = append(out, string(name))
		}
	}
	return out
}

func (w *work) label(ctx context.Context) error {
	wanted := slices.Clone(w.settings.Labels)
	conflict := len(w.unit.Conflicts()) > 0
	if conflict {
		wanted = append(wanted, conflictLabel)
	}
	if labels := missing(wanted, w.pull.Labels); len(labels) > 0 {
		if err := w.client.AddLabels(ctx, w.pull.Number, labels...); err != nil {
			return err
		}
	}
	if !conflict && slices.Contains(w.pull.Labels, conflictLabel) {
		return w.client.RemoveLabel(ctx, w.pull.Number, conflictLabel)
	}
	return nil
}

// draft makes a draft of a pull request that got conflicts, and takes that back when they are gone. A draft that a person made stays: which
// one is ours the label says, so that comes after it.
func (w *work) draft(ctx context.Context) error {
	had := slices.Contains(w.pull.Labels, conflictLabel)
	has := len(w.unit.Conflicts()) > 0
	switch {
	case has && !had && !w.pull.Draft:
		err := w.client.SetDraft(ctx, w.pull, true)
		if refused := refusal(err); refused != nil {
			w.notes = append(w.notes, fmt.Sprintf("pull request %d has conflicts and is no draft: %s", w.pull.Number, refused.Reason))
			return nil
		}
		w.pull.Draft = err == nil
		return err
	case had && !has && w.pull.Draft && w.settings.Draft != config.DraftAlways:
		err := w.client.SetDraft(ctx, w.pull, false)
		w.pull.Draft = err != nil
		return err
	}
	return nil
}

// autoMerge has GitHub merge the pull request by itself once nothing of ours is in the way.
func (w *work) autoMerge(ctx context.Context) error {
	ready := w.gateState().State == "success" && len(w.unit.Conflicts()) == 0 && !w.pull.Draft
	if w.settings.AutoMerge == config.AutoMergeOff || w.pull.AutoMerge || !ready {
		return nil
	}
	err := w.client.AutoMerge(ctx, w.pull, string(w.settings.AutoMerge))
	if refused := refusal(err); refused != nil {
		w.notes = append(w.notes, fmt.Sprintf("pull request %d is not merged by itself: %s", w.pull.Number, refused.Reason))
		return nil
	}
	return err
}

// refusal gives the error with which GitHub refuses a mutation for what it is: every run would get the same answer. It is nil for an outage, a
// lost answer and a token that is none; those are for the next run to make good.
func refusal(err error) *github.RefusedError {
	refused := new(github.RefusedError)
	if !errors.As(err, &refused) {
		return nil
	}
	answered := refused.Status == 0 && refused.Unwrap() == nil // by GraphQL, with a message of its own
	// What GraphQL says, with status 200, where it failed or ran out of time.
	failed := strings.HasPrefix(refused.Reason, "Something went wrong")
	denied := refused.Status >= 400 && refused.Status < 500 && refused.Status != http.StatusUnauthorized && refused.Status != http.StatusRequestTimeout
	if answered && !failed || denied {
		return refused
	}
	return nil
}

// describe checks what the promotion changes, publishes the result, turns on auto-merge, and writes the body.
func (w *work) describe(ctx context.Context) error {
	checked, err := w.check(ctx)
	if err != nil {
		return err
	}
	outcome := w.client.Publish(ctx, w.publication(checked))
	if len(outcome.Missing) > 0 {
		return outcome.Missing[0].Why
	}
	w.noteLacks(outcome)
	if err := w.autoMerge(ctx); err != nil {
		return err
	}
	return w.writeBody(ctx, checked, w.title())
}

// publication is the result of the check as it stands on the pull request.
func (w *work) publication(checked *report.Report) github.Publication {
	in := actionInputs{id: w.id, gate: w.gate}
	bodies := report.Comment(checked, markdownOptions(w.env, in, checked, report.CommentLimit))
	return github.Publication{
		Head: w.is.Tip, CommentID: w.id, Pull: w.pull.Number, Comment: bodies,
		Check: github.CheckRun{
			Name: w.id, Conclusion: conclusion(checked.Verdict), Title: checked.Headline(), Summary: bodies,
			Annotations: annotations(checked), DetailsURL: w.env.RunURL, New: w.made,
		},
	}
}

// writeBody writes the body of the pull request, with the title.
func (w *work) writeBody(ctx context.Context, checked *report.Report, title string) error {
	body := w.promotionBody
	if w.back != nil {
		body = w.rollbackBody
	}
	texts, err := body(ctx, checked)
	if err != nil {
		return err
	}
	texts = w.marked(texts)
	written, err := w.client.Describe(ctx, w.pull.Number, title, texts)
	if err == nil {
		w.pull.Body = texts[written]
		_, w.lacks = published(github.PullRequest{Head: w.is.Tip, Body: w.pull.Body})
	}
	return err
}

func (w *work) promotionBody(ctx context.Context, checked *report.Report) ([]string, error) {
	evidence, err := w.evidence(ctx, checked)
	if err != nil {
		return nil, err
	}
	evidence.Delta = w.delta(ctx, checked)
	return report.PromotionBody(evidence), nil
}

// check looks at the promotion as at any pull request, in this run: one that a workflow's own token opens starts no other.
func (w *work) check(ctx context.Context) (*report.Report, error) {
	files := w.unit.Files()
	after := sides{
		base: pipeline.Side{Commit: w.main, Tree: w.tree},
		head: pipeline.Side{Commit: w.is.Tip, Tree: pipeline.Overlay(w.tree, files)},
	}
	for _, f := range files {
		after.changed = append(after.changed, f.Path)
	}
	slices.Sort(after.changed)
	return w.rendered(ctx, checkRun{sides: after, gate: w.gate, cache: w.cache, log: w.log, progress: w.newProgress()})
}

// delta compares what the promotion changes as rendered with what the same commits changed in the source. Both sides of the source
// are rendered with the shared files as they are now: those have reached the target already.
func (w *work) delta(ctx context.Context, checked *report.Report) *report.Delta {
	before, changed, err := w.sourceBefore(ctx)
	if err != nil || len(changed) == 0 {
		return &report.Delta{Missing: "the source's files of before are not known"}
	}
	var after pipeline.Tree = w.tree
	if source := w.part.rev(""); source != "" {
		if after, _, err = w.sourceAt(ctx, source); err != nil {
			return &report.Delta{Missing: "the source's files of then are not known"}
		}
	}
	source, err := w.rendered(ctx, checkRun{
		sides: sides{base: pipeline.Side{Commit: w.main, Tree: before}, head: pipeline.Side{Commit: w.main, Tree: after}, changed: changed},
		scope: pipeline.Scope{DiffOnly: true}, gate: w.gate, cache: w.cache, log: w.log, progress: w.newProgress(),
	})
	if err != nil || source.Verdict == report.Incomplete {
		return &report.Delta{Missing: "the source could not be rendered as it was before"}
	}
	d := report.Compare(source.Changes, checked.Changes, w.unit.From, w.unit.To)
	return &d
}

// sourceBefore gives the tree with the unit's source directories as they were before what is promoted, and the files that differ.
func (w *work) sourceBefore(ctx context.Context) (pipeline.Tree, []string, error) {
	if w.part.rev("") != "" {
		return w.sourceAt(ctx, w.part.before)
	}
	return w.sourceAs(ctx, func(e pipeline.PromotionEdge) (string, error) {
		if e.Oldest == "" {
			return "", errors.New("no oldest commit")
		}
		parents, err := w.repo.Parents(ctx, e.Oldest)
		if err != nil || len(parents) == 0 {
			return "", errors.Join(err, errors.New("no commit before"))
		}
		return parents[0], nil
	})
}

// sourceAt gives the tree with the unit's source directories as they were at a commit.
func (w *work) sourceAt(ctx context.Context, commit string) (pipeline.Tree, []string, error) {
	return w.sourceAs(ctx, func(pipeline.PromotionEdge) (string, error) { return commit, nil })
}

// sourceAs gives the tree with each source directory as it was at a commit, and the files that differ from what they are.
func (w *work) sourceAs(ctx context.Context, at func(pipeline.PromotionEdge) (string, error)) (pipeline.Tree, []string, error) {
	var files []pipeline.PromotedFile
	var changed []string
	for _, e := range w.unit.Moving() {
		commit, err := at(e)
		if err != nil {
			return nil, nil, err
		}
		then, err := w.repo.Tree(ctx, commit)
		if err != nil {
			return nil, nil, err
		}
		dir, _, _ := strings.Cut(e.FromTarget, "#")
		dirs := append([]string{dir}, e.Bases...)
		for _, name := range git.Changed(then, w.tree) {
			if !slices.ContainsFunc(dirs, func(dir string) bool { return strings.HasPrefix(name, dir+"/") }) {
				continue
			}
			f := pipeline.PromotedFile{Path: name, Action: promote.Delete}
			switch info, err := then.Lstat(name); {
			case err != nil: // it is new
			case info.IsDir():
				continue // a submodule: nothing is rendered from it
			default:
				f.Action = promote.Change
				if f.Mode, f.Data, err = readAny(then, name); err != nil {
					return nil, nil, err
				}
			}
			files, changed = append(files, f), append(changed, name)
		}
	}
	slices.Sort(changed)
	return pipeline.Overlay(w.tree, files), changed, nil
}

// evidence gathers what the body tells.
func (w *work) evidence(ctx context.Context, checked *report.Report) (report.Promotion, error) {
	carried, err := w.cargo(ctx)
	if err != nil {
		return report.Promotion{}, err
	}
	p := report.Promotion{
		Intro: w.unit.Fill(string(w.settings.Body)), From: w.unit.From, To: strings.ReplaceAll(w.unit.To, "+", ", "),
		Pulls: carried.pulls, Commits: carried.commits, More: carried.more, Conflicts: w.unit.Conflicts(),
		Check: checked.Headline(), Reason: w.reason, Only: pipeline.PartName(w.unit.Part), RepoURL: w.env.ServerURL + "/" + w.env.Repo,
	}
	for _, e := range w.unit.Moving() {
		app := report.PromotedApp{App: e.App, From: e.FromTarget, To: e.ToTargets, Source: e.Source}
		for _, f := range e.Files {
			app.Files = append(app.Files, f.Path)
		}
		p.Apps = append(p.Apps, app)
		p.Withheld = append(p.Withheld, e.Withheld...)
		p.Shared = append(p.Shared, e.Shared...)
		for _, g := range e.Gates {
			shown := report.PromotionGate(g)
			if !slices.Contains(p.Gates, shown) {
				p.Gates = append(p.Gates, shown)
			}
		}
	}
	slices.Sort(p.Shared)
	p.Shared = slices.Compact(p.Shared)
	for _, made := range w.ours {
		p.History = append(p.History, report.PromotionStep{Commit: made.id, Source: made.record.Source, Pulls: made.record.Pulls})
	}
	return p, nil
}
