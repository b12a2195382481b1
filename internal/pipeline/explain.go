package pipeline

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice/internal/plan"
	"github.com/sluice-dev/sluice/internal/schema"
)

// Explanation says why a target is rendered, or whom a path reaches. Exactly one of Target and Path is set. Its JSON form
// has a version and only grows.
type Explanation struct {
	Version int                `json:"version"`
	Base    string             `json:"base"`
	Head    string             `json:"head"`
	Target  *TargetExplanation `json:"target,omitempty"`
	Path    *PathExplanation   `json:"path,omitempty"`
}

// TargetExplanation says why a target is rendered, and what it is built from.
type TargetExplanation struct {
	plan.Target
	Rendered bool     `json:"rendered"`
	Why      []string `json:"why"`    // the chains through which the change reaches it
	Inputs   []string `json:"inputs"` // what it is built from on head (on base, where head has it no more)
	Absent   []string `json:"absent"` // what is looked for and is not there
}

// PathExplanation says which targets a path reaches on head, and those that it reached on base only.
type PathExplanation struct {
	Path    string         `json:"path"`
	Changed bool           `json:"changed"` // it, or something below it, differs between the sides
	Reaches []plan.Reached `json:"reaches"`
	Was     []plan.Reached `json:"was"`
	// NotTarget says why the path, a directory, is no target though it looks like one.
	NotTarget string `json:"not_target,omitempty"`
}

// UnknownNameError says that there is neither a target nor a path of a name.
type UnknownNameError struct{ Name string }

func (e *UnknownNameError) Error() string {
	return fmt.Sprintf("there is no target and no path %q on either side; `sluice check --all` lists the targets", e.Name)
}

// Explain answers for a target, by its id, or else for a path. It renders nothing. The error is an *UnknownNameError, or one
// of the trees.
func (c *Check) Explain(name string) (*Explanation, error) {
	rules, _ := c.readRules()
	scene := &scene{}
	if err := c.survey(rules, scene); err != nil {
		return nil, fmt.Errorf("read the dependency graph: %w", err)
	}
	out := &Explanation{Version: 1, Base: c.Base.Commit, Head: c.Head.Commit}
	for _, sel := range plan.All(scene.base, scene.head, nil, "") {
		if sel.Target.ID == name {
			schemas, err := schema.Kubernetes()
			if err != nil {
				return nil, fmt.Errorf("load schemas: %w", err)
			}
			selected := c.widen(c.selectTargets(scene), scene, c.newFacts(rules.binding, schemas), nil)
			out.Target = explainTarget(scene, sel, selected)
			return out, nil
		}
	}
	out.Path = c.explainPath(scene, name)
	if out.Path == nil {
		return nil, &UnknownNameError{name}
	}
	return out, nil
}

func explainTarget(s *scene, sel plan.Selection, rendered []plan.Selection) *TargetExplanation {
	out := &TargetExplanation{Target: sel.Target, Why: []string{}, Inputs: []string{}, Absent: []string{}}
	for _, selected := range rendered {
		if selected.Target.ID == sel.Target.ID {
			out.Rendered, out.Why = true, selected.Why
		}
	}
	graph := s.head.Graph
	if !sel.Head {
		graph = s.base.Graph
	}
	for _, input := range graph.TargetClosure(sel.Target) {
		list := &out.Inputs
		if input.Kind == plan.Absent {
			list = &out.Absent
		}
		if !slices.Contains(*list, input.Path) {
			*list = append(*list, input.Path)
		}
	}
	return out
}

// explainPath gives nil for a path that is nowhere and that nobody looks for.
func (c *Check) explainPath(s *scene, name string) *PathExplanation {
	if !fs.ValidPath(name) {
		return nil
	}
	out := &PathExplanation{Path: name, Reaches: plan.Whom(s.head, name), Was: []plan.Reached{}}
	exists := c.exists(name)
	for _, reached := range plan.Whom(s.base, name) {
		if !slices.ContainsFunc(out.Reaches, func(r plan.Reached) bool { return r.Target.ID == reached.Target.ID }) {
			out.Was = append(out.Was, reached)
		}
	}
	if !exists && len(out.Reaches)+len(out.Was) == 0 {
		return nil
	}
	if out.Reaches == nil {
		out.Reaches = []plan.Reached{}
	}
	out.Changed = slices.ContainsFunc(c.Changed, func(file string) bool { return file == name || strings.HasPrefix(file, name+"/") })
	for _, n := range s.head.Layout.NonTargets {
		if n.Dir == name {
			out.NotTarget = n.Why
		}
	}
	return out
}

func (c *Check) exists(name string) bool {
	for _, tree := range []Tree{c.Base.Tree, c.Head.Tree} {
		if tree == nil {
			continue
		}
		if _, err := tree.Lstat(name); err == nil {
			return true
		}
	}
	return false
}
