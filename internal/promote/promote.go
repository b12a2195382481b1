// Package promote merges what the source environment changed into the target environment's files: the pure core of
// `sluice promote`. It knows no git and no GitHub; files and their history are given.
//
//	pairs := promote.PairFiles(from, to, theirs, ours)
//	base := promote.BaseFromHistory(history)      // or promote.BaseFiles(commit, files), where a promotion recorded its source
//	result := promote.Merge(promote.Edge{...}, base, ours, theirs)
//
// A merge has three sides. theirs are the source's files at a pinned commit, ours the target's files now, and the base
// says, field by field, what the two had in common. Where only the source moved since, the target is behind and gets the
// value; where only the target moved, the value is its own and is withheld; where both did, it is a conflict and a person
// decides. Nothing that the target owns is ever overwritten.
//
// Without a recorded base, history answers the same question for each field (see [BaseFromHistory]): a value of the target
// that the source once had is behind, one that it never had is the target's own.
//
// Why not kyaml's merge3. It merges decoded trees and encodes the result anew, so the target's layout would be lost; it
// settles a conflict by taking the update without a word; it pairs lists by the Kubernetes schema or by name only, which
// leaves kustomizations, Helm values and `?ref=` entries as wholes; and it needs one base tree, where here each field has
// its own. What it does well, merging associative lists key by key, is done here the same way. The text is edited by
// package yamledit.
package promote

import (
	"io/fs"

	"github.com/sluice-dev/sluice/internal/finding"
)

// File is one file of a target. The zero Mode is an ordinary file.
type File struct {
	Data []byte      // for a symbolic link, what it points to
	Mode fs.FileMode // fs.ModeSymlink, or permission bits of which only "executable" counts
}

// Files are the files of a target by path: slash-separated, from the repository's root.
type Files map[string]File

// Edge is what is promoted, and by which rules.
type Edge struct {
	From, To Side
	Pairs    []Pair // see PairFiles
	Keep     []Rule // what the target owns; nil means DefaultKeep
	Always   []Rule // what is eligible even so; nil means DefaultAlways

	// Copies are directories beside the two sides of which the target has a copy of its own. In kustomizations a path into one is the same as one
	// into the other.
	Copies []Copy

	Part *Part // what alone is promoted; nil for everything

	// NewerBuilds lets a later build of the source replace an earlier one of the target also where the source never had the
	// target's, for fields of Always whose values are a time and a commit (20230503100058-3a49501946d7). Without it, that is
	// a conflict.
	NewerBuilds bool
}

// Side is one end of an edge.
type Side struct {
	Dir string // slash-separated, from the repository's root
	Env string // the environment's name: "staging"
}

// Copy is a directory that the source's files name, and the one that the target's name in its place; both from the repository's root.
type Copy struct{ From, To string }

// Action says what a promotion does to a file.
type Action string

// The actions.
const (
	Add    Action = "add"
	Change Action = "change"
	Delete Action = "delete"
)

// Edit is one file of the target as it is to be. A rename is a Delete and an Add that names it in Was.
type Edit struct {
	Path   string
	Action Action
	File          // empty for Delete
	Source string // the source's file, where there is one
	Was    string // the path before a rename
}

// Withheld is a difference that is not promoted, with the reason.
type Withheld struct {
	File   string `json:"file"` // the target's
	Path   string `json:"path"` // field path; "" for the whole file
	Target string `json:"target"`
	Source string `json:"source"`
	Why    string `json:"why"`
}

// Conflict is a difference that a person must settle. The target's value stays as it is.
type Conflict struct {
	File   string `json:"file"` // the target's
	Path   string `json:"path"` // field path; "" for the whole file
	Line   int    `json:"line"` // in the target's file, 1-based; 0 where it has none
	Base   string `json:"base"`
	Ours   string `json:"ours"`
	Theirs string `json:"theirs"`
	Why    string `json:"why"`
	// Again says that the target had the source's value before, and left it.
	Again bool `json:"-"`
	// Commit is the one with which the source came to its value; "" where nobody knows.
	Commit string `json:"-"`
}

// Taken is a field that the target gets from the source.
type Taken struct {
	File string `json:"file"` // the target's
	Path string `json:"path"` // field path; "" for the whole file
	Was  string `json:"was"`
	Is   string `json:"is"`
	// Again says that the target had the value before, and left it.
	Again bool `json:"again,omitempty"`
	// Commit is the one with which the source came to its value; "" where nobody knows.
	Commit string `json:"-"`
}

// Result is what a promotion does. All lists are sorted by file, then by line or path.
type Result struct {
	Edits     []Edit
	Taken     []Taken // what the edits do, field by field; files that have no fields are named as wholes
	Withheld  []Withheld
	Conflicts []Conflict
	Findings  finding.List // files that could not be merged by structure, and bounds that were hit
}
