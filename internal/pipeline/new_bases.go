package pipeline

import (
	"maps"
	"path"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/sluice-dev/sluice/internal/config"
	"github.com/sluice-dev/sluice/internal/plan"
	"github.com/sluice-dev/sluice/internal/promote"
	"github.com/sluice-dev/sluice/internal/yamledit"
)

// freshBases gives the shared directories that an edge's source is built from and that none of its targets uses, neither as they are nor by the
// copy of its environment. Where a promotion brings a reference to one, it brings the copy too, so that nothing is shared past the first stage.
func (p *Promotion) freshBases(cfg *config.Config, graph *plan.Graph, layout config.Layout, e edge) (fresh []basePair) {
	finder := &edgeFinder{stages: cfg.Stages(layout.Environments)}
	if cfg.Promotion.Base != config.BaseVersioned || p.Directories != nil || finder.stage(e.from) >= finder.stage(e.to) {
		return nil
	}
	for _, dir := range sharedInputs(graph, e.source) {
		pair := basePair{dir, copyOf(dir, e.from, e.to)}
		used := slices.ContainsFunc(e.targets, func(t plan.Target) bool {
			return slices.ContainsFunc(sharedInputs(graph, t), func(dir string) bool { return overlap(dir, pair.from) || overlap(dir, pair.to) })
		})
		holdsTarget := slices.ContainsFunc(layout.Targets, func(t plan.Target) bool { return t.Dir == dir || isBelow(t.Dir, dir) })
		if !used && !holdsTarget && pair.from != pair.to {
			fresh = append(fresh, pair)
		}
	}
	return fresh
}

// overlap reports whether one of two directories holds the other, or is it.
func overlap(a, b string) bool { return a == b || isBelow(a, b) || isBelow(b, a) }

// copyBases makes the copies that the promoted kustomizations of an edge come to need, and has them name those: the same rule as for all others, see
// [BaseMove]. A copy that is there already, because another application has it, is only named. It gives the directories that were copied.
func (m *merger) copyBases(out *PromotionEdge, e edge) (made []string, err error) {
	for left := slices.Clone(e.fresh); ; {
		i := slices.IndexFunc(left, func(pair basePair) bool { return names(out.Files, pair) })
		if i < 0 {
			break
		}
		pair := left[i]
		left = slices.Delete(left, i, i+1)
		made = append(made, pair.from)
		if _, err := m.run.Target.Tree.Lstat(pair.to); err == nil {
			continue
		}
		files, _, err := m.files(m.run.Source.Tree, plan.Target{ID: pair.from, Dir: pair.from})
		if err != nil {
			return nil, err
		}
		for _, name := range slices.Sorted(maps.Keys(files)) {
			to := pair.to + name[len(pair.from):]
			out.Files = append(out.Files, PromotedFile{Path: to, Action: promote.Add, From: name, File: files[name], taken: []promote.Taken{{File: to}}})
		}
	}
	for i := range out.Files {
		f := &out.Files[i]
		if !isKustomization(f.Path) || f.Action == promote.Delete {
			continue
		}
		if f.Data, err = pointTo(f.Data, path.Dir(f.Path), path.Dir(f.Path), m.copiesFor(*f, e)); err != nil {
			return nil, err
		}
	}
	return made, nil
}

// copiesFor gives the copies that a promoted kustomization names in place of what is shared. What it named before as it is stays: somebody wants it
// so.
func (m *merger) copiesFor(f PromotedFile, e edge) (out []BaseCopy) {
	was, _ := m.run.Target.Tree.ReadFile(f.Path) // none for a file that is new
	for _, pair := range append(slices.Clone(e.versioned), e.fresh...) {
		if !leads(was, path.Dir(f.Path), pair.from) {
			out = append(out, BaseCopy{pair.from, pair.to, e.to})
		}
	}
	return out
}

// names reports whether a kustomization among files leads to a shared directory, or to the copy of it.
func names(files []PromotedFile, pair basePair) bool {
	return slices.ContainsFunc(files, func(f PromotedFile) bool {
		return isKustomization(f.Path) && f.Action != promote.Delete && leads(f.Data, path.Dir(f.Path), pair.from, pair.to)
	})
}

// leads reports whether a path in a kustomization is a way into one of some directories.
func leads(kustomization []byte, from string, dirs ...string) bool {
	file, err := yamledit.Parse(kustomization)
	if err != nil {
		return false
	}
	var found func(n *yaml.Node) bool
	found = func(n *yaml.Node) bool {
		if n.Kind != yaml.ScalarNode {
			return slices.ContainsFunc(n.Content, found)
		}
		_, name, ok := wayOut(n.Value)
		led := path.Join(from, name)
		return ok && slices.ContainsFunc(dirs, func(dir string) bool { return led == dir || isBelow(led, dir) })
	}
	return slices.ContainsFunc(file.Docs(), found)
}
