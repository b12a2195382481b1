package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/sluice-dev/sluice/internal/config"
	"github.com/sluice-dev/sluice/internal/git"
	"github.com/sluice-dev/sluice/internal/github"
	"github.com/sluice-dev/sluice/internal/pipeline"
	"github.com/sluice-dev/sluice/internal/promote"
	"github.com/sluice-dev/sluice/internal/report"
)

const (
	// exceptionBranches is what the names of branches with exceptions begin with.
	exceptionBranches = "sluice/ignore/"
	// exceptionDays is how long an exception holds that sluice prepares: long enough to correct what it is for, too short to forget it.
	exceptionDays = 30
	// exceptionTrailer is the key of the trailer that names a commit's exception.
	exceptionTrailer = "Sluice-Exception"
)

// exceptionOrder says which exception is prepared, for whom.
type exceptionOrder struct {
	asker    *asked
	proposal pipeline.Proposal
	offer    report.Offer // the proposal, as people are told of it
	pull     int          // the pull request that has the finding
	by       string       // login of who asks
	reason   string       // "" where nobody has said it yet
	branch   string       // the default branch: its configuration binds
	now      time.Time
}

// preparedException is what became of it.
type preparedException struct {
	entry  config.Exception
	stands bool // the default branch has it already
	theirs bool // somebody else wrote on the branch: it is left as it is, and entry is what stands there
	unsaid bool // with theirs: the reason that was given is not in it
	ended  bool // with theirs: its last day has passed
	number int  // of its pull request
}

// cannotPrepare says why an exception cannot be written by a program, in words for who asked.
type cannotPrepare struct {
	entry config.Exception
	why   error
}

func (e *cannotPrepare) Error() string { return e.why.Error() }

func (e *cannotPrepare) Unwrap() error { return e.why }

// open brings the pull request with the exception up to date, and opens it where there is none. It is level-triggered: it looks at the default
// branch, at the exception's branch and at its pull requests, and does what is missing.
func (o exceptionOrder) open(ctx context.Context) (preparedException, error) {
	repo, err := git.Open(ctx, o.asker.in.directory, git.Options{Trust: true})
	if err != nil {
		return preparedException{}, err
	}
	defer repo.Close()
	for try := 1; ; try++ {
		done, err := o.reconcile(ctx, repo)
		if errors.Is(err, github.ErrMoved) && try < maxRetries && o.asker.client.Pause(ctx) {
			continue
		}
		return done, err
	}
}

func (o exceptionOrder) reconcile(ctx context.Context, repo *git.Repo) (done preparedException, err error) {
	client, branch := o.asker.client, exceptionBranches+o.proposal.ID
	main, err := client.Branch(ctx, o.branch)
	if err == nil && main == "" {
		err = fmt.Errorf("there is no branch %q on GitHub", o.branch)
	}
	if err != nil {
		return done, err
	}
	on, err := readExceptionBranch(ctx, repo, main)
	if err != nil {
		return done, err
	}
	before := on.same(o.proposal.Of)
	if before != nil && before.Until >= o.day(0) {
		done.entry, done.stands = *before, true
		return done, nil
	}
	tip, err := client.Branch(ctx, branch)
	if err != nil {
		return done, err
	}
	var there exceptionBranch
	var pulls []github.PullRequest
	if tip != "" {
		if pulls, err = client.PullsOf(ctx, branch); err != nil {
			return done, err
		}
		if there, err = o.readWork(ctx, repo, main, tip, pulls); err != nil {
			return done, err
		}
	}
	for _, p := range pulls {
		if p.Open && p.Base == o.branch {
			done.number = p.Number
			break
		}
	}
	if tip != "" && !there.merged {
		written := there.same(o.proposal.Of)
		if !there.ours {
			return o.leave(done, branch, written)
		}
		if written != nil {
			before = written
		}
	}
	done.entry = o.entry(before)
	wrote, err := o.write(ctx, done.entry, on, there)
	if err != nil {
		return done, err
	}
	return done, o.openPull(ctx, &done, branch, wrote)
}

