package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/sluice-dev/sluice/internal/config"
	"github.com/sluice-dev/sluice/internal/finding"
	"github.com/sluice-dev/sluice/internal/gate"
	"github.com/sluice-dev/sluice/internal/plan"
	"github.com/sluice-dev/sluice/internal/promote"
	"github.com/sluice-dev/sluice/internal/report"
)

// Promotion is one run of promote: what is promoted, into what, and along which edges.
type Promotion struct {
	Source Side // the pinned commit that is promoted
	Target Side // what there is now; it holds the commit of Source

	From, To string   // environments; "" for every edge of the order
	Apps     []string // nil for all
	Reason   string   // why a stage is skipped, or the order is gone against: without one that is refused
	Only     *Only    // the part that alone is promoted; nil for everything
	// Directories names one pair of directories, whatever the layout; nil for the edges of the layout.
	Directories *Directories
	// History gives the versions of the files below directories: of those in source up to the source's commit, of all others up
	// to the target's; no further back than the bound.
	History func(ctx context.Context, source, dirs []string, bound config.HistoryBound) (History, error)
	// Recorded gives what earlier promotions recorded, the newest first; nil where there is none.
	Recorded func() ([]RecordAt, error)
	// IsBefore reports whether a commit is an ancestor of another one; nil: nobody knows.
	IsBefore func(ctx context.Context, a, b string) bool
	// At gives the tree of an earlier commit; nil: what is held is held whatever its source.
	At func(ctx context.Context, commit string) (Tree, error)
	// Gates says what the gates of an edge say; nil: nobody is asked, and gates that ask somebody are closed.
	Gates func(ctx context.Context, e GatedEdge) (gate.Result, error)
	Now   time.Time // for gates

	back bool // not forward, but from the later environments to the first: see Offers
}

// History is what promotions read of a repository's past.
type History interface {
	promote.History
	// Newest gives the commit of the default branch that brought the newest change to any of a source's directories, "" where none
	// is known.
	Newest(sources ...string) string
}

// RecordAt is what a promotion recorded, in a commit that the target's branch has.
type RecordAt struct {
	promote.Record
	Commit string
}

// Directories is a pair of directories.
type Directories struct{ From, To string }

// PromotionPlan is what a promotion does. Its JSON form is a contract: it has a version and only grows.
type PromotionPlan struct {
	Version  int             `json:"version"`
	Edges    []PromotionEdge `json:"edges"`
	Notes    []string        `json:"notes,omitempty"`
	Findings finding.List    `json:"findings,omitempty"`
	// Check is what a pull request with this plan would be told: the rendered change of the targets, and what the checks say.
	Check *report.Report `json:"check,omitempty"`
	// Targets says that the repository has targets, which can be rendered.
	Targets bool `json:"-"`

	// Config is the configuration that binds: that of the target's commit.
	Config *config.Config `json:"-"`

	layout  config.Layout
	stages  [][]string
	history History         // nil where there are no edges
	byParts map[string]bool // commits of promotions of a part
}

// The outcomes of a merge.
const (
	MergeNothing  = "nothing"
	MergeClean    = "clean"
	MergeConflict = "conflict"
)

// PromotionEdge is what one application promotes from one target.
type PromotionEdge struct {
	App         string             `json:"app"`
	From        string             `json:"from"`
	To          string             `json:"to"`
	FromTarget  string             `json:"from_target"`
	ToTargets   []string           `json:"to_targets"`
	Source      string             `json:"source"` // the commit: the newest that changed the source's own files
	Merge       string             `json:"merge"`
	Gate        string             `json:"gate"`
	PullRequest PullRequest        `json:"pull_request"`
	Only        string             `json:"only,omitempty"` // what alone is promoted, one a line; "" for everything
	Files       []PromotedFile     `json:"files"`
	Withheld    []promote.Withheld `json:"withheld"`
	Conflicts   []promote.Conflict `json:"conflicts"`
	Gates       []Gate             `json:"gates"`
	// Oldest is the oldest commit of the source that is not promoted, "" where none is known.
	Oldest string `json:"oldest,omitempty"`
	// Bases are the shared directories whose copies for the target's environment are promoted with it.
	Bases []string `json:"bases,omitempty"`
	// Shared are directories and files that the source is rendered from and that are not its own: they reach every environment
	// at once, and are not promoted.
	Shared []string `json:"shared,omitempty"`
}

