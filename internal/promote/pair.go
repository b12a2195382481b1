package promote

import (
	"path"
	"slices"
	"strings"
)

// Pair is a file of the source and the one of the target that corresponds to it. Where one side has no such file, its path
// says where it would be.
type Pair struct{ From, To string }

// PairFiles pairs the files below the two directories: by the same path, or by a path in which the target's environment
// stands where the source's does (int-release.yaml and prod-release.yaml). The two directories may be the same one; then
// only files that name an environment count (staging.env and production.env), for the others are shared. Sorted by To.
func PairFiles(from, to Side, theirs, ours Files) []Pair {
	n := newNames(from.Env, to.Env)
	same := path.Clean(from.Dir) == path.Clean(to.Dir)
	source, target := below(theirs, from.Dir), below(ours, to.Dir)
	if same {
		source = slices.DeleteFunc(source, func(f string) bool { return !n.mentions(f, n.from) })
		target = slices.DeleteFunc(target, func(f string) bool { return !n.mentions(f, n.to) })
	}
	taken := map[string]bool{}
	var pairs []Pair
	pair := func(f, t string) {
		taken[f], taken["\x00"+t] = true, true
		pairs = append(pairs, Pair{path.Join(from.Dir, f), path.Join(to.Dir, t)})
	}
	for _, f := range source {
		if !same && slices.Contains(target, f) {
			pair(f, f)
		}
	}
	for _, f := range source { // what exists on both sides shows how names correspond
		for _, t := range n.candidates(f) {
			if !taken[f] && !taken["\x00"+t] && slices.Contains(target, t) {
				n.learn(t, f)
				pair(f, t)
			}
		}
	}
	for _, f := range source {
		if taken[f] {
			continue
		}
		t := f
		if in, unknown := n.translate(f); unknown == "" {
			t = in
		} else if c := n.candidates(f); len(c) > 0 {
			t = c[0]
		}
		if !taken["\x00"+t] {
			pair(f, t)
		}
	}
	for _, t := range target {
		if !taken["\x00"+t] {
			pairs = append(pairs, Pair{path.Join(from.Dir, t), path.Join(to.Dir, t)})
			if back := newNames(to.Env, from.Env).candidates(t); same && len(back) > 0 {
				pairs[len(pairs)-1].From = path.Join(from.Dir, back[0])
			}
		}
	}
	slices.SortFunc(pairs, func(a, b Pair) int { return strings.Compare(a.To+"\x00"+a.From, b.To+"\x00"+b.From) })
	return pairs
}

// candidates are the names that a file may have in the target: each of what the target is called in place of the source.
func (n *names) candidates(file string) []string {
	if !n.mentions(file, n.from) {
		return nil
	}
	var out []string
	for _, to := range n.to {
		parts := tokens(file)
		for i, t := range parts {
			if slices.Contains(n.from, t) {
				parts[i] = to
			}
		}
		out = append(out, strings.Join(parts, ""))
	}
	return out
}

// below lists the files below a directory, relative to it, sorted.
func below(files Files, dir string) []string {
	var out []string
	for name := range files {
		if rel, ok := relative(name, dir); ok {
			out = append(out, rel)
		}
	}
	slices.Sort(out)
	return out
}

// relative is a path as seen from a directory above it.
func relative(name, dir string) (string, bool) {
	if dir = path.Clean(dir); dir == "." {
		return name, true
	}
	return strings.CutPrefix(name, dir+"/")
}
