package cli

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice/internal/config"
	"github.com/sluice-dev/sluice/internal/gate"
	"github.com/sluice-dev/sluice/internal/git"
	"github.com/sluice-dev/sluice/internal/github"
	"github.com/sluice-dev/sluice/internal/pipeline"
	"github.com/sluice-dev/sluice/internal/promote"
)

// work is what is done about one unit.
type work struct {
	*opener
	unit     pipeline.Unit
	settings config.PullRequest
	is       pipeline.UnitState
	want     pipeline.UnitWant
	pull     github.PullRequest // the open one; Number 0 for none
	ours     []madeCommit       // the commits of ours on the branch that the default branch has not, oldest first
	tipTree  *git.Tree          // nil without a branch
	outcome  pipeline.PullRequest
	wrote    bool                   // something was made that need not be made again
	back     *pipeline.RollbackPlan // what is taken back; nil for a promotion
	earlier  map[edgeKey]bool       // edges whose source is not the newest
	asked    string                 // the head of the pull request that the gates were asked about; "" for none
	made     bool                   // the branch's newest commit was made in this run
	lacks    string                 // what GitHub refused of what the pull request shows; "" where it has all
}

// madeCommit is a commit that an earlier run made.
type madeCommit struct {
	id     string
	record promote.Record
}

func (w *work) run(ctx context.Context) error {
	w.outcome = pipeline.PullRequest{State: pipeline.PullNone}
	w.findPull()
	if err := w.readBranch(ctx); err != nil {
		return err
	}
	choose := w.choosePromotion
	if w.undo != nil {
		choose = w.chooseRollback
	}
	if err := choose(ctx); err != nil {
		return err
	}
	if err := w.compare(ctx); err != nil {
		return err
	}
	decision := pipeline.Decide(w.want, w.is)
	w.outcome = pipeline.PullRequest{Number: w.pull.Number, URL: w.pull.URL, State: decision.State}
	if decision.Why != "" && !w.want.Empty {
		w.notes = append(w.notes, fmt.Sprintf("%s, %s → %s: %s", w.unit.Name, w.unit.From, w.unit.To, decision.Why))
	}
	for _, step := range decision.Steps {
		w.log.Debug("promotion", "unit", w.unit.Branch, "step", step)
		if step.Makes() && !w.wrote && w.spent() {
			w.tally.left++
			return w.closeGate(ctx)
		}
		if err := w.perform(ctx, step); err != nil {
			return err
		}
		w.wrote = w.wrote || step.Makes()
	}
	if len(decision.Steps) == 0 && w.is.Open != nil && w.is.Taken == 0 && !w.is.Newer && w.lacks != "" {
		w.tally.lacking = append(w.tally.lacking, w)
	}
	return nil
}

// choosePromotion settles which commit of the source is promoted, and what the gates say.
func (w *work) choosePromotion(ctx context.Context) error {
	w.settings = w.planned.Config.PullFor(strings.Split(w.unit.To, "+")...)
	if w.part.rev("") == "" { // else the source is that of the change
		if err := w.chooseSource(ctx); err != nil {
			return err
		}
	}
	return w.askGates(ctx)
}

// findPull finds the open pull request from the branch: ours, by its author, or one of somebody else that is in the way.
func (w *work) findPull() {
	for _, p := range w.open[w.unit.Branch] {
		if p.Base != w.branch {
			continue
		}
		if !strings.EqualFold(p.Author, w.login) {
			w.is.Taken = p.Number
		} else if p.Number > w.pull.Number {
			w.pull = p
		}
	}
	if w.pull.Number > 0 {
		state := ""
		state, w.lacks = published(w.pull)
		w.is.Open = &pipeline.OwnPull{Number: w.pull.Number, Head: w.pull.Head, State: state}
	}
}

// readBranch finds out what is on the branch: commits of ours, and merges of the default branch in which nobody wrote; or anything
// else, which a person pushed. A commit is ours where it says so and still has the content that it was made with.
func (w *work) readBranch(ctx context.Context) error {
	w.is.Tip = w.branches[w.unit.Branch]
	if w.is.Tip == "" {
		return nil
	}
	var err error
	if w.tipTree, err = w.repo.Tree(ctx, w.is.Tip); err != nil {
		return err
	}
	const most = 250
	commits, err := w.repo.Commits(ctx, w.main, w.is.Tip, nil, most)
	if err != nil {
		return err
	}
	for _, c := range slices.Backward(commits) {
		records := promote.Records(c.Message)
		switch {
		case len(records) == 1 && records[0].Tree == c.Tree && w.unit.Carries(records[0]):
			w.ours = append(w.ours, madeCommit{c.ID, records[0]})
		case !w.repo.IsPlainMerge(ctx, c):
			w.is.Diverged = true
		}
	}
	w.is.Diverged = w.is.Diverged || len(commits) == most
	if len(w.ours) > 0 {
		source := w.ours[len(w.ours)-1].record.Source
		if !w.repo.IsAncestor(ctx, source, w.main) {
			now, err := w.client.Branch(ctx, w.branch)
			if err != nil {
				return err
			}
			w.is.Newer = now != w.main
		}
	}
	return nil
}

