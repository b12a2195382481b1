package diff

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/sluice-dev/sluice/internal/manifest"
)

// hashSuffix is what kustomize appends to the names of generated ConfigMaps and Secrets: ten hex digits with some
// replaced by consonants. Source: sigs.k8s.io/kustomize/api/hasher, "encode".
var hashSuffix = regexp.MustCompile(`^(.+)-[2456789bcdfghkmt]{10}$`)

// Bounds of pairing by similarity. Comparing all with all grows with the square, so that it is left out where a
// target loses and gains very many objects of a kind.
const (
	similarEnough = 0.6     // share of equal values, for two names that have only a beginning or an end in common
	maxCandidates = 10_000  // pairs of one kind
	maxSimilar    = 1 << 20 // bytes: a larger object pairs by its hash only
)

// couple is an object with its predecessor of another name.
type couple struct{ base, head *manifest.Object }

// renames finds among what disappeared the predecessors of what appeared: objects of the same kind and namespace whose
// names differ in a generator's hash, or that have a beginning or an end of the name and most values in common. Of
// several candidates, the most similar one is taken. The rest is returned in order.
func renames(gone, come []*manifest.Object) (pairs []couple, goneLeft, comeLeft []*manifest.Object) {
	type group struct{ group, kind, namespace string }
	groupOf := func(o *manifest.Object) group { return group{o.ID.Group, o.ID.Kind, o.ID.Namespace} }
	byGroup := make(map[group][]*manifest.Object)
	for _, o := range gone {
		byGroup[groupOf(o)] = append(byGroup[groupOf(o)], o)
	}
	comeIn := make(map[group]int)
	for _, o := range come {
		comeIn[groupOf(o)]++
	}
	type candidate struct {
		couple
		hash  bool
		score float64
	}
	var candidates []candidate
	known := make(map[*manifest.Object]map[string]int)
	for _, head := range come {
		olds := byGroup[groupOf(head)]
		for _, base := range olds {
			hash := sameButHash(base.ID.Name, head.ID.Name)
			if !hash && (!namesRelate(base.ID.Name, head.ID.Name) || len(olds)*comeIn[groupOf(head)] > maxCandidates) {
				continue
			}
			score := similarity(valuesOf(base, known), valuesOf(head, known))
			if hash || score >= similarEnough {
				candidates = append(candidates, candidate{couple{base, head}, hash, score})
			}
		}
	}
	slices.SortStableFunc(candidates, func(a, b candidate) int {
		switch {
		case a.hash != b.hash && a.hash:
			return -1
		case a.hash != b.hash:
			return 1
		}
		return cmp.Or(cmp.Compare(b.score, a.score), a.head.ID.Compare(b.head.ID), a.base.ID.Compare(b.base.ID))
	})
	taken := make(map[*manifest.Object]bool)
	for _, c := range candidates {
		if !taken[c.base] && !taken[c.head] {
			taken[c.base], taken[c.head] = true, true
			pairs = append(pairs, c.couple)
		}
	}
	free := func(o *manifest.Object) bool { return taken[o] }
	return pairs, slices.DeleteFunc(slices.Clone(gone), free), slices.DeleteFunc(slices.Clone(come), free)
}

// BaseName is the name without a generator's hash suffix, and whether there was one.
func BaseName(name string) (string, bool) {
	if m := hashSuffix.FindStringSubmatch(name); m != nil {
		return m[1], true
	}
	return name, false
}

func sameButHash(base, head string) bool {
	b, hadHash := BaseName(base)
	h, hasHash := BaseName(head)
	return b == h && (hadHash || hasHash)
}

// generatedNames gives the names, on base → on head, of what differs in a generator's hash.
func generatedNames(renamed []couple) map[string]string {
	names := make(map[string]string)
	for _, p := range renamed {
		if sameButHash(p.base.ID.Name, p.head.ID.Name) {
			names[p.base.ID.Name] = p.head.ID.Name
		}
	}
	return names
}

// namesRelate reports whether two names begin or end with the same word: dev-web and web, web-v1 and web-v2.
func namesRelate(a, b string) bool {
	firstA, _, _ := strings.Cut(a, "-")
	firstB, _, _ := strings.Cut(b, "-")
	return firstA == firstB || a[strings.LastIndex(a, "-")+1:] == b[strings.LastIndex(b, "-")+1:]
}

// valuesOf counts the values of an object, each with its field; its name and what every object has are left out.
func valuesOf(o *manifest.Object, known map[*manifest.Object]map[string]int) map[string]int {
	if values, ok := known[o]; ok {
		return values
	}
	values := make(map[string]int)
	if node := o.Node(); node != nil && len(o.Text) <= maxSimilar {
		name := metadataName(node)
		var walk func(at string, node *yaml.Node)
		walk = func(at string, node *yaml.Node) {
			node = resolve(node)
			if node.Kind == yaml.SequenceNode {
				for _, item := range node.Content {
					walk(at+"[]", item)
				}
				return
			}
			for _, f := range fieldsOf(node) {
				walk(at+"."+f.key, f.value)
			}
			if node.Kind == yaml.ScalarNode && node != name && at != ".apiVersion" && at != ".kind" && at != ".metadata.namespace" {
				for l := range strings.Lines(node.Value) {
					values[at+"="+l]++
				}
			}
		}
		walk("", node)
	}
	known[o] = values
	return values
}

// similarity is the share of values that both have, from 0 to 1.
func similarity(a, b map[string]int) float64 {
	both, all := 0, 0
	for value, n := range a {
		both += min(n, b[value])
		all += max(n, b[value])
	}
	for value, n := range b {
		if a[value] == 0 {
			all += n
		}
	}
	if all == 0 {
		return 0
	}
	return float64(both) / float64(all)
}
