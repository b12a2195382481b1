package pipeline

import (
	"crypto/sha256"
	"slices"

	"github.com/sluice-dev/sluice/internal/config"
	"github.com/sluice-dev/sluice/internal/finding"
	"github.com/sluice-dev/sluice/internal/plan"
)

// scene is what there is to render on both sides.
type scene struct {
	base, head plan.Snapshot
	dropped    []plan.Target // targets that head's configuration no longer names though they are still there
	problems   finding.List
}

// survey finds the targets of both sides. Each side's are those of both configurations together, so that a pull request
// can add targets but not take any from the gate.
func (c *Check) survey(r rules, s *scene) error {
	memo, known := c.loadMemo()
	graph, err := plan.Build(c.Head.Tree, memo)
	if err != nil {
		return err
	}
	bound, problems := r.binding.Layout(c.Head.Tree, graph)
	s.head = plan.Snapshot{Layout: bound, Graph: graph}
	if r.head != nil {
		own, found := r.head.Layout(c.Head.Tree, graph)
		s.dropped = missing(bound.Targets, own.Targets)
		s.head.Layout = union(own, bound)
		problems = found
	}
	if !r.broken {
		s.problems = problems
	}
	if c.Base.Tree == nil {
		c.storeMemo(graph, known)
		return nil
	}
	if graph, err = plan.Build(c.Base.Tree, memo); err != nil {
		return err
	}
	c.storeMemo(graph, known)
	layout, _ := r.binding.Layout(c.Base.Tree, graph)
	if r.head != nil {
		own, _ := r.head.Layout(c.Base.Tree, graph)
		layout = union(layout, own)
	}
	s.base = plan.Snapshot{Layout: layout, Graph: graph}
	s.base.Layout.Targets = append(s.base.Layout.Targets, c.unnoticed(s)...)
	slices.SortFunc(s.base.Layout.Targets, plan.Target.Compare)
	return nil
}

// loadMemo gives what an earlier run has read of the kustomizations of base: it stays the same from run to run.
func (c *Check) loadMemo() (memo *plan.Memo, known bool) {
	memo = plan.NewMemo()
	if key, ok := c.memoKey(); ok {
		if data, found := c.Memory.Get(key); found {
			known = memo.Load(data) == nil
		}
	}
	return memo, known
}

func (c *Check) storeMemo(graph *plan.Graph, known bool) {
	key, ok := c.memoKey()
	if !ok || known {
		return
	}
	if data, err := graph.Store(); err == nil {
		c.Memory.Put(key, data)
	}
}

func (c *Check) memoKey() (key [sha256.Size]byte, ok bool) {
	oid, ok := c.bindingTree().OID(".")
	return sha256.Sum256([]byte("kustomizations\n" + oid)), ok && c.Memory != nil
}

// closure asks the graph of a target's side.
func (c *Check) closure(s *scene) Closure {
	return func(tree Tree, target plan.Target) []plan.Input {
		if tree == c.Base.Tree {
			return s.base.Graph.TargetClosure(target)
		}
		return s.head.Graph.TargetClosure(target)
	}
}

// unnoticed gives the targets of head that base could render too, though nothing made them targets there: a directory
// becomes an environment by a new sibling. Base must render them, or every object would count as added.
func (c *Check) unnoticed(s *scene) []plan.Target {
	return slices.DeleteFunc(missing(s.head.Layout.Targets, s.base.Layout.Targets), func(t plan.Target) bool {
		return t.Kind != config.Kustomize || !s.base.Graph.Has(t.Dir)
	})
}

// missing gives the targets of a that b does not have.
func missing(a, b []plan.Target) []plan.Target {
	has := make(map[string]bool, len(b))
	for _, t := range b {
		has[t.ID] = true
	}
	return slices.DeleteFunc(slices.Clone(a), func(t plan.Target) bool { return has[t.ID] })
}

// union joins two layouts of the same tree; what both name is as the first says.
func union(a, b config.Layout) config.Layout {
	a.Targets = append(slices.Clone(a.Targets), missing(b.Targets, a.Targets)...)
	slices.SortFunc(a.Targets, plan.Target.Compare)
	a.NonTargets = slices.DeleteFunc(slices.Clone(a.NonTargets), func(n plan.NonTarget) bool {
		return slices.ContainsFunc(a.Targets, func(t plan.Target) bool { return t.Dir == n.Dir })
	})
	for _, name := range b.Environments {
		if !slices.Contains(a.Environments, name) {
			a.Environments = append(slices.Clone(a.Environments), name)
		}
	}
	return a
}

// selectTargets gives the targets to render: those in scope that the change can reach.
func (c *Check) selectTargets(s *scene) []plan.Selection {
	var selected []plan.Selection
	if c.Scope.All {
		selected = plan.All(s.base, s.head, c.Changed, "every target was asked for")
	} else {
		selected = plan.Select(s.base, s.head, c.Changed)
	}
	return slices.DeleteFunc(selected, func(sel plan.Selection) bool { return !c.Scope.covers(sel.Target) })
}

func (s Scope) covers(t plan.Target) bool {
	return (len(s.Environments) == 0 || slices.Contains(s.Environments, t.Environment)) &&
		(len(s.Apps) == 0 || slices.Contains(s.Apps, t.App))
}
