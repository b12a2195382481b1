package plan

// Reached is a target that a path reaches, and how.
type Reached struct {
	Target Target   `json:"target"`
	Chain  []string `json:"chain"` // from the path to the target: "base/app.yaml", "base", "overlays/prod"
}

// Whom gives the targets of one side whose inputs hold a path, whether it exists or not; sorted by ID. A directory reaches
// those that read anything below it.
func Whom(side Snapshot, name string) []Reached {
	var out []Reached
	for _, target := range side.Layout.Targets {
		if chain, ok := side.Graph.reach(target).why(name); ok {
			out = append(out, Reached{target, chain})
		}
	}
	return out
}

// Text gives the chain in one line.
func (r Reached) Text() string { return chainText(r.Chain) }
