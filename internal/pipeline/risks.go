package pipeline

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice/internal/crew"
	"github.com/sluice-dev/sluice/internal/diff"
	"github.com/sluice-dev/sluice/internal/finding"
	"github.com/sluice-dev/sluice/internal/lint"
	"github.com/sluice-dev/sluice/internal/manifest"
	"github.com/sluice-dev/sluice/internal/plan"
	"github.com/sluice-dev/sluice/internal/report"
)

// change is one object's change in a target, with the rules that find it risky.
type change struct {
	diff.Change
	shown report.Change // without the risks
	risks []string
}

// addChange adds a change and what lint finds in it.
func (j *judge) addChange(out *judgement, c diff.Change, base, head Rendering) {
	var risks finding.List
	if !j.check.Scope.DiffOnly {
		risks = lint.Check(c)
	}
	out.changes = append(out.changes, change{Change: c, shown: report.ChangeOf(out.target.ID, c)})
	out.addRisks(len(out.changes)-1, j.placeRisks(risks, out.target.Target, c, base, head))
}

// placeRisks settles what lint finds.
func (j *judge) placeRisks(risks finding.List, target plan.Target, c diff.Change, base, head Rendering) finding.List {
	var out finding.List
	for _, f := range risks {
		if c.Base != nil && f.Object == c.Base.ID.String() && (c.Head == nil || c.Head.ID != c.Base.ID) {
			out = append(out, j.settleGone(f, target, base)...)
			continue
		}
		out = append(out, j.settle(finding.List{f}, target, head, j.head)...)
	}
	return out
}

// settleGone settles a finding of an object that base has and head has not. It has no line on head: it is placed in the file that
// held it, as long as there is one. The result is empty where the configuration turns the rule off.
func (j *judge) settleGone(f finding.Finding, target plan.Target, base Rendering) finding.List {
	if _, err := j.check.Head.Tree.Lstat(f.File); err != nil {
		f.File = ""
	}
	out := j.settle(finding.List{f}, target, base, j.head)
	for i := range out {
		out[i].Line, out[i].Column = 0, 0
	}
	return out
}

// sameFault names the policies that find what a rule of lint finds, at the same field.
var sameFault = map[string][]string{
	"lint/privileged":  {"policy/privileged"},
	"lint/host-access": {"policy/host-namespaces", "policy/host-path", "policy/host-ports"},
}

// addRisks adds findings to a change of the judgement. Where a policy finds the same new fault, its finding stands for both.
func (out *judgement) addRisks(at int, risks finding.List) {
	for _, f := range risks {
		i := slices.IndexFunc(out.findings, func(other finding.Finding) bool {
			return slices.Contains(sameFault[f.Rule], other.Rule) && other.Object == f.Object && other.Waiver == nil && strings.HasPrefix(other.Path, f.Path) && other.Has(finding.New)
		})
		if i >= 0 {
			f = out.findings[i]
		} else {
			out.findings = append(out.findings, f.In(out.target.ID, finding.New))
		}
		if !slices.Contains(out.changes[at].risks, f.Rule) {
			out.changes[at].risks = append(out.changes[at].risks, f.Rule)
		}
	}
}

// unproven finds the images that a change brings to the last environments and that no earlier one of the application runs.
// Earlier environments that the change does not reach are rendered for it; an application of which one cannot be rendered,
// or that has none, is left alone: there is nothing to be said for certain.
func (j *judge) unproven(ctx context.Context, s *scene, judgements []judgement) error {
	last := j.cfg.LastStage(s.head.Layout.Environments)
	wanted := make(map[string]bool) // applications
	for _, judged := range judgements {
		if slices.Contains(last, judged.target.Environment) && slices.ContainsFunc(judged.changes, func(c change) bool { return lint.BringsImage(c.Change) }) {
			wanted[judged.target.App] = true
		}
	}
	if len(wanted) == 0 || j.check.Scope.DiffOnly {
		return nil
	}
	earlier, err := j.earlierImages(ctx, s, judgements, wanted, last)
	if err != nil {
		return err
	}
	for i := range judgements {
		judged := &judgements[i]
		images := earlier[judged.target.App]
		if len(images) == 0 || !slices.Contains(last, judged.target.Environment) {
			continue
		}
		for at, c := range judged.changes {
			risks := lint.Unproven(c.Change, images)
			judged.addRisks(at, j.settle(risks, judged.target.Target, Rendering{Sources: judged.sources, Objects: objectsOf(c.Head)}, j.head))
		}
	}
	return nil
}

func objectsOf(object *manifest.Object) []*manifest.Object {
	if object == nil {
		return nil
	}
	return []*manifest.Object{object}
}

// earlierImages gives the images that each application runs before the last environments, on head; nil where that is not
// known.
func (j *judge) earlierImages(ctx context.Context, s *scene, judgements []judgement, apps map[string]bool, last []string) (map[string]map[string]bool, error) {
	known := make(map[string]judgement, len(judgements))
	for _, judged := range judgements {
		known[judged.target.ID] = judged
	}
	var targets []plan.Target
	for _, t := range s.head.Layout.Targets {
		if apps[t.App] && !slices.Contains(last, t.Environment) && slices.Contains(s.head.Layout.Environments, t.Environment) {
			targets = append(targets, t)
		}
	}
	found := make([]map[string]bool, len(targets))
	group, ctx := crew.WithContext(ctx)
	group.SetLimit(max(1, j.check.Workers))
	for i, t := range targets {
		if judged, ok := known[t.ID]; ok {
			found[i] = judged.images
			continue
		}
		group.Go(func() error {
			r, err := j.renderer.Render(ctx, j.check.Head.Tree, t)
			if err != nil {
				return fmt.Errorf("%s: %w", t.ID, err)
			}
			found[i] = imagesOf(r)
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	out := make(map[string]map[string]bool)
	unknown := make(map[string]bool)
	for i, t := range targets {
		if found[i] == nil {
			unknown[t.App] = true
		}
		if out[t.App] == nil {
			out[t.App] = make(map[string]bool)
		}
		for image := range found[i] {
			out[t.App][image] = true
		}
	}
	for app := range unknown {
		delete(out, app)
	}
	return out, nil
}

// imagesOf gives the images that a rendering runs; nil where it failed.
func imagesOf(r Rendering) map[string]bool {
	if r.Failed {
		return nil
	}
	images := make(map[string]bool)
	lint.Images(images, r.Objects)
	return images
}
