package pipeline

import (
	"bytes"
	"context"
	"slices"

	"github.com/sluice-dev/sluice/internal/config"
	"github.com/sluice-dev/sluice/internal/plan"
	"github.com/sluice-dev/sluice/internal/promote"
)

// restoredHistory is a history in which a rollback did not choose the values that it went back to: the file is as if what was
// rolled back had never reached it. Else those values would count as the target's own for good, and what was rolled back would not
// come again with the next change of the source.
type restoredHistory struct {
	promote.History
	dir        string
	rolledBack func(commit string) (bool, error)
}

// Versions implements promote.History.
func (h restoredHistory) Versions(name string) ([]promote.Version, bool, error) {
	list, complete, err := h.History.Versions(name)
	if err != nil || len(list) == 0 || !isBelow(name, h.dir) {
		return list, complete, err
	}
	last := list[len(list)-1]
	back, err := h.rolledBack(last.Commit)
	if err != nil || !back {
		return list, complete, err
	}
	for i := len(list) - 2; i >= 0; i-- {
		if list[i].Deleted == last.Deleted && bytes.Equal(list[i].Data, last.Data) {
			return list[:i+1], complete, nil
		}
	}
	if last.Deleted {
		return nil, complete, nil // it was not there before it came
	}
	return list, complete, nil
}

// historyOf gives the history as a target sees it.
func (m *merger) historyOf(ctx context.Context, e edge, target plan.Target) promote.History {
	if m.run.At == nil || !slices.ContainsFunc(m.holds, func(h config.Hold) bool { return rollbackOf(h, e) }) {
		return m.history
	}
	known := make(map[string]bool)
	return restoredHistory{m.history, target.Dir, func(commit string) (bool, error) {
		back, ok := known[commit]
		if !ok {
			back = len(m.rollbacksAt(ctx, commit, e)) > len(m.rollbacksAt(ctx, commit+"^", e))
			known[commit] = back
		}
		return back, ctx.Err()
	}}
}

// rollbackOf reports whether a hold is one that a rollback of an edge's targets left.
func rollbackOf(h config.Hold, e edge) bool {
	return h.Restored != "" && string(h.App) == e.app && string(h.To) == e.to
}

// rollbacksAt gives the holds that rollbacks had left at a commit; none where they cannot be read.
func (m *merger) rollbacksAt(ctx context.Context, commit string, e edge) []config.Hold {
	tree, err := m.run.At(ctx, commit)
	if err != nil {
		return nil
	}
	holds, err := readHolds(tree)
	if err != nil {
		return nil
	}
	return slices.DeleteFunc(holds, func(h config.Hold) bool { return !rollbackOf(h, e) })
}
