package pipeline

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice/internal/config"
	"github.com/sluice-dev/sluice/internal/finding"
	"github.com/sluice-dev/sluice/internal/plan"
	"github.com/sluice-dev/sluice/internal/promote"
	"github.com/sluice-dev/sluice/internal/report"
)

// Rollback takes an application in one environment back to what it was before its last change.
type Rollback struct {
	Now              Side // what there is
	App, Environment string
	// To is the commit whose files are restored; "" for the one before the last change of the target's directory.
	To string
	// Changes gives the commits of the main line that changed something below any of some directories, the newest first.
	Changes func(ctx context.Context, dirs ...string) ([]string, error)
	At      func(ctx context.Context, commit string) (Tree, error)
	Hold    config.Hold // who, why, since when, and of which commit's source; the rest is filled in
}

// RollbackPlan is what a rollback does. Its JSON form has a version and only grows.
type RollbackPlan struct {
	Version     int            `json:"version"`
	App         string         `json:"app"`
	Environment string         `json:"environment"`
	Targets     []RolledBack   `json:"targets"`
	Files       []PromotedFile `json:"files"`
	Hold        string         `json:"hold"` // the line that is added to .sluice/holds.yaml
	// Check is what a pull request with this plan would be told.
	Check *report.Report `json:"check,omitempty"`
	// PullRequest is the one that carries the rollback, where one was opened.
	PullRequest *PullRequest `json:"pull_request,omitempty"`
	// Config is the configuration that binds.
	Config *config.Config `json:"-"`

	now Tree
}

// What the rendering of a target that is rolled back is, beside what it was.
const (
	RendersSame      = "same"
	RendersDifferent = "different" // something that it shares with others has moved since
	RendersUnknown   = "unknown"   // one of the two cannot be rendered
)

// RolledBack is one target of a rollback.
type RolledBack struct {
	ID       string `json:"target"`
	Restored string `json:"restored"` // the commit
	Rendered string `json:"rendered"`
	// Moved are the files outside the target's directory, from which it is rendered, that are not what they were at the commit.
	Moved []string `json:"moved"`

	target plan.Target
	then   Tree
}

// Run computes the plan, without Check and without knowing what is rendered: see [RollbackPlan.Prove]. It fails with a *RequestError
// for what cannot be asked, with a *ConfigError for files with mistakes.
func (r *Rollback) Run(ctx context.Context) (*RollbackPlan, error) {
	cfg, err := readConfig(r.Now.Tree)
	if err != nil {
		return nil, err
	}
	holds, err := readHolds(r.Now.Tree)
	if err != nil {
		return nil, err
	}
	graph, err := plan.Build(r.Now.Tree, plan.NewMemo())
	if err != nil {
		return nil, fmt.Errorf("read the dependency graph: %w", err)
	}
	layout, problems := cfg.Layout(r.Now.Tree, graph)
	if len(layout.Targets) == 0 {
		return nil, refuse("%s", problems)
	}
	targets, err := r.targets(cfg, layout)
	if err != nil {
		return nil, err
	}
	out := &RollbackPlan{Version: 1, App: r.App, Environment: r.Environment, Targets: []RolledBack{}, Files: []PromotedFile{}, Config: cfg, now: r.Now.Tree}
	for _, target := range targets {
		dirs := append([]string{target.Dir}, r.copies(cfg, graph, layout, target)...)
		if err := r.restore(ctx, out, target, dirs, layout, graph, holds); err != nil {
			return nil, err
		}
	}
	if len(out.Files) == 0 {
		return nil, refuse("%s in %s already is what it was at %.10s: there is nothing to roll back", r.App, r.Environment, out.Targets[0].Restored)
	}
	return out, r.hold(out)
}

