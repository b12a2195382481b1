package pipeline

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice/internal/config"
	"github.com/sluice-dev/sluice/internal/plan"
	"github.com/sluice-dev/sluice/internal/promote"
)

// basePair is a shared directory as the source's environment is built from it, and the copy that the target's has of it.
type basePair struct{ from, to string }

// copyOf names the copy that an environment has of a shared directory: base-staging beside base. The directory may itself be the copy
// of another environment, "" for none.
func copyOf(dir, of, environment string) string {
	return strings.TrimSuffix(dir, "-"+of) + "-" + environment
}

// basesOf pairs the shared directories of an edge's source with the copies that its targets are built from. alone are those that
// belong to this edge: a copy that several applications are built from is promoted with the first of them, so that it has one owner.
func (p *Promotion) basesOf(cfg *config.Config, graph *plan.Graph, layout config.Layout, e edge) (pairs, alone []basePair) {
	if cfg.Promotion.Base != config.BaseVersioned || p.Directories != nil {
		return nil, nil
	}
	for _, dir := range sharedInputs(graph, e.source) {
		// The first environment of those that are built from it has the directory itself, which matters on the way back.
		pair := basePair{dir, copyOf(dir, e.from, e.to)}
		has := func(t plan.Target) bool { return slices.Contains(sharedInputs(graph, t), pair.to) }
		if !slices.ContainsFunc(e.targets, has) {
			pair.to = strings.TrimSuffix(dir, "-"+e.from)
		}
		if pair.from == pair.to || !slices.ContainsFunc(e.targets, has) {
			continue
		}
		pairs = append(pairs, pair)
		owner := e.app
		for _, t := range layout.Targets {
			if t.Environment == e.to && t.App < owner && has(t) {
				owner = t.App
			}
		}
		if owner == e.app {
			alone = append(alone, pair)
		}
	}
	return pairs, alone
}

// addBases gives each edge the shared directories that it promotes. A pair that several edges of an application have goes to the first.
func (p *Promotion) addBases(cfg *config.Config, graph *plan.Graph, layout config.Layout, edges []edge) (notes []string) {
	taken := make(map[basePair]bool)
	for i := range edges {
		e := &edges[i]
		var alone []basePair
		e.versioned, alone = p.basesOf(cfg, graph, layout, *e)
		e.fresh = p.freshBases(cfg, graph, layout, *e)
		for _, pair := range e.versioned {
			switch {
			case !slices.Contains(alone, pair):
				notes = append(notes, fmt.Sprintf("%s: %s is promoted to %s with another application that is built from it", e.app, pair.from, pair.to))
			case !taken[pair]:
				taken[pair] = true
				e.bases = append(e.bases, pair)
			}
		}
	}
	return notes
}

// copies gives the directories that the target's files name in place of those that the source's do.
func (e edge) copies() (out []promote.Copy) {
	for _, pair := range append(slices.Clone(e.versioned), e.fresh...) {
		out = append(out, promote.Copy{From: pair.from, To: pair.to})
	}
	return out
}

// parts gives what is merged for an edge: each target, then each copy of a shared directory, as if it were a target.
func (e edge) parts() (out []part) {
	for _, t := range e.targets {
		out = append(out, part{e, t})
	}
	for _, pair := range e.bases {
		of := e
		of.copied = true
		of.source = plan.Target{ID: pair.from, Dir: pair.from, App: e.app, Environment: e.from}
		out = append(out, part{of, plan.Target{ID: pair.to, Dir: pair.to, App: e.app, Environment: e.to}})
	}
	return out
}

// part is one merge of an edge.
type part struct {
	edge   edge
	target plan.Target
}

// sourceDirs gives the directories that an edge promotes.
func (e edge) sourceDirs() []string {
	out := []string{e.source.Dir}
	for _, pair := range e.bases {
		out = append(out, pair.from)
	}
	return out
}

// unversioned takes the directories away that the target's environment has a copy of, or gets one of once it uses them: they reach no other
// environment.
func (e edge) unversioned(shared []string) []string {
	return slices.DeleteFunc(shared, func(dir string) bool {
		is := func(pair basePair) bool { return pair.from == dir }
		return slices.ContainsFunc(e.versioned, is) || slices.ContainsFunc(e.fresh, is)
	})
}
