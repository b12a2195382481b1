// Package render turns a target into its manifest: byte for byte what `kustomize build` prints, computed in worker
// processes that have no environment, no network and no files but those of the tree they are given.
//
// A [Pool] runs the workers. Each is this program itself, re-executed ([IsWorker], [Worker]); it renders one target
// at a time, because kustomize keeps global state, and asks the pool for directories and files of the tree over its
// standard input and output. What the user did wrong comes back as findings of the [Result]; an error means that the
// machinery broke or that the context ended.
package render

import (
	"io/fs"
	"log/slog"
	"time"

	"github.com/sluice-dev/sluice/internal/finding"
	"github.com/sluice-dev/sluice/internal/manifest"
)

// Tree is one snapshot of the repository. Symbolic links are not followed: a directory lists them with
// fs.ModeSymlink. It must be safe for concurrent use.
type Tree interface {
	fs.ReadFileFS
	fs.ReadDirFS
	fs.ReadLinkFS
	// OID is the content identity of a file or directory: equal means equal content, whatever the tree. Without
	// one (false) nothing of that path is remembered between targets.
	OID(path string) (string, bool)
}

// LoadRestrictor says which files a kustomization may load.
type LoadRestrictor string

// The load restrictors.
const (
	Repository LoadRestrictor = ""          // any file of the repository (`--load-restrictor LoadRestrictionsNone`)
	RootOnly   LoadRestrictor = "root-only" // files in or below the kustomization's directory: kustomize's own default
)

// Options sets up a [Pool]. The zero value is the default behaviour.
type Options struct {
	Program        []string       // the worker's argument vector; by default this executable with the marker argument
	Workers        int            // worker processes at most; by default the number of CPUs
	Timeout        time.Duration  // per target; by default a minute
	Memory         int64          // bytes per worker; by default 1 GiB
	MaxOutput      int64          // bytes of one target's manifest; by default 64 MiB
	LoadRestrictor LoadRestrictor // by default Repository
	Remote         []string       // remote bases that may be fetched: host/org/repo@commit; by default none
	Remotes        Remotes        // what fetches them; nil: nothing is fetched
	Helm           bool           // render Helm charts that lie in the repository; by default none
	Charts         []Chart        // those that may be fetched where the repository does not hold them; by default none
	ChartSource    Charts         // what fetches them; nil: none are fetched
	Log            *slog.Logger   // by default nothing is logged
}

// The default limits.
const (
	DefaultTimeout   = time.Minute
	DefaultMemory    = 1 << 30
	DefaultMaxOutput = 64 << 20
)

// Result is what became of one target.
type Result struct {
	// Objects are the manifest's objects in its order, each with its Origin where that is known.
	Objects []*manifest.Object
	// Manifest is exactly what `kustomize build` prints.
	Manifest []byte
	// Findings are the problems of the target's sources. Some leave the manifest intact: see Failed.
	Findings finding.List
	// Failed says that there is no manifest.
	Failed bool
	// Inputs is the input closure, sorted: everything of the tree that the result depends on. Of a target that was
	// stopped by a limit it is empty.
	Inputs []Input
	// Cost is what it has taken; zero of what is remembered, and of a target that was stopped.
	Cost Cost
	// Remotes are the remote bases (host/org/repo@commit) and the fetched charts ([Chart.String]) that it was rendered with, sorted.
	Remotes []string
}

// Use says how an input was looked at, and so which change of it matters.
type Use string

// The uses of an input.
const (
	File      Use = "file"      // its content was read
	Link      Use = "link"      // it is a symbolic link that was followed
	Directory Use = "directory" // it was found to be a directory; what is in it does not matter
	Listing   Use = "listing"   // its direct entries were listed: their names and kinds matter
	Absent    Use = "absent"    // nothing was there
)

// Input is one path of an input closure.
type Input struct {
	Path string `json:"path"` // slash-separated from the repository's root; "." for the root
	Use  Use    `json:"use"`
}
