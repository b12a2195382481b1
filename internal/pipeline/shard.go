package pipeline

import (
	"context"
	"crypto/sha256"
	"fmt"

	"github.com/sluice-dev/sluice/internal/plan"
	"github.com/sluice-dev/sluice/internal/report"
	"github.com/sluice-dev/sluice/internal/schema"
)

// Part is what one shard of a run has to do.
type Part struct {
	Shard   plan.Shard
	Targets int
	Cost    int // in files to read, over both sides: what the shards are balanced by
}

// Plan splits a run into at most n shards, so that none is empty, and renders nothing. There is always one, which says that
// nothing is affected.
func (c *Check) Plan(n int) ([]Part, error) {
	rules, _ := c.readRules()
	scene := &scene{}
	if err := c.survey(rules, scene); err != nil {
		return nil, fmt.Errorf("read the dependency graph: %w", err)
	}
	schemas, err := schema.Kubernetes()
	if err != nil {
		return nil, fmt.Errorf("load schemas: %w", err)
	}
	selected := c.widen(c.selectTargets(scene), scene, c.newFacts(rules.binding, schemas), nil)
	n = max(1, min(n, len(selected)))
	var parts []Part
	for i, shard := range split(selected, scene, n) {
		part := Part{Shard: plan.Shard{I: i + 1, N: n}, Targets: len(shard)}
		for _, sel := range shard {
			part.Cost += cost(sel, scene)
		}
		parts = append(parts, part)
	}
	return parts, nil
}

// RunShard does one shard of the check. Its report is not finished: the shards are joined before.
func (c *Check) RunShard(ctx context.Context, shard plan.Shard) (*report.Shard, error) {
	out, _, err := c.runShard(ctx, shard)
	return out, err
}

func (c *Check) runShard(ctx context.Context, shard plan.Shard) (out *report.Shard, lasts bool, err error) {
	out = &report.Shard{I: shard.I, N: shard.N}
	out.Report, lasts, err = c.run(ctx, func(selected []plan.Selection, s *scene) []plan.Selection {
		digest := sha256.New()
		for _, sel := range selected {
			fmt.Fprintf(digest, "%q %t %t\n", sel.Target.ID, sel.Base, sel.Head)
		}
		out.Plan = fmt.Sprintf("%x", digest.Sum(nil))
		part := split(selected, s, shard.N)[shard.I-1]
		out.Targets = []string{}
		for _, sel := range part {
			out.Targets = append(out.Targets, sel.Target.ID)
		}
		out.Total = len(selected)
		return part
	})
	return out, lasts, err
}

func split(selected []plan.Selection, s *scene, n int) [][]plan.Selection {
	costs := make([]int, len(selected))
	for i, sel := range selected {
		costs[i] = cost(sel, s)
	}
	return plan.Split(selected, costs, n)
}

// cost estimates what a target takes: the files that are read for it, on each side that is rendered.
func cost(sel plan.Selection, s *scene) int {
	sum := 1
	if sel.Head {
		sum += len(s.head.Graph.TargetClosure(sel.Target))
	}
	if sel.Base && !sel.Same {
		sum += len(s.base.Graph.TargetClosure(sel.Target))
	}
	return sum
}
