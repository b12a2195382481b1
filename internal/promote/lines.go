package promote

import (
	"strings"

	"github.com/aymanbagabas/go-udiff/lcs"
)

// splitLines parts a text behind each line break.
func splitLines(s string) []string {
	if s == "" {
		return nil
	}
	lines := strings.SplitAfter(s, "\n")
	if lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	return lines
}

// region is a range of lines where the three sides do not all agree; in base, ours and theirs.
type region struct{ b0, b1, o0, o1, t0, t1 int }

// mergeLines merges texts line by line. conflicts are the regions that both sides changed, each differently; ours stays
// there.
func mergeLines(base, ours, theirs []string) (merged []string, conflicts []region) {
	toOurs, toTheirs := matches(base, ours), matches(base, theirs)
	b, o, t := 0, 0, 0
	for b < len(base) || o < len(ours) || t < len(theirs) {
		if b < len(base) && toOurs[b] == o && toTheirs[b] == t {
			merged = append(merged, ours[o])
			b, o, t = b+1, o+1, t+1
			continue
		}
		r := region{b0: b, o0: o, t0: t, b1: len(base), o1: len(ours), t1: len(theirs)}
		for i := b; i < len(base); i++ {
			if toOurs[i] >= 0 && toTheirs[i] >= 0 {
				r.b1, r.o1, r.t1 = i, toOurs[i], toTheirs[i]
				break
			}
		}
		was, mine, other := base[r.b0:r.b1], ours[r.o0:r.o1], theirs[r.t0:r.t1]
		switch {
		case sameLines(was, mine):
			merged = append(merged, other...)
		case sameLines(was, other) || sameLines(mine, other):
			merged = append(merged, mine...)
		default:
			merged = append(merged, mine...)
			conflicts = append(conflicts, r)
		}
		b, o, t = r.b1, r.o1, r.t1
	}
	return merged, conflicts
}

func sameLines(a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// matches gives for each line of a the line of b that it is, or -1.
func matches(a, b []string) []int {
	out := make([]int, len(a))
	i, j := 0, 0
	for _, d := range lcs.DiffLines(a, b) {
		for ; i < d.Start; i, j = i+1, j+1 {
			out[i] = j
		}
		for ; i < d.End; i++ {
			out[i] = -1
		}
		j = d.ReplEnd
	}
	for ; i < len(a); i, j = i+1, j+1 {
		out[i] = j
	}
	return out
}

// distance counts the lines that one text has and the other has not, whatever their order.
func distance(a, b []string) int {
	count := map[string]int{}
	for _, line := range a {
		count[line]++
	}
	for _, line := range b {
		count[line]--
	}
	sum := 0
	for _, n := range count {
		sum += max(n, -n)
	}
	return sum
}
