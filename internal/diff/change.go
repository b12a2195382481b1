// Package diff compares two renderings of a target: it pairs their objects and says what changed in each.
//
// The comparison follows the structure of the YAML, not its lines: fields pair by key, list items by their key
// (containers by name), texts in block scalars line by line. What has no meaning to Kubernetes makes no difference:
// the order of fields and of lists such as containers or RBAC verbs, quoting, comments, and how a quantity is spelt.
// The values of Secrets are replaced by tokens before anything is compared (see [Options]).
package diff

import (
	"regexp"

	"github.com/sluice-dev/sluice/internal/manifest"
)

// Action says what happened to an object.
type Action string

// The actions.
const (
	Added   Action = "added"
	Removed Action = "removed"
	Changed Action = "changed"
	Renamed Action = "renamed" // paired with a predecessor of another name (a generator's hash suffix, say)
)

// Change is what differs for one object between base and head.
type Change struct {
	ID     manifest.ID // on head; on base for a removed object
	Action Action
	Was    string           // the name on base, for Renamed
	Base   *manifest.Object // nil for Added
	Head   *manifest.Object // nil for Removed
	// Diff is a unified YAML diff without file headers, secrets masked; every line ends in a newline. Its hunk headers
	// name the enclosing field: "@@ spec.template.spec.containers[name=web] @@". It is empty for an object that changed
	// its name only. Where many fields name a ConfigMap or Secret that a generator makes and that got another hash, the first is shown, and
	// after it a line "# so do N more fields". A diff of more than Options.MaxBytes ends in a line "@@ N more lines are not shown @@".
	Diff    string
	Added   int // lines that head has more, whether Diff shows them or not; what is told once, once
	Removed int // lines that base had more
}

// Options says how to compare. Its zero value is the default behaviour.
type Options struct {
	// Context is the number of equal lines shown around a change; 0 means 3, a negative number none.
	Context int
	// Salt keys the tokens that stand for secret values: the same value gives the same token wherever the salt is the
	// same, so that "equal" and "changed" can be seen across objects and targets without the value. It should be
	// random for each run. Without a salt, tokens are numbers that mean something within one change only.
	Salt []byte
	// MaxBytes bounds the text of one diff; 0 means 256 KiB.
	MaxBytes int
	// Equal, where it is set, is called for each pair of objects whose texts differ and whose meaning does not, so that
	// they can be counted. restarts says that the order of a list in a pod template differs: it has no meaning, but the
	// pods are replaced nevertheless.
	Equal func(id manifest.ID, restarts bool)
	// Ignore chooses what is left out of the difference. A field that differs and is chosen is shown as if it did not; an
	// object that has no other change is left out.
	Ignore []Rule
	// Ignored, where it is set, is called for each object of whose difference something was left out: whole says that
	// nothing is left to show of it, else fields is how many of its fields are left out.
	Ignored func(id manifest.ID, whole bool, fields int)
	// Sensitive chooses fields whose values are hidden as those of Secrets are; SensitiveValues match texts that are hidden
	// wherever they stand in a value.
	Sensitive       []Rule
	SensitiveValues []*regexp.Regexp

	generated map[string]string // the names of ConfigMaps and Secrets that differ in a generator's hash: on base → on head
}

func (o Options) context() int {
	switch {
	case o.Context < 0:
		return 0
	case o.Context == 0:
		return 3
	}
	return o.Context
}

func (o Options) maxBytes() int {
	if o.MaxBytes <= 0 {
		return 256 << 10
	}
	return o.MaxBytes
}