// chooseSource takes, for edges whose gates look at the source, the newest commit of it that is through them. Where the newest is held as it
// is, so is all before it: see [config.Hold].
func (w *work) chooseSource(ctx context.Context) error {
	for i, e := range w.unit.Edges {
		asked, known := w.gated[keyOf(e)]
		if !known || len(e.Files)+len(e.Conflicts) == 0 || kinds(asked.Rules) == (github.SignalKinds{}) {
			continue
		}
		if slices.ContainsFunc(asked.Holds, func(h config.Hold) bool { return h.Source != "" }) {
			continue
		}
		candidates, err := w.keeper.candidates(ctx, asked, "", nil)
		if err != nil {
			return err
		}
		// Not further back than to what is not promoted yet.
		candidates = slices.DeleteFunc(candidates, func(c gate.Candidate) bool {
			return e.Oldest != "" && !w.repo.IsAncestor(ctx, e.Oldest, c.Commit)
		})
		pinned := ""
		if len(w.ours) > 0 {
			source := w.ours[len(w.ours)-1].record.Source
			for _, c := range candidates { // the oldest that holds it
				if w.repo.IsAncestor(ctx, source, c.Commit) {
					pinned = c.Commit
				}
			}
		}
		chosen := gate.Choose(candidates, pinned)
		if chosen <= 0 {
			continue // the newest, which is planned already
		}
		again, err := w.planFrom(ctx, e, candidates[chosen].Commit)
		if err != nil {
			return err
		}
		w.unit.Edges[i], w.earlier[keyOf(e)] = again, true
	}
	return nil
}

// planFrom plans one edge with the source of an earlier commit.
func (w *work) planFrom(ctx context.Context, e pipeline.PromotionEdge, source string) (pipeline.PromotionEdge, error) {
	promotion, err := w.promotion(ctx, source)
	if err != nil {
		return e, err
	}
	promotion.From, promotion.To, promotion.Apps = e.From, e.To, []string{e.App}
	if promotion.Only != nil {
		again := *promotion.Only
		again.Again, promotion.Only = true, &again
	}
	planned, err := runPromotion(ctx, promotion)
	if err != nil {
		return e, err
	}
	for _, other := range planned.Edges {
		if keyOf(other) == keyOf(e) {
			return other, nil
		}
	}
	return e, fmt.Errorf("%s is not promoted any more as of %.10s", e.FromTarget, source)
}

// askGates finds out what the gates of each edge say, with the pull request that is open.
func (w *work) askGates(ctx context.Context) error {
	w.asked = w.pull.Head
	for i := range w.unit.Edges {
		e := &w.unit.Edges[i]
		asked, known := w.gated[keyOf(*e)]
		if !known || len(e.Files)+len(e.Conflicts) == 0 {
			continue
		}
		var pull *gate.Pull
		if w.pull.Number > 0 {
			pull = w.keeper.pullOf(ctx, w.pull.Number, w.pull.Head, w.pull.Labels, asked.Rules)
		}
		result, err := w.keeper.evaluate(ctx, asked, pull)
		if err != nil {
			return err
		}
		e.SetGates(result)
		w.want.Held = w.want.Held || result.State == gate.Hold
	}
	return nil
}

// askAgain asks the gates anew where the pull request was opened or got a commit since: who approved what it held before has not approved
// what it holds now.
func (w *work) askAgain(ctx context.Context) error {
	if w.asked == w.is.Tip || w.back != nil {
		return nil
	}
	w.pull.Head = w.is.Tip
	if err := w.askGates(ctx); err != nil {
		return err
	}
	w.want.State = w.state()
	return nil
}

// compare sets what is on the branch and in the pull requests against what should be.
func (w *work) compare(ctx context.Context) (err error) {
	w.want.Empty = w.unit.Empty()
	if w.tipTree != nil && !w.is.Diverged {
		changes, err := w.changes(ctx, w.tipTree)
		if err != nil {
			return err
		}
		w.is.Same = len(changes) == 0
	}
	if w.is.Same && !w.want.Empty {
		moved, err := w.mainMoved(ctx)
		if err != nil {
			return err
		}
		w.is.Same = !moved || w.repo.MergesByItself(ctx, w.main, w.is.Tip) // else nobody could merge it
	}
	if n := len(w.ours); n > 0 && w.undo == nil && w.reason != "" && w.reason != w.ours[n-1].record.Reason {
		w.is.Same = false // a person gives another reason: what is asked for stands in the commit
	}
	w.want.State = w.state()
	if w.is.Open != nil || w.is.Taken > 0 || (w.want.Empty || w.want.Held) && w.is.Tip == "" {
		return nil // what was closed or merged before decides nothing
	}
	pulls, err := w.client.PullsOf(ctx, w.unit.Branch)
	if err != nil {
		return err
	}
	for _, p := range pulls { // the newest first
		if p.Open || !strings.EqualFold(p.Author, w.login) || p.Base != w.branch {
			continue
		}
		w.is.Last = &pipeline.OwnPull{Number: p.Number, Merged: p.Merged, Settled: strings.HasPrefix(p.Body, closeMarker), Head: p.Head}
		if !p.Merged && !w.is.Last.Settled {
			w.outcome.Number, w.outcome.URL = p.Number, p.URL
			w.pull.URL = p.URL
			if w.undo != nil || w.insists {
				return nil // a person asks for it again
			}
			w.is.Last.SourceSame, err = w.sameSource(ctx, p.Head)
		}
		return err
	}
	return nil
}

