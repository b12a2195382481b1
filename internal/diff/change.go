// Package diff compares two renderings of a target: it pairs their objects and says what changed in each.
package diff

import "github.com/sluice-dev/sluice/internal/manifest"

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
	ID      manifest.ID // on head; on base for a removed object
	Action  Action
	Was     string           // the name on base, for Renamed
	Base    *manifest.Object // nil for Added
	Head    *manifest.Object // nil for Removed
	Diff    string           // unified YAML diff without file headers, secrets masked; every line ends in a newline
	Added   int              // lines in Diff that begin with "+"
	Removed int              // lines in Diff that begin with "-"
}
