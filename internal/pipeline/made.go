package pipeline

import (
	"cmp"
	"context"
	"slices"

	"github.com/sluice-dev/sluice/internal/manifest"
	"github.com/sluice-dev/sluice/internal/plan"
	"github.com/sluice-dev/sluice/internal/schema"
)

// maxMaking bounds the targets that are rendered for the definitions in them, for one target.
const maxMaking = 20

// definitions gives the CustomResourceDefinitions of kinds among the objects that no file of a side holds as they are: what charts, generators
// or remote bases of other targets make. Those of the target's own environment come first. They are looked for once an
// object has no schema otherwise.
func (n *neighbours) definitions(ctx context.Context, target plan.Target, objects []*manifest.Object, head bool) ([]*schema.Definition, error) {
	var found []*schema.Definition
	for _, other := range n.making(target, head) {
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

// making gives the other targets of a side that make objects.
func (n *neighbours) making(target plan.Target, head bool) []plan.Target {
	if n == nil {
		return nil
	}
	_, snapshot := n.side(head)
	if snapshot.Graph == nil {
		return nil
	}
	sources := snapshot.Graph.Sources()
	var making []plan.Target
	for _, other := range snapshot.Layout.Targets {
		if other.ID != target.ID && sources.Makes(other) {
			making = append(making, other)
		}
	}
	slices.SortStableFunc(making, func(a, b plan.Target) int {
		distance := func(t plan.Target) int {
			if t.Environment == target.Environment {
				return 0
			}
			return 1
		}
		return cmp.Compare(distance(a), distance(b))
	})
	return making[:min(len(making), maxMaking)]
}
