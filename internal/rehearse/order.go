package rehearse

import (
	"slices"

	"sigs.k8s.io/kustomize/kyaml/resid"
)

// phase is a part of the objects that may be applied at once, because none needs another.
type phase struct {
	pieces []int // by index
	// after is what must be true before the next phase begins.
	after settling
}

type settling int

const (
	nothing     settling = iota
	definitions          // what was defined is served
	policies             // what was bound judges
)

// The ranks of objects: all of a rank are applied before the next one's. Policies come early so that they judge the rest, as
// those of a live cluster do, and what they take parameters from before them.
const (
	rankNamespaces = iota
	rankDefinitions
	rankParameters
	rankPolicies
	rankRest // kind by kind
)

// order gives the phases in which pieces are applied: namespaces, definitions, admission policies with their parameters, then
// kind by kind in kustomize's order.
func order(pieces []piece) []phase {
	parameters := parameterKinds(pieces)
	rank := func(p piece) int {
		switch {
		case p.isNamespace():
			return rankNamespaces
		case p.isDefinition():
			return rankDefinitions
		case p.isPolicy():
			return rankPolicies
		case slices.Contains(parameters, p.object.APIVersion()+" "+p.object.ID.Kind):
			return rankParameters
		default:
			return rankRest
		}
	}
	kind := func(i int) resid.Gvk {
		id := pieces[i].object.ID
		return resid.Gvk{Group: id.Group, Kind: id.Kind}
	}
	index := make([]int, len(pieces))
	for i := range index {
		index[i] = i
	}
	slices.SortStableFunc(index, func(a, b int) int {
		switch ra, rb := rank(pieces[a]), rank(pieces[b]); {
		case ra != rb:
			return ra - rb
		case ra < rankParameters:
			return 0
		case kind(a).IsLessThan(kind(b)):
			return -1
		case kind(b).IsLessThan(kind(a)):
			return 1
		default:
			return 0
		}
	})
	var phases []phase
	for _, i := range index {
		last := len(phases) - 1
		if last >= 0 {
			before := phases[last].pieces[0]
			if r := rank(pieces[i]); r == rank(pieces[before]) && (r < rankParameters || kind(i) == kind(before)) {
				phases[last].pieces = append(phases[last].pieces, i)
				continue
			}
		}
		next := phase{pieces: []int{i}}
		switch rank(pieces[i]) {
		case rankDefinitions:
			next.after = definitions
		case rankPolicies:
			next.after = policies
		}
		phases = append(phases, next)
	}
	return phases
}

// parameterKinds gives what the policies among pieces take parameters from, as "apiVersion kind".
func parameterKinds(pieces []piece) []string {
	var kinds []string
	for _, p := range pieces {
		spec, _ := p.value["spec"].(map[string]any)
		if kind, ok := spec["paramKind"].(map[string]any); ok && p.isPolicy() {
			version, _ := kind["apiVersion"].(string)
			name, _ := kind["kind"].(string)
			kinds = append(kinds, version+" "+name)
		}
	}
	return kinds
}
