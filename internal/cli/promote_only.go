package cli

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-dev/sluice/internal/git"
	"github.com/sluice-dev/sluice/internal/github"
	"github.com/sluice-dev/sluice/internal/pipeline"
	"github.com/sluice-dev/sluice/internal/promote"
	"github.com/sluice-dev/sluice/internal/report"
)

// chosenPart is the part of a promotion that alone is promoted.
type chosenPart struct {
	pipeline.Only
	// Of a change: the commit whose source files are promoted, the one before it, and what it consists of, the newest first. "" and nil
	// for files and fields.
	source, before string
	commits        []git.Commit
}

const onlyHelp = "there are: pr=#NUMBER, commit=REV, file=PATH and field=PATH#FIELD"

var pullForm = regexp.MustCompile(`^(?:pr=)?#?([1-9][0-9]{0,8})$`)

// choosePart understands --only: one change, or files and fields. Which commits a pull request brought, GitHub says where there is a client, and
// else the history. What cannot be asked for is a usage error.
func choosePart(ctx context.Context, repo *git.Repo, client *github.Client, head string, texts []string) (*chosenPart, error) {
	if len(texts) == 0 {
		return nil, nil
	}
	number := pullForm.FindStringSubmatch(texts[0])
	rev, isCommit := strings.CutPrefix(texts[0], "commit=")
	if number == nil && !isCommit {
		part, err := promote.ParsePart(texts...)
		if err != nil {
			return nil, usage(fmt.Errorf("--only: %w; %s", err, onlyHelp))
		}
		return &chosenPart{Only: pipeline.Only{Part: part}}, nil
	}
	if len(texts) > 1 {
		return nil, usage(errors.New("--only: one pull request or commit at a time, and no files or fields with it"))
	}
	first, last, n := "", "", 0
	var err error
	if number != nil {
		n, _ = strconv.Atoi(number[1]) // digits
		first, last, err = commitsOfPull(ctx, repo, client, head, n)
		texts = []string{"pr=#" + number[1]}
	} else if last, err = repo.Resolve(ctx, rev); err == nil {
		first, texts = last, []string{"commit=" + last}
		if n, err = pullOfCommit(ctx, repo, client, head, last); n > 0 { // one part has one name
			texts = []string{fmt.Sprintf("pr=#%d", n)}
		}
	}
	if err != nil {
		return nil, err
	}
	return changeOf(ctx, repo, head, texts[0], first, last)
}

// changeOf is the part that some commits in a row brought.
func changeOf(ctx context.Context, repo *git.Repo, head, name, first, last string) (*chosenPart, error) {
	if !repo.IsAncestor(ctx, last, head) {
		return nil, usage(fmt.Errorf("--only %s: %.10s is not in the history of %.10s: only what was merged can be promoted", name, last, head))
	}
	parents, err := repo.Parents(ctx, first)
	if err != nil {
		return nil, err
	}
	if len(parents) == 0 {
		return nil, usage(fmt.Errorf("--only %s: %.10s is the first commit: everything came with it", name, first))
	}
	before, err := repo.Tree(ctx, parents[0])
	if err != nil {
		return nil, err
	}
	const most = 250
	commits, err := repo.Commits(ctx, parents[0], last, nil, most)
	return &chosenPart{Only: pipeline.Only{Part: promote.Part{Name: name}, Before: before}, source: last, before: parents[0], commits: commits}, err
}

// commitsOfPull gives the first and the last commit that a merged pull request brought to the main line: one and the same, but for a
// rebase.
func commitsOfPull(ctx context.Context, repo *git.Repo, client *github.Client, head string, number int) (first, last string, err error) {
	if client == nil {
		id, err := mergeInHistory(ctx, repo, head, number)
		return id, id, err
	}
	pull, err := client.OpenPull(ctx, number)
	if err != nil {
		return "", "", err
	}
	if !pull.Pull.Merged || pull.Pull.MergeSHA == "" {
		return "", "", usage(fmt.Errorf("--only pr=#%d: the pull request is not merged: only what was merged can be promoted", number))
	}
	last = pull.Pull.MergeSHA
	if err := repo.EnsureHistory(ctx, last); err != nil {
		return "", "", err
	}
	const most = 100 // commits that GitHub rebases at most
	first = last
	for range most {
		parents, err := repo.Parents(ctx, first)
		if err != nil || len(parents) != 1 {
			return first, last, err
		}
		before, err := client.PullsWith(ctx, parents[0])
		if err != nil || !slices.ContainsFunc(before, func(p github.PullRequest) bool { return p.Number == number }) {
			return first, last, err
		}
		first = parents[0]
	}
	return first, last, nil
}