// leave leaves a branch alone on which somebody else wrote: sluice opens no pull request for it, which would be in its name. written is the
// exception on it, nil where there is none.
func (o exceptionOrder) leave(done preparedException, branch string, written *config.Exception) (preparedException, error) {
	switch {
	case written == nil:
		return done, &cannotPrepare{o.entry(nil), fmt.Errorf("somebody else has written on the branch %s: delete it, and ask again", branch)}
	case done.number == 0:
		return done, &cannotPrepare{*written, fmt.Errorf("somebody else has written on the branch %s, and no pull request is open from it: "+
			"open one yourself, or delete the branch and ask again", branch)}
	}
	done.entry, done.theirs, done.unsaid = *written, true, o.reason != "" && string(written.Reason) != o.reason
	done.ended = written.Until < o.day(0)
	return done, nil
}

// entry is the exception as it is prepared. Its owner is who gave the reason: a click, which has none, keeps both of what was there before. So does
// the last day, until it has passed.
func (o exceptionOrder) entry(before *config.Exception) config.Exception {
	e := o.proposal.Of
	e.Owner, e.Reason, e.Until = config.Text(o.by), config.Text(o.reason), o.day(exceptionDays)
	if before != nil && before.Until >= o.day(0) {
		e.Until = before.Until
	}
	if before != nil && o.reason == "" && before.Owner != "" {
		e.Owner, e.Reason = before.Owner, before.Reason
	}
	return e
}

// day is a day from today on, in UTC.
func (o exceptionOrder) day(days int) config.Date {
	return config.Date(o.now.UTC().AddDate(0, 0, days).Format(time.DateOnly))
}

// exceptionBranch is what a branch says of exceptions; the zero value is one that there is not.
type exceptionBranch struct {
	commit string
	tree   *git.Tree
	file   []byte      // the configuration; nil where there is none
	mode   fs.FileMode // its mode
	cfg    *config.Config
	merged bool // what is on it went into the default branch: it is nobody's work any more
	ours   bool // nobody but sluice wrote on it
}

func readExceptionBranch(ctx context.Context, repo *git.Repo, commit string) (b exceptionBranch, err error) {
	b.commit = commit
	if err := repo.Ensure(ctx, commit); err != nil {
		return b, err
	}
	if b.tree, err = repo.Tree(ctx, commit); err != nil {
		return b, err
	}
	if info, err := b.tree.Lstat(config.FileName); err == nil {
		if b.mode = info.Mode(); b.mode.IsRegular() {
			if b.file, err = b.tree.ReadFile(config.FileName); err != nil {
				return b, err
			}
		}
	}
	b.cfg, _ = config.Parse(config.FileName, b.file) // mistakes are told where something is written
	return b, nil
}

// same gives the exception on the branch that is about the same as e; nil where there is none.
func (b exceptionBranch) same(e config.Exception) *config.Exception {
	if at := pipeline.SameException(b.cfg, e); at >= 0 {
		return &b.cfg.Exceptions[at]
	}
	return nil
}

// readWork reads the branch with the exception, and finds out whose work it is. It is sluice's own where each commit that the default branch has
// not says that sluice made it and has the content that it was made with, was merged before, or is a merge in which nobody wrote, as GitHub's button
// "Update branch" makes; and where all of them change nothing but the configuration.
func (o exceptionOrder) readWork(ctx context.Context, repo *git.Repo, main, tip string, pulls []github.PullRequest) (b exceptionBranch, err error) {
	if err := repo.EnsureHistory(ctx, main, tip); err != nil {
		return b, err
	}
	if b, err = readExceptionBranch(ctx, repo, tip); err != nil {
		return b, err
	}
	merged := slices.DeleteFunc(slices.Clone(pulls), func(p github.PullRequest) bool { return !p.Merged || p.Base != o.branch })
	b.merged = repo.IsAncestor(ctx, tip, main) || slices.ContainsFunc(merged, func(p github.PullRequest) bool { return p.Head == tip })
	commits, err := repo.Commits(ctx, main, tip, nil, maxOnBranch)
	if err != nil {
		return b, err
	}
	b.ours = len(commits) < maxOnBranch
	for _, c := range commits {
		made := strings.HasSuffix(c.Message, fmt.Sprintf("\n%s: %s\n%s: %s", exceptionTrailer, o.proposal.ID, promote.TrailerTree, c.Tree))
		went := slices.ContainsFunc(merged, func(p github.PullRequest) bool { return repo.IsAncestor(ctx, c.ID, p.Head) })
		b.ours = b.ours && (made || went || repo.IsPlainMerge(ctx, c))
	}
	base, ok := repo.MergeBase(ctx, tip, main)
	if !ok {
		b.ours = false
		return b, nil
	}
	from, err := repo.Tree(ctx, base)
	if err != nil {
		return b, err
	}
	b.ours = b.ours && !slices.ContainsFunc(git.Changed(from, b.tree), func(name string) bool { return name != config.FileName })
	return b, nil
}

