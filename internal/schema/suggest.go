package schema

import (
	"fmt"
	"slices"
	"strings"
)

// didYouMean proposes the candidate that a mistyped name is most like, or nothing.
func didYouMean(name string, candidates []string) string {
	best, distance := "", 1+max(1, len(name)/3)
	for _, candidate := range slices.Sorted(slices.Values(candidates)) {
		d := edits(strings.ToLower(name), strings.ToLower(candidate), distance)
		if d < distance {
			best, distance = candidate, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(", did you mean %s", best)
}

// edits counts the insertions, deletions, replacements and swaps of neighbours that turn a into b, up to limit: from
// there on any number is limit.
func edits(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	var before []int
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		next := make([]int, len(b)+1)
		next[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			next[j+1] = min(row[j]+cost, row[j+1]+1, next[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				next[j+1] = min(next[j+1], before[j-1]+1)
			}
		}
		before, row = row, next
	}
	return min(row[len(b)], limit)
}
