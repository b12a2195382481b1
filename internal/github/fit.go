package github

import (
	"unicode/utf8"
)

// fit gives the first of tiers (largest first) that is at most limit by size, and its index. When none is, the last one is
// cut between two runes and ends with note; the index is then len(tiers).
func fit(tiers []string, limit int, size func(string) int, note string) (text string, tier int) {
	for i, t := range tiers {
		if size(t) <= limit {
			return t, i
		}
	}
	if len(tiers) == 0 {
		return "", 0
	}
	room := limit - size(note)
	if room < 0 {
		return "", len(tiers)
	}
	last := tiers[len(tiers)-1]
	end := min(len(last), room) // bytes are never fewer than runes, so this is short enough by either measure
	for end > 0 && end < len(last) && !utf8.RuneStart(last[end]) {
		end--
	}
	return last[:end] + note, len(tiers)
}

// bytesOf measures as files are measured.
func bytesOf(s string) int { return len(s) }
