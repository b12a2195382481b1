package pipeline

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"github.com/sluice-dev/sluice/internal/manifest"
	"github.com/sluice-dev/sluice/internal/plan"
	"github.com/sluice-dev/sluice/internal/schema"
)

// maxMakers bounds the targets that are rendered for the definitions in them, for one target.
const maxMakers = 20

// definitions gives the CustomResourceDefinitions of kinds among the objects that no file of a side holds as they are: what charts, generators
// or remote bases of other targets make. Those of the target's own environment come first. They are looked for once an
// object has no schema otherwise.
func (n *neighbours) definitions(ctx context.Context, target plan.Target, objects []*manifest.Object, head bool) ([]*schema.Definition, error) {
	var found []*schema.Definition
	for _, other := range n.makersFor(target, head) {
		theirs, err := n.render(ctx, other, head)
		if err != nil {
			return nil, err
		}
		for _, o := range theirs {
			if o.ID.Kind != "CustomResourceDefinition" {
				continue
			}
			d, err := n.judge.schemas.Definition(o, cmp.Or(o.Origin.File, o.Origin.Kustomization, other.ID))
			defines := func(o *manifest.Object) bool { return o.ID.Group == d.Group && o.ID.Kind == d.Kind }
			if err == nil && slices.ContainsFunc(objects, defines) {
				found = append(found, d)
			}
		}
	}
	return found, nil
}

// makersFor gives the other targets of a side that make objects.
func (n *neighbours) makersFor(target plan.Target, head bool) []plan.Target {
	if n == nil {
		return nil
	}
	key := clusterKey{target.Environment, head}
	n.mu.Lock()
	all, ok := n.makers[key]
	if !ok {
		all = sync.OnceValue(func() []plan.Target { return n.allMakers(key) })
		n.makers[key] = all
	}
	n.mu.Unlock()
	makers := slices.DeleteFunc(slices.Clone(all()), func(t plan.Target) bool { return t.ID == target.ID })
	return makers[:min(len(makers), maxMakers)]
}

// allMakers gives the targets of a side that make objects, those of an environment first.
func (n *neighbours) allMakers(key clusterKey) (here []plan.Target) {
	_, snapshot := n.side(key.head)
	if snapshot.Graph == nil {
		return nil
	}
	sources := snapshot.Graph.Sources()
	var elsewhere []plan.Target
	for _, t := range snapshot.Layout.Targets {
		switch {
		case !sources.Makes(t):
		case t.Environment == key.environment:
			here = append(here, t)
		default:
			elsewhere = append(elsewhere, t)
		}
	}
	return append(here, elsewhere...)
}
