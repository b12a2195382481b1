// Package report holds the outcome of a run as one value, and its views: text, Markdown, JSON, SARIF and JUnit.
// The value is the JSON form that DESIGN calls a contract: it has a version and only grows.
//
// Fill a [Report], call [Finish], then write views of it. Everything in a report that comes from the repository is
// hostile; each view escapes it for its sink.
package report

import (
	"github.com/sluice-dev/sluice/internal/diff"
	"github.com/sluice-dev/sluice/internal/finding"
	"github.com/sluice-dev/sluice/internal/plan"
)

// Version is the version of the JSON form.
const Version = 1

// Verdict is the outcome in one word.
type Verdict string

// The verdicts.
const (
	Pass       Verdict = "pass"
	Fail       Verdict = "fail"       // findings that gate
	Incomplete Verdict = "incomplete" // something could not be checked: wins over fail
)

// Status says what became of a target on head.
type Status string

// The statuses of a target on head, and (Rendered, Failed, Absent) on base.
const (
	Rendered Status = "rendered"
	Failed   Status = "failed"
	Removed  Status = "removed"
	Absent   Status = "absent"
)

// Report is everything that a check has to say.
type Report struct {
	Version    int              `json:"version"`
	Base       string           `json:"base"` // commit id; "" where there is no base
	Head       string           `json:"head"` // commit id, or "worktree"
	Verdict    Verdict          `json:"verdict"`
	Targets    []Target         `json:"targets"`
	Changes    []Change         `json:"changes"`
	Findings   finding.List     `json:"findings"`
	Waived     finding.List     `json:"waived,omitempty"` // those that do not count, each with its waiver
	Coverage   Coverage         `json:"coverage"`
	NonTargets []plan.NonTarget `json:"non_targets,omitempty"` // with --all
	Unused     []Unused         `json:"-"`                     // exceptions; until the report is finished
	Notes      []string         `json:"notes,omitempty"`       // what a reader must know: a layout that was guessed, a base that has no configuration
	Gate       Gate             `json:"gate"`
	Unaffected int              `json:"unaffected"` // targets that the change cannot reach, and so were not rendered

	// Environments is the order of promotion, lowest first: views begin with the last.
	Environments []string `json:"environments"`
	Quiet
	// Unchecked says in words what could not be checked, beside targets that failed to render. It is never green.
	Unchecked []string `json:"unchecked,omitempty"`
}

// Quiet counts what differs and is not shown, over all targets, so that nothing is left out in silence.
type Quiet struct {
	// FormOnly counts objects whose text differs and whose meaning does not; FormOnlyRestarts those of them whose pods are
	// replaced nevertheless, because a list in their template has another order.
	FormOnly         int `json:"form_only,omitempty"`
	FormOnlyRestarts int `json:"form_only_restarts,omitempty"`
	// IgnoredObjects counts objects of which the configuration's diff.ignore leaves nothing to show, IgnoredFields the
	// fields that it leaves out of others.
	IgnoredObjects int `json:"ignored_objects,omitempty"`
	IgnoredFields  int `json:"ignored_fields,omitempty"`
}

// Add adds the counts of another target or shard.
func (q *Quiet) Add(other Quiet) {
	q.FormOnly += other.FormOnly
	q.FormOnlyRestarts += other.FormOnlyRestarts
	q.IgnoredObjects += other.IgnoredObjects
	q.IgnoredFields += other.IgnoredFields
}

// Gate says which findings make the verdict fail.
type Gate struct {
	FailOn   string `json:"fail_on"`  // error, warning or never
	Findings string `json:"findings"` // new or all
}

// Target is one target of the run.
type Target struct {
	plan.Target
	Status  Status   `json:"status"`
	Base    Status   `json:"base"` // rendered, failed or absent
	Why     []string `json:"why"`  // the chains through which the change reaches it
	Objects int      `json:"objects"`
	Remotes []string `json:"remotes,omitempty"` // commits of other repositories that head was rendered with: host/org/repo@commit
}

// Change is one object's change in one target.
type Change struct {
	Target    string      `json:"target"`
	Group     string      `json:"group"`
	Kind      string      `json:"kind"`
	Namespace string      `json:"namespace"`
	Name      string      `json:"name"`
	Action    diff.Action `json:"action"`
	Was       string      `json:"was,omitempty"`
	Diff      string      `json:"diff"`     // unified YAML diff, secrets masked
	GroupID   string      `json:"group_id"` // equal for the same change in several targets; Finish fills it in
	Risks     []string    `json:"risks"`    // ids of the rules that find it risky
	Added     int         `json:"added"`    // lines
	Removed   int         `json:"removed"`  // lines

	Effect diff.Effect `json:"effect,omitzero"` // what it does to running pods
}

// Coverage counts what was validated, so that nothing is silently green.
type Coverage struct {
	Objects      int            `json:"objects"`
	Validated    int            `json:"validated"`
	Unknown      int            `json:"unknown"`                 // without a schema
	UnknownKinds map[string]int `json:"unknown_kinds,omitempty"` // "FooBar.example.com/v1" → objects
	Policies     int            `json:"policies"`                // rules that were evaluated
	Kubernetes   []string       `json:"kubernetes,omitempty"`    // versions whose schemas were used
	Remotes      map[string]int `json:"remotes,omitempty"`       // remote bases, host/org/repo@commit → targets that build on them

	Rehearsed         int            `json:"rehearsed,omitempty"`          // that a real API server judged
	RehearsedRemovals int            `json:"rehearsed_removals,omitempty"` // objects of base that are gone on head: their removal was judged
	RehearsedOn       []string       `json:"rehearsed_on,omitempty"`       // the versions of those servers: "v1.37.0"
	NotRehearsed      map[string]int `json:"not_rehearsed,omitempty"`      // why objects, or removals, were not, or not wholly → how many
}
