package pipeline

// Stopwatch measures how long the parts of a check take: the clock that this package does not have. It is safe for
// concurrent use.
type Stopwatch interface {
	// Begin starts to measure a phase, of one target and side; of the whole run where these are "". end stops it.
	Begin(phase, target, side string) (end func())
}

// The phases of a run, and those of a target. Rendering is measured by who renders.
const (
	phasePlan     = "plan"     // what is read of both trees, the dependency graph and the selection
	phaseRules    = "rules"    // schemas and policies are loaded, while the plan is made
	phaseTargets  = "targets"  // all targets: rendering, checks, differences
	phaseRehearse = "rehearse" // on a real API server, where one is asked for

	phaseSchema = "schema"
	phasePolicy = "policy"
	phaseDiff   = "diff"
)

// The sides of a target.
const (
	sideBase = "base"
	sideHead = "head"
)

// begin measures nothing where nobody asked for it.
func (c *Check) begin(phase, target, side string) (end func()) {
	if c.Stopwatch == nil {
		return func() {}
	}
	return c.Stopwatch.Begin(phase, target, side)
}
