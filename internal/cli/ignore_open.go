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
	pull     int    // the pull request that has the finding
	by       string // login of who asks
	reason   string // "" where nobody has said it yet
	branch   string // the default branch: its configuration binds
	now      time.Time
}

// preparedException is what became of it.
type preparedException struct {
	entry  config.Exception
	stands bool // the default branch has it already
	theirs bool // somebody else wrote on the branch: it is left as it is
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
	done.entry = o.entry()
	if at := pipeline.SameException(on.cfg, done.entry); at >= 0 && on.cfg.Exceptions[at].Until >= o.day(0) {
		done.entry, done.stands = on.cfg.Exceptions[at], true
		return done, nil
	}
	tip, err := client.Branch(ctx, branch)
	if err != nil {
		return done, err
	}
	var there exceptionBranch
	var pulls []github.PullRequest
	if tip != "" {
		if there, err = readExceptionBranch(ctx, repo, tip); err != nil {
			return done, err
		}
		if pulls, err = client.PullsOf(ctx, branch); err != nil {
			return done, err
		}
		done.theirs = !there.ours
		at := pipeline.SameException(there.cfg, done.entry)
		if at < 0 && done.theirs {
			return done, &cannotPrepare{done.entry, fmt.Errorf("somebody else has written on the branch %s: delete it, and ask again", branch)}
		}
		if at >= 0 && there.cfg.Exceptions[at].Until >= o.day(0) { // what an earlier run wrote, or a person
			done.entry = there.cfg.Exceptions[at]
			if o.reason != "" && !done.theirs {
				done.entry.Reason = config.Text(o.reason)
			}
		}
	}
	if !done.theirs {
		merged := slices.ContainsFunc(pulls, func(p github.PullRequest) bool { return p.Merged && p.Head == tip })
		if err := o.write(ctx, done.entry, on, there, merged); err != nil {
			return done, err
		}
	}
	return done, o.openPull(ctx, &done, branch, pulls)
}

// entry is the exception as it is prepared.
func (o exceptionOrder) entry() config.Exception {
	e := o.proposal.Of
	e.Owner, e.Reason, e.Until = config.Text(o.by), config.Text(o.reason), o.day(exceptionDays)
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
	ours   bool // the commit says that sluice made it, and still has the content that it was made with
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
	made, err := repo.CommitInfo(ctx, commit)
	b.ours = err == nil && strings.HasSuffix(made.Message, "\n"+promote.TrailerTree+": "+made.Tree)
	return b, err
}

// write puts the exception onto its branch, on top of what the default branch says now, unless the branch has it and is not merged. What a person
// wrote there is not touched: the caller looks.
func (o exceptionOrder) write(ctx context.Context, entry config.Exception, on, there exceptionBranch, merged bool) error {
	if on.mode != 0 && !on.mode.IsRegular() {
		return &cannotPrepare{entry, fmt.Errorf("%s is no ordinary file", config.FileName)}
	}
	wanted, err := pipeline.WithException(on.file, entry)
	if err != nil {
		return &cannotPrepare{entry, err}
	}
	if there.commit != "" && !merged && string(there.file) == string(wanted) {
		return nil
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
		return err
	case there.commit == "":
		return client.CreateBranch(ctx, branch, id)
	}
	return client.MoveBranch(ctx, branch, id)
}

// openPull finds the open pull request from the branch, or opens one. Whoever asks again for one that a person closed gets a new one.
func (o exceptionOrder) openPull(ctx context.Context, done *preparedException, branch string, pulls []github.PullRequest) error {
	for _, p := range pulls {
		if p.Open && p.Base == o.branch {
			done.number = p.Number
			return nil
		}
	}
	p := o.proposal
	opened, err := o.asker.client.CreatePull(ctx, github.NewPull{
		Title:  fmt.Sprintf("Accept %s until %s, for #%d", done.entry.Rule, done.entry.Until, o.pull),
		Branch: branch, Base: o.branch,
		Body: report.ExceptionBody(report.PreparedException{
			Offer: report.Offer{ID: p.ID, Finding: p.Finding, Count: p.Count}, Pull: o.pull, By: o.by,
			Entry: pipeline.ExceptionText(done.entry), File: config.FileName, Until: string(done.entry.Until), NoReason: done.entry.Reason == "",
		}),
	})
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
	case done.entry.Reason == "":
		return fmt.Sprintf("An exception from %s, until %s, is prepared in #%d. Its reason is empty: write there why the finding is accepted, "+
			"since sluice refuses it without. It holds once that is reviewed and merged; then %s here.", rule, until, done.number, report.Code("/sluice recheck"))
	case done.theirs:
		return fmt.Sprintf("An exception from %s, until %s, is in #%d, on which somebody has written since: I have left it as it is.", rule, until, done.number)
	}
	return fmt.Sprintf("An exception from %s, until %s, is prepared in #%d. It holds once that is reviewed and merged; then %s here.",
		rule, until, done.number, report.Code("/sluice recheck"))
}