// write puts the exception onto its branch, on top of what the default branch says now, unless the branch has it and is not merged. What a person
// wrote there is not touched: the caller looks.
func (o exceptionOrder) write(ctx context.Context, entry config.Exception, on, there exceptionBranch) (wrote bool, err error) {
	if on.mode != 0 && !on.mode.IsRegular() {
		return false, &cannotPrepare{entry, fmt.Errorf("%s is no ordinary file", config.FileName)}
	}
	wanted, err := pipeline.WithException(on.file, entry)
	if err != nil {
		return false, &cannotPrepare{entry, err}
	}
	if there.commit != "" && !there.merged && string(there.file) == string(wanted) {
		return false, nil
	}
	parents := []string{on.commit}
	if there.commit != "" {
		parents = []string{there.commit, on.commit}
	}
	client, branch := o.asker.client, exceptionBranches+o.proposal.ID
	id, err := client.Commit(ctx, github.NewCommit{
		Message: fmt.Sprintf("Prepare an exception from %s\n\nAsked for in #%d. It is for its reviewers to accept.\n\n%s: %s\n", entry.Rule, o.pull, exceptionTrailer, o.proposal.ID),
		Parents: parents, BaseTree: on.tree.ID, TreeKey: promote.TrailerTree,
		Files: []github.NewFile{{Path: config.FileName, Mode: on.mode, Data: wanted}},
	})
	switch {
	case err != nil:
		return false, err
	case there.commit == "":
		return true, client.CreateBranch(ctx, branch, id)
	}
	return true, client.MoveBranch(ctx, branch, id)
}

// openPull opens a pull request from the branch where none is open, so whoever asks again for one that a person closed gets a new one. One that
// is open is described anew where something was written.
func (o exceptionOrder) openPull(ctx context.Context, done *preparedException, branch string, wrote bool) error {
	title := fmt.Sprintf("Accept %s until %s, for #%d", done.entry.Rule, done.entry.Until, o.pull)
	body := report.ExceptionBody(report.PreparedException{
		Offer: o.offer, Pull: o.pull, By: o.by,
		Entry: pipeline.ExceptionText(done.entry), File: config.FileName, Until: string(done.entry.Until), NoReason: done.entry.Reason == "",
	})
	if done.number > 0 {
		if !wrote {
			return nil
		}
		_, err := o.asker.client.Describe(ctx, done.number, title, []string{body})
		return err
	}
	opened, err := o.asker.client.CreatePull(ctx, github.NewPull{Title: title, Branch: branch, Base: o.branch, Body: body})
	done.number = opened.Number
	return err
}

// reply says what became of it, in Markdown.
func (done preparedException) reply(p pipeline.Proposal) string {
	rule, until := report.Code(p.Finding.Rule), done.entry.Until
	switch {
	case done.stands:
		return fmt.Sprintf("The default branch has this exception from %s already, until %s. Write %s; where this branch conflicts with the default branch, merge that first.",
			rule, until, report.Code("/sluice recheck"))
	case done.theirs:
		text := fmt.Sprintf("An exception from %s, until %s, is in #%d, on which somebody has written since: I have left it as it is.",
			rule, until, done.number)
		if done.ended {
			text += " Its last day has passed: write another one there."
		}
		if done.entry.Reason == "" {
			text += " Its reason is empty: write there why the finding is accepted, since sluice refuses it without."
		} else if done.unsaid {
			text += " The reason in it is not yours: write it there, if it is to be."
		}
		return text
	case done.entry.Reason == "":
		return fmt.Sprintf("An exception from %s, until %s, is prepared in #%d. Its reason is empty: write there why the finding is accepted, "+
			"since sluice refuses it without. It holds once that is reviewed and merged; then %s here.", rule, until, done.number, report.Code("/sluice recheck"))
	}
	return fmt.Sprintf("An exception from %s, until %s, is prepared in #%d. It holds once that is reviewed and merged; then %s here.",
		rule, until, done.number, report.Code("/sluice recheck"))
}
