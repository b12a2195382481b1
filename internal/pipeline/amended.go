package pipeline

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/sluice-dev/sluice/internal/manifest"
	"github.com/sluice-dev/sluice/internal/plan"
)

// amended gives the definitions of kinds among the objects that other targets of the environment deploy from files of a side, but with
// patches: what they render is what the objects will meet.
func (n *neighbours) amended(ctx context.Context, target plan.Target, objects []*manifest.Object, head bool) ([]located, error) {
	if n == nil {
		return nil, nil
	}
	needed := make(map[kind]bool)
	for _, o := range objects {
		needed[kind{o.ID.Group, o.ID.Kind}] = true
	}
	var out []located
	for _, other := range n.amending(clusterKey{target.Environment, head}) {
		deploys := func(k kind) bool { return needed[k] }
		if other.target.ID == target.ID || !slices.ContainsFunc(other.kinds, deploys) {
			continue
		}
		found, err := n.renderedDefinitions(ctx, other, head)
		if err != nil {
			return nil, err
		}
		for _, l := range found {
			if needed[l.kind()] {
				out = append(out, l)
			}
		}
	}
	return out, nil
}

// amender is a target that may change what the definitions of some kinds say, which it deploys from files.
type amender struct {
	target plan.Target
	kinds  []kind
}

// amending gives the targets of an environment that may change definitions, on one side.
func (n *neighbours) amending(key clusterKey) []amender {
	n.mu.Lock()
	all, ok := n.amenders[key]
	if !ok {
		all = sync.OnceValue(func() []amender { return n.allAmending(key, n.targetsOf(key)) })
		n.amenders[key] = all
	}
	n.mu.Unlock()
	return all()
}

func (n *neighbours) targetsOf(key clusterKey) []plan.Target {
	_, snapshot := n.side(key.head)
	return slices.DeleteFunc(slices.Clone(snapshot.Layout.Targets), func(t plan.Target) bool { return t.Environment != key.environment })
}

// allAmending picks from targets of a side those that may change definitions.
func (n *neighbours) allAmending(key clusterKey, targets []plan.Target) (out []amender) {
	_, snapshot := n.side(key.head)
	if snapshot.Graph == nil {
		return nil
	}
	sources := snapshot.Graph.Sources()
	definitions := make(map[string][]kind) // by file
	for _, l := range n.judge.facts.of(key.head) {
		definitions[l.file] = append(definitions[l.file], l.kind())
	}
	for _, t := range targets {
		a := amender{target: t}
		for _, source := range sources.Of(t) {
			a.kinds = append(a.kinds, definitions[source.Path]...)
		}
		if len(a.kinds) > 0 && sources.Amends(t) {
			out = append(out, a)
		}
	}
	return out
}

// renderedDefinitions gives the definitions that a target renders, of the kinds that it may change.
func (n *neighbours) renderedDefinitions(ctx context.Context, a amender, head bool) (out []located, err error) {
	objects, err := n.render(ctx, a.target, head)
	if err != nil {
		return nil, err
	}
	for _, o := range objects {
		source := cmp.Or(o.Origin.File, o.Origin.Kustomization, a.target.ID)
		d, err := n.judge.schemas.Definition(o, fmt.Sprintf("%s as %s has it", source, a.target.ID))
		if err == nil && slices.Contains(a.kinds, kind{d.Group, d.Kind}) {
			out = append(out, located{source, d, o})
		}
	}
	return out, nil
}

// amendments gives the kinds whose definitions the change makes others, for an environment's targets, by what it does to the patches of a
// target that deploys them: the files with the definitions may be as they were.
func (j *judge) amendments(ctx context.Context, selected []plan.Selection) (changed map[string][]kind, err error) {
	if !j.check.widens(j.facts) {
		return nil, nil
	}
	n := j.beside
	var reached []plan.Target
	base, head := n.scene.base.Graph.Sources(), n.scene.head.Graph.Sources()
	for _, sel := range selected {
		if base.Amends(sel.Target) || head.Amends(sel.Target) {
			reached = append(reached, sel.Target)
		}
	}
	changed = make(map[string][]kind)
	for _, t := range reached {
		var sides [2][]located
		for i, head := range []bool{false, true} {
			for _, a := range n.allAmending(clusterKey{t.Environment, head}, []plan.Target{t}) {
				found, err := n.renderedDefinitions(ctx, a, head)
				if err != nil {
					return nil, err
				}
				sides[i] = append(sides[i], found...)
			}
		}
		for _, l := range slices.Concat(sides[0], sides[1]) {
			k := l.kind()
			if !bytes.Equal(saysOf(sides[0], k), saysOf(sides[1], k)) && !slices.Contains(changed[t.Environment], k) {
				changed[t.Environment] = append(changed[t.Environment], k)
			}
		}
	}
	return changed, nil
}

// saysOf gives what is equal where definitions say the same of a kind; nil where there is none.
func saysOf(definitions []located, k kind) []byte {
	for _, l := range definitions {
		if l.kind() == k {
			return l.definition.Digest[:]
		}
	}
	return nil
}
