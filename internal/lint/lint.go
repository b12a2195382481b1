// Package lint says what is risky in a change: what the API server will refuse, what deletes data or access, what gives
// power over the cluster, what starts, stops or exposes a workload.
//
// A rule looks at one object's change, base and head together; what is wrong with head alone is the business of package
// policy. The exception is [Unproven], which looks at all environments of an application.
package lint

import (
	"fmt"

	"github.com/sluice-dev/sluice/internal/diff"
	"github.com/sluice-dev/sluice/internal/finding"
	"github.com/sluice-dev/sluice/internal/manifest"
)

// Rule is one rule, as documentation lists it.
type Rule struct {
	ID          string // "lint/<name>"
	Title       string
	Description string           // what it finds, and what to do
	Severity    finding.Severity // that its findings have, unless the description says otherwise
	Sources     []string         // addresses of what it is taken from

	check func(*linter) // nil for a rule that no single change breaks
}

// Rules gives every rule, in the order of the documentation.
func Rules() []Rule {
	return []Rule{
		immutableField, storageShrunk, crdVersionRemoved,
		volumeRemoved, statefulSetRemoved, namespaceRemoved, crdRemoved, secretRemoved, retentionLost,
		accessRemoved, networkPolicyRemoved,
		clusterAdmin, wildcardRole, privileged, hostAccess,
		serviceExposed, scaledToZero, majorVersion, imageDowngrade, unprovenImage,
	}
}

// Check gives what is risky in one object's change, in the order of [Rules]. Findings name the object, the field and the
// file that the object comes from (base's file for an object that is gone), but neither line nor target. No finding holds a
// value of a Secret.
func Check(c diff.Change) finding.List {
	l := linter{change: c}
	for _, rule := range Rules() {
		if rule.check != nil {
			l.rule = rule
			rule.check(&l)
		}
	}
	return l.findings
}

// linter gathers what the rules find in one change.
type linter struct {
	change   diff.Change
	rule     Rule
	findings finding.List
}

// existing gives both sides of an object that stays the same object: updated in place, not renamed.
func (l *linter) existing() (base, head *manifest.Object, ok bool) {
	return l.change.Base, l.change.Head, l.change.Action == diff.Changed && l.change.Base != nil && l.change.Head != nil
}

// gone gives the object that is in the cluster and will not be any more: removed, or known by another name from now on. A
// new hash of a generator is no other name.
func (l *linter) gone() (*manifest.Object, bool) {
	switch l.change.Action {
	case diff.Removed:
		return l.change.Base, true
	case diff.Renamed:
		was, _ := diff.BaseName(l.change.Was)
		is, _ := diff.BaseName(l.change.ID.Name)
		return l.change.Base, was != is
	default:
		return nil, false
	}
}

// report adds a finding about a field of an object, "" for the object as a whole.
func (l *linter) report(o *manifest.Object, path, format string, args ...any) {
	l.reportAs(l.rule.Severity, o, path, format, args...)
}

func (l *linter) reportAs(severity finding.Severity, o *manifest.Object, path, format string, args ...any) {
	l.findings = append(l.findings, finding.Finding{
		Rule: l.rule.ID, Severity: severity, Message: fmt.Sprintf(format, args...),
		Pos: finding.Pos{File: o.Origin.File}, Object: o.ID.String(), Path: path,
	})
}

// is reports whether an object is of a kind; group is "" for the core group.
func is(o *manifest.Object, group, kind string) bool {
	return o != nil && o.ID.Group == group && o.ID.Kind == kind
}
