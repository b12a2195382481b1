package git

import (
	"io/fs"
	"slices"
)

// Changed lists the files and links that differ between two snapshots, in content or in kind, sorted: changed, added and
// removed ones alike. Directories are not listed; a submodule is, where its commit moved. A nil base has no files.
func Changed(base, head *Tree) []string {
	var changed []string
	if base == nil {
		base = &Tree{}
	}
	for name, h := range head.entries {
		b, ok := base.entries[name]
		if b != h && (h.leaf() || (ok && b.leaf())) {
			changed = append(changed, name)
		}
	}
	for name, b := range base.entries {
		if _, ok := head.entries[name]; !ok && b.leaf() {
			changed = append(changed, name)
		}
	}
	slices.Sort(changed)
	return changed
}

// leaf reports whether the entry has no entries of its own in the listing.
func (e entry) leaf() bool { return e.mode.Type() != modeTree }

const modeTree = fs.ModeDir