// sameSource reports whether the source is what it was when a commit of a closed pull request was made.
func (w *work) sameSource(ctx context.Context, head string) (bool, error) {
	if err := w.repo.EnsureHistory(ctx, head); err != nil {
		return false, err
	}
	commits, err := w.repo.Commits(ctx, w.main, head, nil, 50)
	if err != nil {
		return false, err
	}
	for _, c := range commits {
		for _, record := range promote.Records(c.Message) {
			if w.unit.Carries(record) {
				return record.Source == w.source(ctx), nil
			}
		}
	}
	return false, nil
}

// source is the newest commit of those that the unit's moving edges promote.
func (w *work) source(ctx context.Context) string {
	newest := ""
	for _, e := range w.unit.Moving() {
		if newest == "" || newest != e.Source && w.repo.IsAncestor(ctx, newest, e.Source) {
			newest = e.Source
		}
	}
	return newest
}

// changes gives what must be written into a tree for it to hold the promotion: what is promoted as it is to be, and whatever else
// the branch has changed as the default branch has it.
func (w *work) changes(ctx context.Context, in *git.Tree) (out []github.NewFile, err error) {
	wanted := make(map[string]bool)
	for _, f := range w.unit.Files() {
		wanted[f.Path] = true
		if !holdsFile(in, f) {
			out = append(out, github.NewFile{Path: f.Path, Mode: f.Mode, Data: f.Data, Deleted: f.Action == promote.Delete})
		}
	}
	touched, err := w.touched(ctx)
	if err != nil {
		return nil, err
	}
	for _, name := range touched {
		was, _ := in.OID(name)
		is, there := w.tree.OID(name)
		if wanted[name] || was == is {
			continue
		}
		f := github.NewFile{Path: name, Deleted: !there}
		if there {
			if f.Mode, f.Data, err = readAny(w.tree, name); err != nil {
				return nil, err
			}
		}
		out = append(out, f)
	}
	return out, nil
}

// touched gives the files that the branch has changed since it left the default branch.
func (w *work) touched(ctx context.Context) ([]string, error) {
	if w.tipTree == nil {
		return nil, nil
	}
	base, ok := w.repo.MergeBase(ctx, w.is.Tip, w.main)
	if !ok {
		return nil, nil
	}
	tree, err := w.repo.Tree(ctx, base)
	if err != nil {
		return nil, err
	}
	return git.Changed(tree, w.tipTree), nil
}

// readAny reads a file, or what a link points to.
func readAny(tree *git.Tree, name string) (fs.FileMode, []byte, error) {
	info, err := tree.Lstat(name)
	if err != nil {
		return 0, nil, err
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		to, err := tree.ReadLink(name)
		return fs.ModeSymlink, []byte(to), err
	}
	data, err := tree.ReadFile(name)
	return info.Mode(), data, err
}

// holdsFile reports whether a tree holds a promoted file as it is to be. What cannot be read is not as it is to be.
func holdsFile(tree *git.Tree, f pipeline.PromotedFile) bool {
	_, there := tree.OID(f.Path)
	if f.Action == promote.Delete || !there {
		return !there == (f.Action == promote.Delete)
	}
	mode, data, err := readAny(tree, f.Path)
	return err == nil && mode&fs.ModeSymlink == f.Mode&fs.ModeSymlink && (mode&0o111 != 0) == (f.Mode&0o111 != 0) && string(data) == string(f.Data)
}

// state is a digest of everything that the pull request shows.
func (w *work) state() string {
	sum := sha256.New()
	encoder := json.NewEncoder(sum)
	for _, e := range w.unit.Moving() {
		e.PullRequest = pipeline.PullRequest{}
		_ = encoder.Encode(e) // writing to a hash cannot fail
		for _, target := range e.ToTargets {
			id, _, _ := strings.Cut(target, "#")
			oid, _ := w.tree.OID(id)
			_ = encoder.Encode(oid)
		}
		for _, shared := range append(slices.Clone(e.Shared), e.Bases...) {
			oid, _ := w.tree.OID(shared)
			_ = encoder.Encode(oid)
		}
	}
	rules, _ := w.tree.OID(config.FileName)
	_ = encoder.Encode([]any{w.settings, rules, w.reason, Version()})
	return hex.EncodeToString(sum.Sum(nil))[:32]
}
