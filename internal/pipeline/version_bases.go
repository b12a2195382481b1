package pipeline

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice/internal/config"
	"github.com/sluice-dev/sluice/internal/plan"
	"github.com/sluice-dev/sluice/internal/promote"
)

// BaseMove gives each environment after the first stage a copy of the directories that it shares with others: base-prod beside base, so
// that what they name keeps its way there. The first stage stays with the directory itself.
type BaseMove struct {
	Copies []BaseCopy
	Files  []PromotedFile // the copies' files, and the kustomizations that name them; sorted

	cfg     *config.Config
	tree    Tree
	targets []plan.Target
}

// BaseCopy is one directory to be copied.
type BaseCopy struct{ From, To, Environment string }

// PlanBaseMove computes the move, without proof: see [BaseMove.Prove]. It fails with a *RequestError where sluice cannot make it, with
// a *ConfigError for a configuration with mistakes.
func PlanBaseMove(tree Tree) (*BaseMove, error) {
	cfg, err := readConfig(tree)
	if err != nil {
		return nil, err
	}
	graph, layout, err := layOut(cfg, tree)
	if err != nil {
		return nil, err
	}
	move := &BaseMove{cfg: cfg, tree: tree, targets: layout.Targets}
	stages := cfg.Stages(layout.Environments)
	for _, shared := range sharedByStages(graph, layout, stages) {
		for _, stage := range stages[shared.first+1:] {
			for _, environment := range stage {
				if slices.Contains(shared.environments, environment) {
					move.Copies = append(move.Copies, BaseCopy{shared.dir, copyOf(shared.dir, "", environment), environment})
				}
			}
		}
	}
	if len(move.Copies) == 0 {
		return nil, refuse("no directory is shared by targets of several stages: there is nothing to copy")
	}
	if err := move.makeFiles(graph); err != nil {
		return nil, err
	}
	return move, move.settled(layout, stages)
}

func layOut(cfg *config.Config, tree Tree) (*plan.Graph, config.Layout, error) {
	graph, err := plan.Build(tree, plan.NewMemo())
	if err != nil {
		return nil, config.Layout{}, fmt.Errorf("read the dependency graph: %w", err)
	}
	layout, problems := cfg.Layout(tree, graph)
	if len(layout.Targets) == 0 {
		return nil, layout, refuse("%s", problems)
	}
	return graph, layout, nil
}

// sharedDir is a directory that targets of several stages are built from.
type sharedDir struct {
	dir          string
	environments []string
	first        int // the first of their stages
}

// sharedByStages finds these directories: the outermost ones, sorted.
func sharedByStages(graph *plan.Graph, layout config.Layout, stages [][]string) (out []sharedDir) {
	users := make(map[string][]string) // directory → environments
	for _, t := range layout.Targets {
		for _, dir := range sharedInputs(graph, t) {
			users[dir] = append(users[dir], t.Environment)
		}
	}
	outermost := func(dir string) string {
		for up := dir; up != "."; up = path.Dir(up) {
			if _, ok := users[up]; ok {
				dir = up
			}
		}
		return dir
	}
	joined := make(map[string][]string)
	for dir, environments := range users {
		joined[outermost(dir)] = append(joined[outermost(dir)], environments...)
	}
	for _, dir := range slices.Sorted(maps.Keys(joined)) {
		first, n := -1, 0
		for i, stage := range stages {
			if slices.ContainsFunc(stage, func(name string) bool { return slices.Contains(joined[dir], name) }) {
				if n++; first < 0 {
					first = i
				}
			}
		}
		if n > 1 {
			out = append(out, sharedDir{dir, joined[dir], first})
		}
	}
	return out
}