// targets finds what is to be rolled back.
func (r *Rollback) targets(cfg *config.Config, layout config.Layout) (out []plan.Target, err error) {
	known := &edgeFinder{cfg: cfg, layout: layout, stages: cfg.Stages(layout.Environments)}
	switch {
	case known.stage(r.Environment) < 0:
		return nil, refuse("unknown environment %q: there are %s", r.Environment, known.orderText())
	case !slices.Contains(known.applications(), r.App):
		return nil, refuse("unknown application %q: there are %s", r.App, strings.Join(known.applications(), ", "))
	}
	for _, t := range layout.Targets {
		if t.App == r.App && t.Environment == r.Environment {
			out = append(out, t)
		}
	}
	if len(out) == 0 {
		return nil, refuse("%s is not in %s", r.App, r.Environment)
	}
	for _, t := range out {
		for _, other := range layout.Targets {
			if other.Dir == t.Dir && other.ID != t.ID {
				return nil, refuse("%s shares its directory with %s: a rollback takes a whole directory back. Revert the change with git instead", t.ID, other.ID)
			}
		}
	}
	return out, nil
}

// copies gives the copies of shared directories that a target is built from, and nothing else: they are taken back with it.
func (r *Rollback) copies(cfg *config.Config, graph *plan.Graph, layout config.Layout, target plan.Target) (out []string) {
	if cfg.Promotion.Base != config.BaseVersioned {
		return nil
	}
	for _, dir := range sharedInputs(graph, target) {
		of, isCopy := strings.CutSuffix(dir, "-"+r.Environment)
		if _, err := r.Now.Tree.Lstat(of); !isCopy || err != nil {
			continue
		}
		foreign := slices.ContainsFunc(layout.Targets, func(t plan.Target) bool {
			return (t.App != r.App || t.Environment != r.Environment) && slices.Contains(sharedInputs(graph, t), dir)
		})
		if !foreign {
			out = append(out, dir)
		}
	}
	return out
}

// restore plans the files of one target, in its directories.
func (r *Rollback) restore(ctx context.Context, out *RollbackPlan, target plan.Target, dirs []string, layout config.Layout, graph *plan.Graph, holds []config.Hold) error {
	restored, err := r.before(ctx, target, dirs, holds)
	if err != nil {
		return err
	}
	then, err := r.At(ctx, restored)
	if err != nil {
		return err
	}
	back := RolledBack{ID: target.ID, Restored: restored, Rendered: RendersUnknown, Moved: []string{}, target: target, then: then}
	m := &merger{run: &Promotion{}, layout: layout}
	now, old := promote.Files{}, promote.Files{}
	for _, dir := range dirs {
		for _, side := range []struct {
			tree Tree
			into promote.Files
		}{{r.Now.Tree, now}, {then, old}} {
			files, _, err := m.files(side.tree, plan.Target{ID: dir, Dir: dir})
			if err != nil {
				return err
			}
			maps.Copy(side.into, files)
		}
	}
	for _, name := range sortedNames(now, old) {
		was, inOld := old[name]
		is, inNow := now[name]
		f := PromotedFile{Path: name, Action: promote.Change, File: was}
		switch {
		case !inOld:
			f.Action = promote.Delete
		case !inNow:
			f.Action = promote.Add
		case was.Mode == is.Mode && bytes.Equal(was.Data, is.Data):
			continue
		}
		if !slices.ContainsFunc(out.Files, func(known PromotedFile) bool { return known.Path == f.Path }) { // of a copy that two targets have
			out.Files = append(out.Files, f)
		}
	}
	if back.Moved, err = moved(graph, r.Now.Tree, then, target, dirs); err != nil {
		return err
	}
	out.Targets = append(out.Targets, back)
	return nil
}

// before gives the commit to restore: the last change of the target's directories but one. After a rollback, which is a change too, it
// is the one before what was restored: two rollbacks go two steps back, and not forth again.
func (r *Rollback) before(ctx context.Context, target plan.Target, dirs []string, holds []config.Hold) (string, error) {
	if r.To != "" {
		return r.To, nil
	}
	changes, err := r.Changes(ctx, dirs...)
	if err != nil {
		return "", err
	}
	at := 0
	for _, hold := range holds {
		i := slices.Index(changes, string(hold.Restored))
		if string(hold.App) != r.App || string(hold.To) != r.Environment || i <= at {
			continue
		}
		then, err := r.At(ctx, changes[i])
		if err != nil {
			return "", err
		}
		if sameDirectories(then, r.Now.Tree, dirs) {
			at = i
		}
	}
	if at+1 >= len(changes) {
		return "", refuse("%s has no earlier state: nothing but the commit that made it has changed %s", target.ID, strings.Join(dirs, ", "))
	}
	return changes[at+1], nil
}