// pullOfCommit gives the pull request that a commit brought all of, by a merge or a squash; 0 for none.
func pullOfCommit(ctx context.Context, repo *git.Repo, client *github.Client, head, commit string) (int, error) {
	if client == nil {
		info, err := repo.CommitInfo(ctx, commit)
		said := saysMerged.FindStringSubmatch(info.Subject)
		if err != nil || said == nil {
			return 0, err
		}
		number, _ := strconv.Atoi(said[1] + said[2]) // digits, of one or the other
		if id, err := mergeInHistory(ctx, repo, head, number); err != nil || id != commit {
			return 0, ctx.Err() // another one says so too, or this one is not merged
		}
		return number, nil
	}
	pulls, err := client.PullsWith(ctx, commit)
	for _, p := range pulls {
		if !p.Merged {
			continue
		}
		if first, last, err := commitsOfPull(ctx, repo, client, head, p.Number); err != nil || first == commit && last == commit {
			return p.Number, err
		}
	}
	return 0, err
}

// saysMerged matches the subject of a commit with which GitHub merged or squashed a pull request.
var saysMerged = regexp.MustCompile(`^Merge pull request #([1-9][0-9]{0,8}) from |\(#([1-9][0-9]{0,8})\)$`)

// mergeInHistory finds the commit with which GitHub merged a pull request, by what GitHub writes into its subject.
func mergeInHistory(ctx context.Context, repo *git.Repo, head string, number int) (string, error) {
	commits, err := repo.Commits(ctx, "", head, nil, 1000, fmt.Sprintf("#%d([^0-9]|$)", number))
	if err != nil {
		return "", err
	}
	subject := regexp.MustCompile(fmt.Sprintf(`^Merge pull request #%d from |\(#%[1]d\)$`, number))
	for _, c := range commits {
		if subject.MatchString(c.Subject) {
			return c.ID, nil
		}
	}
	return "", usage(fmt.Errorf("--only pr=#%d: no commit in the history says that it merged this pull request: GitHub knows, with a token in GITHUB_TOKEN; "+
		"or name its commit with --only commit=REV", number))
}

// checkOnly refuses a part of nobody knows which step: a file is the target of one and the source of the next.
func (opts promoteOptions) checkOnly() error {
	for _, text := range opts.only {
		if (strings.HasPrefix(text, "file=") || strings.HasPrefix(text, "field=")) && opts.from == "" && opts.to == "" && opts.fromDir == "" {
			return usage(errors.New("--only with a file or a field needs --from or --to: the same file is the target of one step and the source of the next"))
		}
	}
	return nil
}

// partHere understands --only where nothing is opened. GitHub is asked which commits a pull request brought only where the history does
// not say it.
func (c *Command) partHere(ctx context.Context, repo *git.Repo, opts promoteOptions) (*chosenPart, error) {
	if len(opts.only) == 0 {
		return nil, nil
	}
	head, err := repo.Resolve(ctx, "HEAD")
	if err != nil {
		return nil, err
	}
	part, err := choosePart(ctx, repo, nil, head, opts.only)
	if err == nil || pullForm.FindString(opts.only[0]) == "" {
		return part, err
	}
	run, unasked := c.openingRun(ctx, repo, opts, nil)
	if unasked != nil {
		return nil, err
	}
	return choosePart(ctx, repo, run.client, head, opts.only)
}

// only gives the part as the plan takes it.
func (p *chosenPart) only() *pipeline.Only {
	if p == nil {
		return nil
	}
	return &p.Only
}

// rev gives the revision whose source files are promoted.
func (p *chosenPart) rev(otherwise string) string {
	if p == nil || p.source == "" {
		return otherwise
	}
	return p.source
}

// tellPart says in a sentence what alone is promoted.
func tellPart(part string) string { return "only " + report.Visible(pipeline.PartName(part)) }
