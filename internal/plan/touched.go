package plan

import (
	"path"

	"github.com/sluice-dev/sluice/internal/config"
)

// touched gives the directories that some changed path gets into, and all that build upon them. It looks at each kustomization once,
// however many targets share it: only the chains of targets in it need be looked for.
func (g *Graph) touched(changed []string) map[string]bool {
	at := newChanges(changed)
	out := make(map[string]bool)
	var queue []string
	add := func(dir string) {
		if !out[dir] {
			out[dir] = true
			queue = append(queue, dir)
		}
	}
	for dir, n := range g.nodes {
		if at.any(n.own) || at.any(n.inputs) {
			add(dir)
		}
	}
	for len(queue) > 0 {
		dir := queue[0]
		queue = queue[1:]
		for _, user := range g.users[dir] {
			add(user)
		}
	}
	return out
}

// reachIn is [Graph.reach] for a target that may be touched, nil for one that is not.
func (g *Graph) reachIn(touched map[string]bool, target Target) *reach {
	if target.Kind != config.Manifests && !touched[target.Dir] {
		return nil
	}
	return g.reach(target)
}

// changes answers whether an input differs where some paths have changed.
type changes struct {
	paths map[string]bool
	above map[string]bool // directories that hold one of them
}

func newChanges(changed []string) changes {
	c := changes{make(map[string]bool, len(changed)), make(map[string]bool)}
	for _, name := range changed {
		c.paths[name] = true
		for dir := name; dir != "."; {
			dir = path.Dir(dir)
			c.above[dir] = true
		}
	}
	return c
}

func (c changes) any(inputs []Input) bool {
	for _, input := range inputs {
		if (input.Kind == Absent || input.Kind == Subtree) && c.above[input.Path] {
			return true
		}
		for name := input.Path; name != "."; name = path.Dir(name) {
			if c.paths[name] {
				return true
			}
		}
	}
	return false
}
