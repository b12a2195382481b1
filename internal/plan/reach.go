package plan

import (
	"path"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice/internal/config"
)

// reach answers how a change of a path gets into one target.
type reach struct {
	target string
	exact  map[string][]string // input → the directories between it and the target, nearest to the input first
	below  map[string][]string // an ancestor of inputs: changes when a link, file or submodule takes its place
	whole  map[string][]string // a directory that is read as a whole, or whatever may come to stand at an absent path
}

func (g *Graph) reach(target Target) *reach {
	r := &reach{
		target: target.Dir,
		exact:  make(map[string][]string), below: make(map[string][]string), whole: make(map[string][]string),
	}
	if target.Kind == config.Manifests {
		for _, input := range g.subtree(target.Dir) {
			r.add(input, []string{target.Dir})
		}
		return r
	}
	g.visit(target.Dir, func(visited string, via []string) {
		n := g.nodes[visited]
		if n == nil {
			return
		}
		via = g.markGuesses(via)
		for _, input := range n.own {
			r.add(input, append([]string{visited}, via...))
		}
		chain := append(g.markGuesses([]string{visited}), via...)
		for _, input := range n.inputs {
			r.add(input, chain)
		}
	})
	return r
}

// guessed follows a directory in a chain where the graph is not sure: rather too much is rendered than too little.
const guessed = " (a guess: its kustomization cannot be parsed, and what looks like a path in it counts as one)"

// markGuesses says of directories in a chain which of them the graph had to guess from.
func (g *Graph) markGuesses(dirs []string) []string {
	out := slices.Clone(dirs)
	for i, dir := range dirs {
		if g.Broken(dir) != "" {
			out[i] += guessed
		}
	}
	return out
}

// add keeps the first chain to each path, which is a shortest one: the graph is walked nearest first.
func (r *reach) add(input Input, chain []string) {
	keep := func(m map[string][]string, name string) {
		if _, ok := m[name]; !ok {
			m[name] = chain
		}
	}
	keep(r.exact, input.Path)
	if input.Kind == Absent || input.Kind == Subtree {
		keep(r.whole, input.Path)
	}
	for dir := path.Dir(input.Path); dir != "."; dir = path.Dir(dir) {
		keep(r.below, dir)
	}
}

// why gives the chain through which a changed path gets into the target: "base/app.yaml ← mid ← overlays/prod". A
// directory that the chain's file lies in itself goes without saying.
func (r *reach) why(changed string) (chain []string, ok bool) {
	between, ok := r.exact[changed]
	if !ok {
		between, ok = r.below[changed]
	}
	for dir := changed; !ok && dir != "."; {
		dir = path.Dir(dir)
		between, ok = r.whole[dir]
	}
	if !ok {
		return nil, false
	}
	chain = []string{changed}
	for _, dir := range between {
		if dir != path.Dir(changed) && dir != changed {
			chain = append(chain, dir)
		}
	}
	return chain, true
}

func chainText(chain []string) string { return strings.Join(chain, " ← ") }
