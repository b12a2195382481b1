package github

// fit gives the first of tiers (largest first) that is at most limit by size, which counts bytes or runes, and its index. When
// none is, the last one is cut between two runes and ends with note; the index is then len(tiers).
func fit(tiers []string, limit int, size func(string) int, note string) (text string, tier int) {
	for i, t := range tiers {
		if size(t) <= limit {
			return t, i
		}
	}
	room := limit - size(note)
	if len(tiers) == 0 || room < 0 {
		return "", len(tiers)
	}
	last := tiers[len(tiers)-1]
	for end, r := range last {
		if room -= size(string(r)); room < 0 {
			return last[:end] + note, len(tiers)
		}
	}
	return last + note, len(tiers) // not reached: it was too long
}

// bytesOf measures as files are measured.
func bytesOf(s string) int { return len(s) }
