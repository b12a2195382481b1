package plan

// Reaching gives, for each of some paths, those of the targets whose inputs on one side hold it, in the targets' order. Paths that
// reach none are left out.
func Reaching(side Snapshot, targets []Target, paths []string) map[string][]Target {
	out := make(map[string][]Target)
	if side.Graph == nil {
		return out
	}
	touched := side.Graph.touched(paths)
	for _, target := range targets {
		reach := side.Graph.reachIn(touched, target)
		if reach == nil {
			continue
		}
		for _, name := range paths {
			if _, ok := reach.why(name); ok {
				out[name] = append(out[name], target)
			}
		}
	}
	return out
}
