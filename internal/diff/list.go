package diff

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// pair is an entry of two lists laid over each other: an index into each, -1 where the list lacks it.
type pair struct{ base, head int }

// merge lays the entries of base over those of head, by key, in head's order. What only base has follows what it
// followed there.
func merge(base, head []string) []pair {
	at := make(map[string]int, len(base))
	for i, key := range base {
		at[key] = i
	}
	onHead := make(map[string]bool, len(head))
	for _, key := range head {
		onHead[key] = true
	}
	pairs := make([]pair, 0, len(head))
	gone := func(from int) {
		for ; from < len(base) && !onHead[base[from]]; from++ {
			pairs = append(pairs, pair{from, -1})
		}
	}
	gone(0)
	for j, key := range head {
		i, ok := at[key]
		if !ok {
			pairs = append(pairs, pair{-1, j})
			continue
		}
		pairs = append(pairs, pair{i, j})
		gone(i + 1)
	}
	return pairs
}

// unordered names the lists whose order means nothing to the API server. Source: the lists that the Kubernetes API
// describes as maps or sets (x-kubernetes-list-type, x-kubernetes-patch-merge-key), less those in which order decides
// (initContainers; env, where a value refers to an earlier one), plus those that the documentation reads as sets.
var unordered = map[string]bool{
	"accessModes": true, "apiGroups": true, "containers": true, "ephemeralContainers": true, "finalizers": true,
	"hostAliases": true, "imagePullSecrets": true, "nonResourceURLs": true, "policyTypes": true, "ports": true,
	"resourceNames": true, "resources": true, "secrets": true, "subjects": true, "supplementalGroups": true, "sysctls": true,
	"tolerations": true, "topologySpreadConstraints": true, "verbs": true, "volumeDevices": true, "volumeMounts": true,
	"volumes": true, "add": true, "drop": true,
}

// listKeys are the fields that may tell the items of a list apart, in the order in which they are tried.
var listKeys = [][]string{
	{"name"}, {"key"}, {"mountPath"}, {"devicePath"}, {"containerPort", "protocol"}, {"port", "protocol"}, {"ip"},
	{"host"}, {"topologyKey"}, {"type"}, {"id"}, {"path"},
}

// listKeysOf are those that come first for some lists: the ones by which the API server merges them.
var listKeysOf = map[string][][]string{
	"ports":        {{"containerPort", "protocol"}, {"port", "protocol"}},
	"volumeMounts": {{"mountPath"}},
	"hostAliases":  {{"ip"}},
}

// list compares two lists that are not empty.
func (w *writer) list(base, head *yaml.Node, indent int, self *path) {
	baseItems, headItems := items(base), items(head)
	baseKeys, headKeys, steps := w.keys(baseItems, headItems, self.key())
	put := func(b, h int) { w.pairedItem(baseItems, headItems, pair{b, h}, indent, self, steps) }
	if unique(baseKeys) && unique(headKeys) && orderless(self.key(), baseItems, headItems) {
		pairs := merge(baseKeys, headKeys)
		for _, p := range pairs {
			put(p.base, p.head)
		}
		w.reordered = w.reordered || self.within("template") && reordered(pairs)
		return
	}
	align(baseKeys, headKeys, func(b, bEnd, h, hEnd int, equal bool) {
		// What stands in place of each other, one to one, is one item that changed, unless keys say otherwise.
		if equal || steps == nil && bEnd-b == hEnd-h {
			for ; b < bEnd; b, h = b+1, h+1 {
				put(b, h)
			}
			return
		}
		for ; b < bEnd; b++ {
			put(b, -1)
		}
		for ; h < hEnd; h++ {
			put(-1, h)
		}
	})
}

// reordered reports whether the items that both lists have stand in another order.
func reordered(pairs []pair) bool {
	last := -1
	for _, p := range pairs {
		if p.base >= 0 && p.head >= 0 {
			if p.base < last {
				return true
			}
			last = p.base
		}
	}
	return false
}

func items(list *yaml.Node) []*yaml.Node {
	out := make([]*yaml.Node, len(list.Content))
	for i, item := range list.Content {
		out[i] = resolve(item)
	}
	return out
}

