package pipeline

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"slices"

	"github.com/sluice-dev/sluice/internal/config"
	"github.com/sluice-dev/sluice/internal/finding"
	"github.com/sluice-dev/sluice/internal/plan"
	"github.com/sluice-dev/sluice/internal/promote"
)

// merger merges the edges of one promotion.
type merger struct {
	run          *Promotion
	layout       config.Layout
	history      History
	keep, always []promote.Rule
	own          int // how many rules of keep are the configuration's, which come first
	secrets      *secretValues
	holds        []config.Hold
	findings     finding.List
	seen         map[string]bool    // the files of both sides
	order        map[[2]string]bool // whether the first commit is before the second, as far as that was asked
}

func (p *Promotion) merger(ctx context.Context, cfg *config.Config, layout config.Layout, edges []edge) (*merger, error) {
	m := &merger{run: p, layout: layout, own: len(cfg.Promotion.Keep), secrets: newSecretValues(cfg), seen: make(map[string]bool), order: make(map[[2]string]bool)}
	var problems finding.List
	m.keep, problems = rulesOf(cfg, "keep", cfg.Promotion.Keep, promote.DefaultKeep)
	always, found := rulesOf(cfg, "always", cfg.Promotion.Always, promote.DefaultAlways)
	m.always = always
	if problems = append(problems, found...); len(problems) > 0 {
		return nil, &ConfigError{problems}
	}
	var source, all []string
	for _, e := range edges {
		source = append(source, e.sourceDirs()...)
		for _, pair := range e.fresh {
			source = append(source, pair.from)
		}
		for _, p := range e.parts() {
			all = append(all, p.target.Dir)
		}
	}
	all = append(all, source...)
	slices.Sort(all)
	if len(edges) == 0 {
		return m, nil
	}
	var err error
	if m.holds, err = readHolds(p.Target.Tree); err != nil {
		return nil, err
	}
	m.history, err = p.History(ctx, source, slices.Compact(all), cfg.Promotion.History)
	return m, err
}

// rulesOf joins the rules of the configuration, which come first, with those that sluice knows.
func rulesOf(cfg *config.Config, key string, own []config.FieldRule, known []promote.Rule) (out []promote.Rule, problems finding.List) {
	for i, rule := range own {
		parsed, err := promote.ParseRule(string(rule.Files), string(rule.Path), "the configuration keeps it")
		if err != nil {
			problems = append(problems, finding.Finding{
				Rule: "config/value", Severity: finding.Error, Pos: cfg.Pos("promotion", key, i), Message: err.Error(),
			})
		}
		out = append(out, parsed)
	}
	return append(out, known...), problems
}

// edge merges into each target of an edge.
func (m *merger) edge(ctx context.Context, e edge) (PromotionEdge, error) {
	out := PromotionEdge{
		App: e.app, From: e.from, To: e.to, FromTarget: e.source.ID, ToTargets: []string{}, Source: cmp.Or(m.history.Newest(e.sourceDirs()...), m.run.Source.Commit),
		Merge: MergeNothing, Gate: "open", Only: m.run.part(), PullRequest: PullRequest{State: "none"},
		Files: []PromotedFile{}, Withheld: []promote.Withheld{}, Conflicts: []promote.Conflict{}, Gates: []Gate{},
	}
	for _, target := range e.targets {
		out.ToTargets = append(out.ToTargets, target.ID)
	}
	for _, p := range e.parts() {
		result, err := m.merge(ctx, p.edge, p.target)
		if err != nil {
			return out, err
		}
		held := inConflict(result)
		for _, edit := range result.Edits {
			out.Files = append(out.Files, PromotedFile{
				Path: edit.Path, Action: edit.Action, From: edit.Source, Was: edit.Was, Conflict: held[edit.Path], File: edit.File,
				taken: takenIn(result, edit),
			})
		}
		out.Withheld = append(out.Withheld, result.Withheld...)
		out.Conflicts = append(out.Conflicts, result.Conflicts...)
		for _, f := range result.Findings {
			m.findings = append(m.findings, f.In(p.target.ID, finding.New))
		}
	}
	made, err := m.copyBases(&out, e)
	if err != nil {
		return out, err
	}
	out.Bases = append(e.sourceDirs()[1:], made...)
	if len(made) > 0 {
		out.Source = cmp.Or(m.history.Newest(append(e.sourceDirs(), made...)...), m.run.Source.Commit)
	}
	switch {
	case len(out.Conflicts) > 0:
		out.Merge = MergeConflict
	case len(out.Files) > 0:
		out.Merge = MergeClean
	}
	return out, nil
}