// PullRequest is the one that carries an edge.
type PullRequest struct {
	Number int    `json:"number"`
	URL    string `json:"url"`
	State  string `json:"state"` // "none" where there is none
	// Source is the commit of the source that it promotes, in a status: what the gates are told of. "" where nobody knows.
	Source string `json:"source,omitempty"`
}

// Gate is a condition on an edge.
type Gate struct {
	Name   string `json:"name"`
	Open   bool   `json:"open"`
	Reason string `json:"reason"`
	Until  string `json:"until"`
}

// PromotedFile is one file of the target as it is to be.
type PromotedFile struct {
	Path   string         `json:"path"`
	Action promote.Action `json:"action"`
	From   string         `json:"from,omitempty"` // the source's file
	Was    string         `json:"was,omitempty"`  // the path before a rename
	// Conflict says that a person must settle something in this file: there the target's value stays, and the rest is promoted.
	Conflict bool `json:"conflict,omitempty"`

	promote.File `json:"-"`
	taken        []promote.Taken // what becomes of it, field by field
}

// Conflicts counts what a person must settle.
func (p *PromotionPlan) Conflicts() (n int) {
	for _, e := range p.Edges {
		n += len(e.Conflicts)
	}
	return n
}

// Held reports whether a person stopped the edge.
func (e PromotionEdge) Held() bool { return e.Gate == string(gate.Hold) }

// Files gives what is written, of all edges that nobody holds.
func (p *PromotionPlan) Files() (out []PromotedFile) {
	for _, e := range p.Edges {
		if !e.Held() {
			out = append(out, e.Files...)
		}
	}
	return eachOnce(out)
}

// Run computes the plan, without Check. It fails with a *RequestError for what cannot be asked, with a *ConfigError for a
// configuration with mistakes, else where a tree or the history cannot be read.
func (p *Promotion) Run(ctx context.Context) (*PromotionPlan, error) {
	cfg, err := readConfig(p.Target.Tree)
	if err != nil {
		return nil, err
	}
	graph, err := plan.Build(p.Target.Tree, plan.NewMemo())
	if err != nil {
		return nil, fmt.Errorf("read the dependency graph: %w", err)
	}
	layout, problems := cfg.Layout(p.Target.Tree, graph)
	out := &PromotionPlan{Version: 1, Config: cfg, Edges: []PromotionEdge{}, Targets: len(layout.Targets) > 0, layout: layout, stages: cfg.Stages(layout.Environments)}
	var edges []edge
	if p.Directories != nil {
		edges, err = p.directories(layout)
	} else if len(layout.Targets) == 0 {
		err = refuse("%s", problems)
	} else {
		finder := &edgeFinder{cfg: cfg, layout: layout, from: p.From, to: p.To, apps: p.Apps, reason: strings.TrimSpace(p.Reason), back: p.back}
		edges, err = finder.edges()
		out.Notes = finder.notes
	}
	if err != nil {
		return nil, err
	}
	out.Notes = append(out.Notes, p.addBases(cfg, graph, layout, edges)...)
	m, err := p.merger(ctx, cfg, layout, edges)
	if err != nil {
		return nil, err
	}
	out.history = m.history
	if out.byParts, err = p.byParts(); err != nil {
		return nil, err
	}
	for _, e := range edges {
		merged, err := m.edge(ctx, e)
		if err != nil {
			return nil, fmt.Errorf("promote %s from %s to %s: %w", e.app, e.from, e.to, err)
		}
		gates, err := m.gates(ctx, cfg, e)
		if err != nil {
			return nil, fmt.Errorf("gates of %s from %s to %s: %w", e.app, e.from, e.to, err)
		}
		merged.SetGates(gates)
		if merged.Oldest, err = out.oldestChange(merged.Files); err != nil {
			return nil, err
		}
		if p.Directories == nil {
			merged.Shared = e.unversioned(sharedInputs(graph, e.source))
		}
		out.Edges = append(out.Edges, merged)
	}
	if p.Only != nil && len(out.Files()) == 0 && out.Conflicts() == 0 {
		out.Notes = append(out.Notes, fmt.Sprintf("nothing of %s is to be promoted: the target has it or owns it, the source has taken it back, "+
			"or the change was of something else", PartName(p.Only.Name)))
	}
	out.Findings = finding.Join(m.findings)
	return out, p.Only.missing(m.seen)
}