// pairedItem compares two items of a list, one of which may be missing. steps name head's items after base's; nil for
// a list without keys.
func (w *writer) pairedItem(base, head []*yaml.Node, p pair, indent int, list *path, steps func(item *yaml.Node) string) {
	var b, h *yaml.Node
	if p.base >= 0 {
		b = base[p.base]
	}
	if p.head >= 0 {
		h = head[p.head]
	}
	one := cmp.Or(h, b)
	step := "[" + strconv.Itoa(p.head) + "]"
	if h == nil {
		step = "[" + strconv.Itoa(p.base) + "]"
	}
	if steps != nil && one.Kind == yaml.MappingNode {
		step = "[" + steps(one) + "]"
	}
	self := &path{list, step}
	if w.leftOut("", b, h, self) {
		if h != nil {
			w.item(func() { w.whole(same, h, indent+2, list) }, indent)
		}
		return
	}
	if b == nil || h == nil || b.Kind != h.Kind || len(b.Content) == 0 != (len(h.Content) == 0) {
		if b != nil {
			w.item(func() { w.whole(removed, b, indent+2, list) }, indent)
		}
		if h != nil {
			w.item(func() { w.whole(added, h, indent+2, list) }, indent)
		}
		return
	}
	w.item(func() {
		switch {
		case h.Kind == yaml.ScalarNode:
			w.scalar("", b, h, indent+2, list, self)
		case len(h.Content) == 0:
			w.whole(same, h, indent+2, list)
		case h.Kind == yaml.MappingNode:
			w.mapping(b, h, indent+2, self)
		default:
			w.list(b, h, indent+2, self)
		}
	}, indent)
}

// keys gives what tells the items of both lists apart: the value of a key field, or else their whole content. step
// names an item by its key; it is nil where there is none.
func (w *writer) keys(base, head []*yaml.Node, list string) (baseKeys, headKeys []string, step func(*yaml.Node) string) {
	for _, names := range append(listKeysOf[list], listKeys...) {
		b, ok := keyed(base, names)
		if !ok {
			continue
		}
		if h, ok := keyed(head, names); ok {
			return b, h, func(item *yaml.Node) string { return names[0] + "=" + w.mask.value(get(item, names[0])) }
		}
	}
	for _, item := range base {
		baseKeys = append(baseKeys, w.content(item))
	}
	for _, item := range head {
		headKeys = append(headKeys, w.content(item))
	}
	return baseKeys, headKeys, nil
}

// keyed gives the key of each item; ok is false where an item lacks it or two have the same.
func keyed(items []*yaml.Node, names []string) (keys []string, ok bool) {
	keys = make([]string, len(items))
	for i, item := range items {
		for j, name := range names {
			value := get(item, name)
			if j == 0 && (value == nil || value.Kind != yaml.ScalarNode) {
				return nil, false
			}
			text := "TCP" // what a protocol is where none is given
			if value != nil {
				text = value.Value
			}
			keys[i] += text + "\x00"
		}
	}
	return keys, unique(keys)
}

func unique(keys []string) bool {
	seen := make(map[string]bool, len(keys))
	for _, key := range keys {
		if seen[key] {
			return false
		}
		seen[key] = true
	}
	return true
}

// orderless reports whether a list's order has no meaning. That of environment variables has where one refers to
// another.
func orderless(list string, lists ...[]*yaml.Node) bool {
	if list != "env" {
		return unordered[list]
	}
	for _, items := range lists {
		for _, item := range items {
			if value := get(item, "value"); value != nil && strings.Contains(value.Value, "$(") {
				return false
			}
		}
	}
	return true
}

// content writes what a value means, for comparing whole values: one line, fields in any order of keys are equal.
func (w *writer) content(node *yaml.Node) string {
	var b strings.Builder
	w.writeContent(&b, node)
	return b.String()
}

func (w *writer) writeContent(b *strings.Builder, node *yaml.Node) {
	node = resolve(node)
	switch node.Kind {
	case yaml.MappingNode:
		fields := fieldsOf(node)
		slices.SortFunc(fields, func(a, b field) int { return strings.Compare(a.key, b.key) })
		b.WriteByte('{')
		for _, f := range fields {
			b.WriteString(strconv.Quote(f.key))
			b.WriteByte(':')
			w.writeContent(b, f.value)
			b.WriteByte(',')
		}
		b.WriteByte('}')
	case yaml.SequenceNode:
		b.WriteByte('[')
		for _, item := range node.Content {
			w.writeContent(b, item)
			b.WriteByte(',')
		}
		b.WriteByte(']')
	default:
		if token, hidden := w.mask.hidden[node]; hidden {
			b.WriteString(token)
			return
		}
		b.WriteString(node.ShortTag())
		b.WriteString(strconv.Quote(w.mask.value(node)))
	}
}