// takenIn gives what an edit does, field by field.
func takenIn(result promote.Result, edit promote.Edit) (out []promote.Taken) {
	for _, t := range result.Taken {
		if t.File == edit.Path || edit.Was != "" && t.File == edit.Was {
			out = append(out, t)
		}
	}
	return out
}

// part names what alone is promoted.
func (p *Promotion) part() string {
	if p.Only == nil {
		return ""
	}
	return p.Only.Name
}

// inConflict gives the files that hold a conflict. Both paths of a file that moves share their fate.
func inConflict(result promote.Result) map[string]bool {
	held := make(map[string]bool)
	for _, c := range result.Conflicts {
		held[c.File] = true
	}
	for _, edit := range result.Edits {
		if edit.Was != "" && (held[edit.Path] || held[edit.Was]) {
			held[edit.Path], held[edit.Was] = true, true
		}
	}
	return held
}

// merge merges into one target. The history says what the two sides had in common. Where a promotion has recorded that, and the
// trees agree, its record says it better: what a person settled then stays settled.
func (m *merger) merge(ctx context.Context, e edge, target plan.Target) (promote.Result, error) {
	found, history := len(m.findings), m.historyOf(ctx, e, target)
	parts, err := m.run.partsOn(e)
	if err != nil {
		return promote.Result{}, err
	}
	isBefore := m.isBefore(ctx)
	result, sides, err := m.mergeTrees(m.run.Source.Tree, m.run.Target.Tree, e, target, promote.BaseFromHistory(history).WithParts(parts, isBefore))
	if err != nil {
		return result, err
	}
	if len(result.Edits)+len(result.Conflicts) > 0 {
		base, ok, err := m.recorded(ctx, e, target, history)
		if err != nil {
			return result, err
		}
		if ok {
			m.findings = m.findings[:found]
			if result, sides, err = m.mergeTrees(m.run.Source.Tree, m.run.Target.Tree, e, target, base.WithHistory(history).WithParts(parts, isBefore)); err != nil {
				return result, err
			}
		}
	}
	m.secrets.hide(&result, sides.ours, sides.theirs, sides.pairs)
	return result, nil
}

// mergeSides are the files of both sides.
type mergeSides struct {
	ours, theirs promote.Files
	pairs        []promote.Pair
}

func (m *merger) mergeTrees(source, into Tree, e edge, target plan.Target, base promote.Base) (promote.Result, mergeSides, error) {
	from, to := promote.Side{Dir: e.source.Dir, Env: e.from}, promote.Side{Dir: target.Dir, Env: e.to}
	theirs, unread, err := m.files(source, e.source)
	if err != nil {
		return promote.Result{}, mergeSides{}, err
	}
	ours, more, err := m.files(into, target)
	if err != nil {
		return promote.Result{}, mergeSides{}, err
	}
	pairs := promote.PairFiles(from, to, theirs, ours)
	// What could not be read on one side must not look as if it were not there.
	pairs = slices.DeleteFunc(pairs, func(p promote.Pair) bool { return unread[p.From] || more[p.To] })
	keep := m.keep
	for _, p := range pairs {
		m.seen[p.From], m.seen[p.To] = true, true
	}
	part, err := m.partOf(e)
	if err != nil {
		return promote.Result{}, mergeSides{}, err
	}
	if e.copied { // what environments own stands in their own directories, and nothing in a copy by itself
		keep = keep[:m.own]
	}
	result, err := promote.Merge(promote.Edge{From: from, To: to, Pairs: pairs, Keep: keep, Always: m.always, Copies: e.copies(), Part: part}, base, ours, theirs)
	return result, mergeSides{ours, theirs, pairs}, err
}