// makeFiles copies the directories, and has the kustomizations of each environment name its copies.
func (m *BaseMove) makeFiles(graph *plan.Graph) error {
	for _, c := range m.Copies {
		if err := m.copyDir(c); err != nil {
			return err
		}
	}
	for _, t := range m.targets {
		moved := m.copiesOf(t.Environment)
		if len(moved) == 0 {
			continue
		}
		for _, input := range graph.TargetClosure(t) {
			switch {
			case input.Kind == plan.Symlink:
				return refuse("%s is a symbolic link on the way to what %s is built from: copies are made of plain files only", input.Path, t.ID)
			case input.Kind != plan.File || !isKustomization(input.Path) || !isBelow(input.Path, t.Dir):
				continue
			}
			data, err := m.tree.ReadFile(input.Path)
			if err != nil {
				return err
			}
			edited, err := pointTo(data, path.Dir(input.Path), path.Dir(input.Path), moved)
			if err != nil {
				return refuse("%s: %v", input.Path, err)
			}
			if string(edited) != string(data) {
				m.put(input.Path, promote.Change, promote.File{Data: edited, Mode: m.mode(input.Path)})
			}
		}
	}
	slices.SortFunc(m.Files, func(a, b PromotedFile) int { return strings.Compare(a.Path, b.Path) })
	m.Files = slices.CompactFunc(m.Files, func(a, b PromotedFile) bool { return a.Path == b.Path })
	return nil
}

func (m *BaseMove) copiesOf(environment string) (out []BaseCopy) {
	for _, c := range m.Copies {
		if c.Environment == environment {
			out = append(out, c)
		}
	}
	return out
}

func (m *BaseMove) put(name string, action promote.Action, file promote.File) {
	m.Files = append(m.Files, PromotedFile{Path: name, Action: action, File: file})
}

func (m *BaseMove) mode(name string) fs.FileMode {
	info, err := m.tree.Lstat(name)
	if err != nil {
		return 0
	}
	return info.Mode().Perm()
}

func (m *BaseMove) copyDir(c BaseCopy) error {
	if _, err := m.tree.Lstat(c.To); err == nil {
		return refuse("%s is there already, and %s does not use it: remove it or name it otherwise", c.To, c.Environment)
	}
	for _, t := range m.targets {
		if t.Dir == c.From || isBelow(t.Dir, c.From) {
			return refuse("%s is shared, and %s in it is a target itself: move what is shared to a directory of its own first", c.From, t.ID)
		}
	}
	return fs.WalkDir(m.tree, c.From, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		if !entry.Type().IsRegular() {
			return refuse("%s is no plain file: copies are made of plain files only", name)
		}
		data, err := m.tree.ReadFile(name)
		if err != nil {
			return err
		}
		to := c.To + name[len(c.From):]
		if isKustomization(name) {
			if data, err = pointTo(data, path.Dir(name), path.Dir(to), m.copiesOf(c.Environment)); err != nil {
				return refuse("%s: %v", name, err)
			}
		}
		m.put(to, promote.Add, promote.File{Data: data, Mode: m.mode(name)})
		return nil
	})
}

// settled checks that the move does what it is for: there are the targets that there were, and none shares anything past its stage.
func (m *BaseMove) settled(before config.Layout, stages [][]string) error {
	graph, layout, err := layOut(m.cfg, Overlay(m.tree, m.Files))
	if err != nil {
		return err
	}
	if !slices.Equal(before.Targets, layout.Targets) {
		return refuse("with the copies sluice would find other targets than before: say them in %s (targets:) first", config.FileName)
	}
	for _, left := range sharedByStages(graph, layout, stages) {
		return refuse("%s would still be shared: a file other than a kustomization names it, or a path that leads through another directory", left.dir)
	}
	return nil
}

// Prove renders every target before and after. The error is a *RequestError where that is not the same, byte for byte.
func (m *BaseMove) Prove(ctx context.Context, shop Workshop) error {
	renderer, err := shop.Renderer(ctx, m.cfg, func(Tree, plan.Target) []plan.Input { return nil })
	if err != nil {
		return err
	}
	after := Overlay(m.tree, m.Files)
	for _, t := range m.targets {
		was, err := renderer.Render(ctx, m.tree, t)
		if err != nil {
			return err
		}
		is, err := renderer.Render(ctx, after, t)
		if err != nil {
			return err
		}
		switch {
		case was.Failed:
			return refuse("%s cannot be rendered, so nobody knows whether copies change it: %s", t.ID, was.Findings)
		case is.Failed:
			return refuse("%s could not be rendered with the copies: %s", t.ID, is.Findings)
		case !slices.Equal(textsOf(was), textsOf(is)):
			return refuse("%s would render to something else with the copies", t.ID)
		}
	}
	return nil
}

// textsOf gives the objects of a rendering, in its order.
func textsOf(r Rendering) (out []string) {
	for _, o := range r.Objects {
		out = append(out, string(o.Text))
	}
	return out
}
