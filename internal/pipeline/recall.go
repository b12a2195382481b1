package pipeline

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/sluice-dev/sluice/internal/finding"
	"github.com/sluice-dev/sluice/internal/plan"
	"github.com/sluice-dev/sluice/internal/report"
)

// A check of the same two commits says the same again: whoever runs it a second time (a job that is run again, an event that
// changes nothing) need not wait for it. It is kept in the form of a shard, which is read as carefully as one.

// Recall gives the report of an earlier run of the same check, where the memory has it. It needs no trees: commits say what is in
// them.
func (c *Check) Recall() (*report.Report, bool) {
	key, ok := c.runKey()
	if !ok {
		return nil, false
	}
	data, ok := c.Memory.Get(key)
	if !ok {
		return nil, false
	}
	whole, err := report.ReadShard(bytes.NewReader(data), "")
	if err != nil {
		return nil, false
	}
	r, err := report.JoinShards([]*report.Shard{whole}, c.Gate)
	return r, err == nil && r.Base == c.Base.Commit && r.Head == c.Head.Commit
}

// runAndRemember does the check, and keeps its report where that can be said again.
func (c *Check) runAndRemember(ctx context.Context, key [sha256.Size]byte) (*report.Report, error) {
	whole, lasts, err := c.runShard(ctx, plan.Shard{I: 1, N: 1})
	if err != nil {
		return nil, err
	}
	if lasts {
		var out bytes.Buffer
		whole.Salt = strings.Repeat("0", 2*sha256.Size) // it holds no secrets
		if report.WriteShard(&out, whole) == nil {
			c.Memory.Put(key, out.Bytes())
		}
	}
	report.Finish(whole.Report)
	return whole.Report, nil
}

var commitForm = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})$`)

// runKey names a run by all that its report depends on, but the gate; ok is false where something else counts too: a working tree, or
// an API server.
func (c *Check) runKey() (key [sha256.Size]byte, ok bool) {
	if c.Memory == nil || c.Rehearse != "" || !commitForm.MatchString(c.Head.Commit) || c.Base.Commit != "" && !commitForm.MatchString(c.Base.Commit) {
		return key, false
	}
	scope, err := json.Marshal(c.Scope)
	if err != nil {
		return key, false
	}
	return sha256.Sum256(fmt.Appendf(nil, "run\n%q %q\n%s\n%s\n", c.Base.Commit, c.Head.Commit, scope, c.Today)), true
}

// lasts reports whether a run like this one would say the same: it asked nobody else, met no limit, and holds nothing secret.
func (j *judge) lasts(r *report.Report) bool {
	for _, b := range []*rulebook{j.policies, j.proposed} {
		if b == nil {
			continue
		}
		if _, ok := b.identity(""); !ok {
			return false
		}
	}
	failed := func(t report.Target) bool { return t.Status == report.Failed || t.Base == report.Failed }
	return !j.withheld.Load() && !j.blind && j.how.Provider == "" && len(r.Unchecked) == 0 && !slices.ContainsFunc(r.Targets, failed) &&
		!slices.ContainsFunc(r.Findings, func(f finding.Finding) bool { return f.Rule == "policy/limit" || f.Rule == "policy/evaluation" })
}

// watched is a renderer that notes whether any rendering may not be remembered.
type watched struct {
	Renderer
	withheld *atomic.Bool
}

// Render implements Renderer.
func (w watched) Render(ctx context.Context, tree Tree, target plan.Target) (Rendering, error) {
	r, err := w.Renderer.Render(ctx, tree, target)
	if err == nil && !r.Kept {
		w.withheld.Store(true)
	}
	return r, err
}
