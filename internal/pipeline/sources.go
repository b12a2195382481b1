package pipeline

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"

	"github.com/sluice-dev/sluice/internal/plan"
)

// SourceState is what a target is rendered from, for one commit or for several in a row: what was said of any of them is said of
// the state.
type SourceState struct {
	Commits []string // newest first; the last is the one that brought the state
}

// Commit is the one that brought the state: it stays the same when commits follow that change something else.
func (s SourceState) Commit() string { return s.Commits[len(s.Commits)-1] }

// SourceLine finds the states of targets along a line of commits. The zero value is not useful; Open must be given. It remembers
// what it has read, for one run. It is not safe for concurrent use.
type SourceLine struct {
	Commits []string // newest first, each the successor of the next one
	Open    func(ctx context.Context, commit string) (Tree, error)

	memo  *plan.Memo
	trees map[string]sourceTree
}

type sourceTree struct {
	tree  Tree
	graph *plan.Graph
}

// States gives the states of a target along the line, the newest first. The oldest may have begun before the line does.
func (l *SourceLine) States(ctx context.Context, target plan.Target) (states []SourceState, err error) {
	before := ""
	for i, commit := range l.Commits {
		at, err := l.at(ctx, commit)
		if err != nil {
			return nil, err
		}
		inputs := inputsDigest(at.tree, at.graph.TargetClosure(target))
		if i == 0 || inputs != before {
			states = append(states, SourceState{})
		}
		last := &states[len(states)-1]
		last.Commits, before = append(last.Commits, commit), inputs
	}
	return states, nil
}

func (l *SourceLine) at(ctx context.Context, commit string) (sourceTree, error) {
	if found, ok := l.trees[commit]; ok {
		return found, nil
	}
	if l.trees == nil {
		l.trees, l.memo = make(map[string]sourceTree), plan.NewMemo()
	}
	tree, err := l.Open(ctx, commit)
	if err != nil {
		return sourceTree{}, err
	}
	graph, err := plan.Build(tree, l.memo)
	if err != nil {
		return sourceTree{}, fmt.Errorf("read the dependency graph of %.10s: %w", commit, err)
	}
	l.trees[commit] = sourceTree{tree, graph}
	return l.trees[commit], nil
}

// inputsDigest is equal for two trees where everything that a target's rendering can read is equal, what it looks for in vain
// included.
func inputsDigest(tree Tree, inputs []plan.Input) string {
	sum := sha256.New()
	for _, input := range inputs {
		oid, _ := tree.OID(input.Path)
		io.WriteString(sum, fmt.Sprintf("%d %q %s\n", input.Kind, input.Path, oid))
	}
	return hex.EncodeToString(sum.Sum(nil))
}