func sortedNames(lists ...promote.Files) (out []string) {
	for _, files := range lists {
		for name := range files {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// moved gives the files outside a target's directories from which it is rendered, now or then, that differ between the two.
func moved(graph *plan.Graph, now, then Tree, target plan.Target, dirs []string) ([]string, error) {
	before, err := plan.Build(then, plan.NewMemo())
	if err != nil {
		return nil, fmt.Errorf("read the dependency graph: %w", err)
	}
	out := []string{}
	for _, input := range append(graph.TargetClosure(target), before.TargetClosure(target)...) {
		ours := slices.ContainsFunc(dirs, func(dir string) bool { return isBelow(input.Path, dir) || input.Path == dir })
		if ours || input.Kind == plan.Absent {
			continue
		}
		if info, err := fs.Stat(now, input.Path); err == nil && info.IsDir() {
			continue // its files are inputs of their own
		}
		x, inNow := now.OID(input.Path)
		y, inThen := then.OID(input.Path)
		if inNow != inThen || x != y {
			out = append(out, input.Path)
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// hold adds the line that keeps what was rolled back from being promoted again.
func (r *Rollback) hold(out *RollbackPlan) error {
	hold := r.Hold
	hold.App, hold.To = config.AppName(r.App), config.EnvironmentName(r.Environment)
	hold.Restored = config.CommitID(out.Targets[0].Restored)
	if hold.Reason == "" {
		hold.Reason = config.PlainText(fmt.Sprintf("rolled back to %.10s", hold.Restored))
	}
	data, err := r.Now.Tree.ReadFile(config.HoldsName)
	action := promote.Change
	if err != nil {
		data, action = nil, promote.Add // readHolds has looked: it is not there
	}
	after, err := config.AppendHold(config.HoldsName, data, hold)
	if err != nil {
		return &ConfigError{finding.List{{Rule: "config/holds", Severity: finding.Error, Message: err.Error(), Pos: finding.Pos{File: config.HoldsName}}}}
	}
	out.Hold = strings.TrimSuffix(hold.Line(), "\n")
	out.Files = append(out.Files, PromotedFile{Path: config.HoldsName, Action: action, File: promote.File{Data: after, Mode: 0o644}})
	return nil
}

// Prove renders each target as the rollback leaves it, and as it was, and says whether the two are the same.
func (p *RollbackPlan) Prove(ctx context.Context, shop Workshop) error {
	after := Overlay(p.now, p.Files)
	renderer, err := shop.Renderer(ctx, p.Config, func(Tree, plan.Target) []plan.Input { return nil })
	if err != nil {
		return err
	}
	for i := range p.Targets {
		t := &p.Targets[i]
		is, err := renderer.Render(ctx, after, t.target)
		if err != nil {
			return err
		}
		was, err := renderer.Render(ctx, t.then, t.target)
		if err != nil {
			return err
		}
		switch {
		case is.Failed || was.Failed:
			t.Rendered = RendersUnknown
		case sameObjects(is, was):
			t.Rendered = RendersSame
		default:
			t.Rendered = RendersDifferent
		}
	}
	return nil
}

// sameObjects reports whether two renderings give the same manifest, in whatever order.
func sameObjects(a, b Rendering) bool {
	texts := func(r Rendering) (out []string) {
		for _, o := range r.Objects {
			out = append(out, string(o.Text))
		}
		slices.Sort(out)
		return out
	}
	return slices.Equal(texts(a), texts(b))
}

// Unit is the rollback as one pull request: a step of the application from the environment to itself.
func (p *RollbackPlan) Unit(branch string, hold config.Hold) Unit {
	e := PromotionEdge{App: p.App, From: p.Environment, To: p.Environment, Source: string(hold.Source), Merge: MergeClean, Files: p.Files}
	for _, t := range p.Targets {
		e.ToTargets = append(e.ToTargets, t.ID)
	}
	return Unit{Name: p.App, From: p.Environment, To: p.Environment, Branch: branch, Part: promote.RollbackPart, Edges: []PromotionEdge{e}}
}

// Restored reports whether every target renders to what it was.
func (p *RollbackPlan) Restored() bool {
	return !slices.ContainsFunc(p.Targets, func(t RolledBack) bool { return t.Rendered != RendersSame })
}
