package diff

import (
	"bytes"
	"slices"

	"github.com/sluice-dev/sluice/internal/manifest"
)

// Sets compares the objects of a target on base with those on head and returns what changed, sorted by identity.
// Objects pair by identity; where one identity occurs several times, in order. What is left over pairs as renamed
// where its name or content says so. Objects that differ in form only (order of fields, comments) are equal.
func Sets(base, head []*manifest.Object, opts Options) []Change {
	waiting := make(map[manifest.ID][]*manifest.Object, len(base))
	for _, o := range base {
		waiting[o.ID] = append(waiting[o.ID], o)
	}
	var pairs []couple
	var added []*manifest.Object
	for _, o := range head {
		queue := waiting[o.ID]
		if len(queue) == 0 {
			added = append(added, o)
			continue
		}
		was := queue[0]
		waiting[o.ID] = queue[1:]
		if !bytes.Equal(was.Text, o.Text) {
			pairs = append(pairs, couple{was, o})
		}
	}
	var removed []*manifest.Object
	for _, o := range base {
		if queue := waiting[o.ID]; len(queue) > 0 && queue[0] == o {
			waiting[o.ID] = queue[1:]
			removed = append(removed, o)
		}
	}
	renamed, removed, added := renames(removed, added)
	opts.generated = generatedNames(renamed)
	pairs = append(pairs, renamed...)
	for _, o := range removed {
		pairs = append(pairs, couple{base: o})
	}
	for _, o := range added {
		pairs = append(pairs, couple{head: o})
	}
	var changes []Change
	for _, p := range pairs {
		if c, ok := opts.compare(p.base, p.head); ok {
			changes = append(changes, c)
		}
	}
	slices.SortStableFunc(changes, func(a, b Change) int { return a.ID.Compare(b.ID) })
	return changes
}

// compare makes the change from base to head without what is to be ignored; ok is false where nothing is left to show.
func (o Options) compare(base, head *manifest.Object) (c Change, ok bool) {
	c, reordered, ignored := compare(base, head, o)
	differs := c.Added+c.Removed > 0 || c.Action == Renamed
	if rules := rulesFor(o.Ignore, c.ID); differs && rules != nil && rules.whole {
		differs, ignored = false, ignored+1
	}
	switch {
	case ignored > 0 && o.Ignored != nil:
		o.Ignored(c.ID, !differs, ignored)
	case !differs && ignored == 0 && o.Equal != nil:
		o.Equal(c.ID, reordered)
	}
	return c, differs
}

// compare makes the change from base to head; one of them may be nil. reordered is whether a list in a pod template
// has another order, ignored how many fields that differ are left out.
func compare(base, head *manifest.Object, opts Options) (_ Change, reordered bool, ignored int) {
	c := Change{Base: base, Head: head}
	switch {
	case base == nil:
		c.ID, c.Action = head.ID, Added
	case head == nil:
		c.ID, c.Action = base.ID, Removed
	case base.ID.Name != head.ID.Name:
		c.ID, c.Action, c.Was = head.ID, Renamed, base.ID.Name
	default:
		c.ID, c.Action = head.ID, Changed
	}
	m := newMasker(opts.Salt)
	m.ciphers = true
	w := writer{mask: m, ignore: rulesFor(opts.Ignore, c.ID), generated: opts.generated, told: make(map[string]int)}
	if root(base) != nil || root(head) != nil {
		for _, o := range []*manifest.Object{base, head} {
			m.hideObject(o, opts)
		}
		if c.Action == Renamed {
			w.rename = metadataName(root(base))
		}
		w.document(root(base), root(head))
	} else {
		w.text(nil, m.opaque(base, opts), m.opaque(head, opts), "")
	}
	c.Diff, c.Added, c.Removed = unified(w.lines, opts)
	return c, w.reordered, w.ignored
}