// recorded gives the base that the newest promotion along an edge recorded: the source's files as they were then. A record is only
// what a commit's message says, so it counts where the trees agree: the target as that commit had it lacks nothing that a promotion
// of that source would bring.
func (m *merger) recorded(ctx context.Context, e edge, target plan.Target, history promote.History) (base promote.Base, ok bool, err error) {
	if m.run.Recorded == nil || m.run.At == nil {
		return base, false, nil
	}
	records, err := m.run.Recorded()
	if err != nil {
		return base, false, err
	}
	step, back := promote.Step{App: e.app, From: e.from, To: e.to}, promote.Step{App: e.app, From: e.to, To: e.to}
	for _, r := range records {
		if r.Part == promote.RollbackPart && slices.Contains(r.Steps, back) {
			return base, false, nil // what was promoted before it was taken back
		}
		if r.Part != "" || !slices.Contains(r.Steps, step) {
			continue
		}
		if m.run.IsBefore != nil && m.run.Source.Commit != r.Source && m.run.IsBefore(ctx, m.run.Source.Commit, r.Source) {
			return base, false, nil // an earlier source is promoted, which was never the newer one's successor
		}
		then, err := m.run.At(ctx, r.Source)
		if err != nil {
			return base, false, ctx.Err() // a commit that is not here: it says nothing
		}
		result, err := m.run.At(ctx, r.Commit)
		if err != nil {
			return base, false, ctx.Err()
		}
		if m.rolledBackSince(result, e) {
			return base, false, nil
		}
		if _, err := result.Lstat(target.Dir); e.copied && err != nil {
			return base, false, nil // the copy was made later
		}
		quiet, whole := *m, *m.run
		whole.Only = nil
		quiet.findings, quiet.run = nil, &whole
		merged, sides, err := quiet.mergeTrees(then, result, e, target, promote.BaseFromHistory(history))
		return promote.BaseFiles(r.Source, sides.theirs), err == nil && len(merged.Edits) == 0, err
	}
	return base, false, nil
}

// rolledBackSince reports whether the target of an edge was taken back after a commit: its tree lacks a rollback's hold that there is now.
func (m *merger) rolledBackSince(then Tree, e edge) bool {
	known, _ := readHolds(then) // one that cannot be read has none
	for _, hold := range config.HoldsOf(m.holds, e.app, e.from, e.to) {
		was := slices.ContainsFunc(known, func(k config.Hold) bool { return k.Line() == hold.Line() })
		if hold.Restored != "" && !was {
			return true
		}
	}
	return false
}

// files reads the files of a target: those in its directory, without those of other targets further down. What cannot be promoted
// is told, and named in unread.
func (m *merger) files(tree Tree, target plan.Target) (files promote.Files, unread map[string]bool, err error) {
	files, unread = promote.Files{}, make(map[string]bool)
	if _, err := tree.Lstat(target.Dir); err != nil {
		return files, unread, nil // a target that is new
	}
	skip := func(name, what string) {
		unread[name] = true
		m.findings = append(m.findings, finding.Finding{
			Rule: "promotion/unreadable", Severity: finding.Warning, Pos: finding.Pos{File: name}, Message: what + ": it is not promoted",
		})
	}
	err = fs.WalkDir(tree, target.Dir, func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && name != target.Dir && m.isTarget(name):
			return fs.SkipDir
		case entry.Type()&fs.ModeIrregular != 0:
			skip(name, "this is a submodule")
			return fs.SkipDir
		case entry.IsDir():
			return nil
		case entry.Type() == fs.ModeSymlink:
			to, err := tree.ReadLink(name)
			files[name] = promote.File{Data: []byte(to), Mode: fs.ModeSymlink}
			return err
		}
		data, err := tree.ReadFile(name)
		if err != nil {
			skip(name, fmt.Sprintf("this file cannot be read (%v)", err))
			return nil
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		files[name] = promote.File{Data: data, Mode: info.Mode().Perm()}
		return nil
	})
	return files, unread, err
}

// isTarget reports whether a directory is promoted by itself. A pair of directories is taken whole.
func (m *merger) isTarget(dir string) bool {
	return m.run.Directories == nil && slices.ContainsFunc(m.layout.Targets, func(t plan.Target) bool { return t.Dir == dir })
}
