package gate

// Candidate is a commit that could be promoted, with what its gates say.
type Candidate struct {
	Commit string
	Result Result
}

// Choose gives the place of the commit to promote among candidates, which are sorted from the newest to the oldest and hold
// none older than the one that was promoted last; -1 where there are none.
//
// It is the newest whose own gates are open. Where no gate is open yet it is the one that was chosen before, as pinned, so that
// what is soaking is not given up for what came after it; without one it is the oldest, which will be through first.
func Choose(candidates []Candidate, pinned string) int {
	for i, c := range candidates {
		if c.Result.SourceOpen() {
			return i
		}
	}
	for i, c := range candidates {
		if c.Commit == pinned {
			return i
		}
	}
	return len(candidates) - 1
}
