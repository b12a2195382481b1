package pipeline

// UnitState is what there is of a unit on GitHub: its branch, and the pull requests from it that the token's own identity opened.
type UnitState struct {
	Tip      string // the branch's commit; "" where there is no branch
	Diverged bool   // the branch holds what a person pushed
	Same     bool   // the branch's content is what the promotion gives now
	Newer    bool   // the branch was written by a run that knows more of the default branch than this one

	Open *OwnPull // nil for none
	Last *OwnPull // the newest one that is not open; nil for none
	// Taken is the number of a pull request from the branch that somebody else opened; 0 for none.
	Taken int
}

// OwnPull is a pull request that we opened.
type OwnPull struct {
	Number  int
	Merged  bool
	Settled bool   // we closed it ourselves
	Head    string // its last commit
	State   string // what was published on it, as [UnitWant] names it; "" where that did not end
	// SourceSame says that the source has not changed since its last commit of ours.
	SourceSame bool
}

// UnitWant is what a unit should come to.
type UnitWant struct {
	Empty bool   // there is nothing to promote
	Held  bool   // nothing is to move, whatever there is to promote
	State string // a digest of everything that is published: equal where there is nothing to publish anew
}

// Step is one thing to do on GitHub. Each may be done twice.
type Step string

// The steps, in the order in which they can follow each other.
const (
	StepCommit  Step = "commit"   // append a commit with the promotion to the branch, which is made where there is none
	StepOpen    Step = "open"     // open the pull request
	StepPublish Step = "publish"  // labels, checks, gates, comment, body
	StepGate    Step = "gate"     // only the state of the gates
	StepDiverge Step = "diverged" // say that a person's branch is left alone
	StepClose   Step = "close"    // close the pull request, and say why
	StepDelete  Step = "delete"   // delete the branch
)

// Makes reports whether a step that succeeded need not be done again until something changes. What does not make anything is done in every run
// that finds the same, or takes away.
func (s Step) Makes() bool { return s == StepCommit || s == StepOpen || s == StepPublish }

// The states of a unit's pull request.
const (
	PullNone     = "none"
	PullOpen     = "open"
	PullDeclined = "closed-by-person"
	PullDiverged = "diverged"
	PullMerged   = "merged"
	PullTaken    = "taken" // somebody else's pull request uses the branch
)

// Decision is what is to be done about a unit, and the state that its pull request is in then.
type Decision struct {
	Steps []Step
	State string
	Why   string // in a sentence, where nothing is done although there is something to promote
}

// Decide compares what there is with what should be. It looks only at the present: whichever events were lost, doubled or came
// out of order, and wherever an earlier run ended, the steps lead to the same end.
func Decide(want UnitWant, is UnitState) Decision {
	switch {
	case is.Taken > 0:
		return Decision{State: PullTaken, Why: "a pull request that somebody else opened uses its branch"}
	case is.Newer:
		return Decision{State: stateOfPull(is), Why: "a run that knows a newer default branch has written its branch"}
	case is.Open != nil:
		return decideOpen(want, is)
	case want.Empty:
		// What is left of a branch: that of a merged pull request, or of a run that was killed.
		if is.Tip != "" && (!is.Diverged || is.Last != nil && is.Last.Merged && is.Last.Head == is.Tip) {
			return Decision{Steps: []Step{StepDelete}, State: stateOfPull(is)}
		}
		return Decision{State: stateOfPull(is)}
	case want.Held:
		return Decision{State: PullNone, Why: "it is held"}
	case is.Last != nil && !is.Last.Merged && !is.Last.Settled && is.Last.SourceSame:
		d := Decision{State: PullDeclined, Why: "a person closed its pull request, and the source has not changed since"}
		if is.Tip != "" && !is.Diverged {
			d.Steps = []Step{StepDelete}
		}
		return d
	case is.Diverged && !(is.Last != nil && is.Last.Merged && is.Last.Head == is.Tip):
		return Decision{State: PullDiverged, Why: "a person pushed to its branch, from which no pull request is open: open one, or delete the branch"}
	case is.Tip != "" && is.Same && (is.Last == nil || is.Last.Head != is.Tip):
		return Decision{Steps: []Step{StepOpen, StepPublish}, State: PullOpen} // a run was killed after its commit
	}
	return Decision{Steps: []Step{StepCommit, StepOpen, StepPublish}, State: PullOpen}
}

func decideOpen(want UnitWant, is UnitState) Decision {
	switch {
	case is.Diverged:
		return Decision{Steps: []Step{StepDiverge, StepGate}, State: PullDiverged, Why: "a person pushed to its branch: it is theirs now"}
	case want.Empty:
		return Decision{Steps: []Step{StepClose, StepDelete}, State: PullNone}
	case want.Held && is.Open.State == want.State:
		return Decision{State: PullOpen, Why: "it is held"}
	case want.Held:
		return Decision{Steps: []Step{StepPublish}, State: PullOpen, Why: "it is held"}
	case !is.Same:
		return Decision{Steps: []Step{StepCommit, StepPublish}, State: PullOpen}
	case is.Open.State != want.State:
		return Decision{Steps: []Step{StepPublish}, State: PullOpen}
	}
	return Decision{State: PullOpen}
}

func stateOfPull(is UnitState) string {
	switch {
	case is.Open != nil && is.Diverged:
		return PullDiverged
	case is.Open != nil:
		return PullOpen
	case is.Last != nil && is.Last.Merged:
		return PullMerged
	}
	return PullNone
}