// ConfigError says that the configuration has mistakes.
type ConfigError struct{ Problems finding.List }

func (e *ConfigError) Error() string { return e.Problems.String() }

func readConfig(tree Tree) (*config.Config, error) {
	data, problems := readConfigFile(tree)
	cfg, found := parseConfig(data)
	if problems = append(problems, found...); len(problems) > 0 {
		return nil, &ConfigError{problems}
	}
	return cfg, nil
}

// directories makes the edge of a pair of directories. Its environments are those that were named, those of the targets, or what
// differs between the paths.
func (p *Promotion) directories(layout config.Layout) ([]edge, error) {
	from, to := p.Directories.From, p.Directories.To
	for _, side := range []struct {
		tree Tree
		dir  string
	}{{p.Source.Tree, from}, {p.Target.Tree, to}} {
		info, err := side.tree.Lstat(side.dir)
		switch {
		case side.dir == to && errors.Is(err, fs.ErrNotExist):
		case err != nil || !info.IsDir():
			return nil, refuse("%s is no directory of the repository: paths start at the repository's root", side.dir)
		}
	}
	if from != to && (strings.HasPrefix(from+"/", to+"/") || strings.HasPrefix(to+"/", from+"/")) {
		return nil, refuse("%s and %s: one is in the other; name two directories side by side", from, to)
	}
	e := edge{app: path.Base(to), from: p.From, to: p.To, source: plan.Target{ID: from, Dir: from}, targets: []plan.Target{{ID: to, Dir: to}}}
	if from == to && (p.From == "" || p.To == "") {
		return nil, refuse("the two directories are the same: name the environments in the names of its files with --from and --to")
	}
	a, b := differing(from, to)
	for _, t := range layout.Targets {
		if t.Dir == from {
			a = t.Environment
		}
		if t.Dir == to {
			b, e.app = t.Environment, t.App
		}
	}
	if e.from == "" {
		e.from = a
	}
	if e.to == "" {
		e.to = b
	}
	return []edge{e}, nil
}

// differing gives the first segments in which two paths differ, or their last ones where the paths have unlike lengths.
func differing(a, b string) (string, string) {
	x, y := strings.Split(a, "/"), strings.Split(b, "/")
	for i := 0; i < len(x) && len(x) == len(y); i++ {
		if x[i] != y[i] {
			return x[i], y[i]
		}
	}
	return path.Base(a), path.Base(b)
}

// sharedInputs gives what a target is rendered from outside its own directory: directories for the files in them.
func sharedInputs(graph *plan.Graph, target plan.Target) (out []string) {
	for _, input := range graph.TargetClosure(target) {
		if input.Kind == plan.Absent || isBelow(input.Path, target.Dir) || input.Path == target.Dir {
			continue
		}
		dir := input.Path
		if input.Kind == plan.File {
			dir = path.Dir(dir)
		}
		if dir != "." && !isBelow(target.Dir, dir) {
			out = append(out, dir)
		}
	}
	slices.Sort(out)
	out = slices.Compact(out)
	return slices.DeleteFunc(out, func(dir string) bool {
		return slices.ContainsFunc(out, func(other string) bool { return isBelow(dir, other) })
	})
}

// isBelow reports whether a path is below a directory, and not the directory itself.
func isBelow(name, dir string) bool {
	return dir == "." && name != "." || strings.HasPrefix(name, dir+"/")
}
