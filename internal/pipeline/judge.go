package pipeline

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/sluice-dev/sluice/internal/config"
	"github.com/sluice-dev/sluice/internal/crew"
	"github.com/sluice-dev/sluice/internal/diff"
	"github.com/sluice-dev/sluice/internal/finding"
	"github.com/sluice-dev/sluice/internal/manifest"
	"github.com/sluice-dev/sluice/internal/plan"
	"github.com/sluice-dev/sluice/internal/report"
	"github.com/sluice-dev/sluice/internal/schema"
)

// judge looks at one target at a time, on both sides, with the parts that the binding configuration asks for.
type judge struct {
	check    *Check
	cfg      *config.Config
	renderer Renderer
	schemas  *schema.Set
	facts    *facts // nil where nothing is checked
	clusters *clusters
	beside   *neighbours
	policies *rulebook
	proposed *rulebook // the rules that head brings, where they differ from base's: shown beside, never binding
	base     *locator
	head     *locator
	how      config.Rehearse // where changes are rehearsed, if anywhere

	exceptions []*exception // that hold today
	withheld   atomic.Bool  // a rendering may not be remembered from run to run
	// blind says that some rules could not be loaded, so that nothing may be called passed.
	blind bool
}

// newJudge makes the parts. Findings are mistakes in the repository's policies.
func (c *Check) newJudge(ctx context.Context, r rules, s *scene) (*judge, finding.List, error) {
	j := &judge{
		check: c, cfg: r.binding, exceptions: exceptionsOn(r.binding, c.Today),
		base: newLocator(c.Base.Tree, func() *plan.Graph { return s.base.Graph }), head: newLocator(c.Head.Tree, func() *plan.Graph { return s.head.Graph }),
	}
	j.how = c.rehearsalBy(r.binding)
	var err error
	if j.renderer, err = c.Workshop.Renderer(ctx, j.cfg, c.closure(s)); err != nil {
		return nil, nil, fmt.Errorf("start the renderer: %w", err)
	}
	j.renderer = watched{j.renderer, &j.withheld}
	if c.busy() {
		j.renderer.Warm()
	}
	if c.Scope.DiffOnly {
		return j, nil, nil
	}
	if j.schemas, err = schema.Kubernetes(); err != nil {
		return nil, nil, fmt.Errorf("load schemas: %w", err)
	}
	binding := c.bindingTree()
	gathered, unclear, err := c.gather(j.cfg, j.schemas)
	if err != nil {
		return nil, nil, fmt.Errorf("load schemas: %w", err)
	}
	j.facts = gathered
	j.clusters = &clusters{judge: j, scene: s, known: make(map[clusterKey]*cluster)}
	j.beside = newNeighbours(j, s)
	var problems finding.List
	if j.policies, problems, err = c.newRulebook(ctx, binding, j.cfg, j.cfg.RemotePolicies(), j.schemas); err != nil {
		return nil, nil, err
	}
	worst, _ := problems.Worst()
	j.blind = worst == finding.Error
	found, err := j.propose(ctx, r)
	return j, finding.Join(problems, unclear, found), err
}

// judgement is what there is to say about one target.
type judgement struct {
	target   report.Target
	changes  []change
	findings finding.List
	coverage report.Coverage
	blind    bool            // something about it could not be checked
	quiet    report.Quiet    // what of the difference is not shown
	images   map[string]bool // that head runs, as package lint compares them; nil where that is not known
	sources  []string        // the files that head was rendered from

	sensitive []sensitiveText // what messages must not tell

	rehearsal *rehearsal // nil where nothing is to be rehearsed
}

// all judges targets concurrently, and gives the judgements in the targets' order.
func (j *judge) all(ctx context.Context, selected []plan.Selection) ([]judgement, error) {
	out := make([]judgement, len(selected))
	group, ctx := crew.WithContext(ctx)
	group.SetLimit(max(1, j.check.Workers))
	var done atomic.Int64
	for i, sel := range selected {
		group.Go(func() (err error) {
			if out[i], err = j.one(ctx, sel); err != nil {
				return fmt.Errorf("%s: %w", sel.Target.ID, err)
			}
			out[i].forget()
			if j.check.Progress != nil {
				j.check.Progress(int(done.Add(1)), len(selected))
			}
			return nil
		})
	}
	return out, group.Wait()
}

// forget frees what is hardly needed again: with hundreds of changed targets, it is most of the memory of a run.
func (out *judgement) forget() {
	for _, c := range out.changes {
		for _, o := range append(objectsOf(c.Base), objectsOf(c.Head)...) {
			o.Forget()
		}
	}
}

// one judges one target: render both sides, check both, tell new from existing, compare.
func (j *judge) one(ctx context.Context, sel plan.Selection) (judgement, error) {
	out := judgement{target: report.Target{Target: sel.Target, Status: report.Removed, Base: report.Absent, Why: sel.Why}}
	base, head, err := j.render(ctx, sel)
	if err != nil {
		return out, err
	}
	if sel.Base {
		out.target.Base = status(base)
	}
	if sel.Head {
		out.target.Status = status(head)
	}
	out.target.Objects, out.sources, out.target.Remotes = len(head.Objects), head.Sources, head.Remotes

	out.sensitive = sensitiveTexts(DiffOptions(j.cfg), base.Objects, head.Objects)
	after, err := j.inspect(ctx, head, sel.Target, j.head, func(amended []located) schema.Context { return j.facts.after(base, head, sel.Target, amended) })
	if err != nil {
		return out, err
	}
	before := after
	same, err := j.sameVerdict(ctx, sel, after, head.Objects)
	if err != nil {
		return out, err
	}
	if !same {
		before, err = j.inspect(ctx, base, sel.Target, j.base, func(amended []located) schema.Context { return j.facts.before(base, sel.Target, amended) })
		if err != nil {
			return out, err
		}
	}
	out.coverage, out.blind = after.coverage, after.blind
	for _, remote := range head.Remotes {
		out.coverage.Add(report.Coverage{Remotes: map[string]int{remote: 1}})
	}
	out.rehearsal = j.rehearsal(sel, base, head)
	if !sel.Head {
		return j.compared(out, base, head), nil // what a removed target once broke is of no interest
	}
	out.findings = finding.Pair(sel.Target.ID, before.findings, j.bindSuppressions(before.findings, after.findings))
	proposals, err := j.proposals(ctx, sel.Target, head, after.findings)
	out.findings = append(out.findings, proposals...)
	return j.compared(out, base, head), err
}

// sameVerdict reports whether the checks must say the same of both sides: both render to the same, and what the repository's
// other targets hold them to cannot differ.
func (j *judge) sameVerdict(ctx context.Context, sel plan.Selection, after inspection, objects []*manifest.Object) (bool, error) {
	if !sel.Same || j.facts.changes() || after.lacking {
		return false, nil
	}
	for _, head := range []bool{false, true} {
		if bound, err := j.clusters.admission(ctx, sel.Target, head); err != nil || bound != nil {
			return false, err
		}
		if !after.custom {
			continue
		}
		if amended, err := j.beside.amended(ctx, sel.Target, objects, head); err != nil || len(amended) > 0 {
			return false, err
		}
	}
	return true, nil
}

// render renders both sides of a target, or only head where both are the same.
func (j *judge) render(ctx context.Context, sel plan.Selection) (base, head Rendering, err error) {
	group, ctx := crew.WithContext(ctx)
	if sel.Head {
		group.Go(func() (err error) {
			head, err = j.renderer.Render(ctx, j.check.Head.Tree, sel.Target)
			head.side = sideHead
			return err
		})
	}
	if sel.Base && !sel.Same {
		group.Go(func() (err error) {
			base, err = j.renderer.Render(ctx, j.check.Base.Tree, sel.Target)
			base.side = sideBase
			return err
		})
	}
	err = group.Wait()
	if sel.Same {
		base = head
	}
	return base, head, err
}

// compared adds the difference, where there are two sides to compare. A side that failed is shown as failed, never as
// everything added or deleted.
func (j *judge) compared(out judgement, base, head Rendering) judgement {
	if !j.check.Scope.DiffOnly {
		out.images = imagesOf(head)
	}
	if j.check.Base.Tree == nil || base.Failed || head.Failed {
		return out
	}
	defer j.check.begin(phaseDiff, out.target.ID, "")()
	for _, c := range diff.Sets(base.Objects, head.Objects, j.diffOptions(&out.quiet)) {
		j.addChange(&out, c, base, head)
	}
	return out
}

func status(r Rendering) report.Status {
	if r.Failed {
		return report.Failed
	}
	return report.Rendered
}

// inspection is what the checks say about one rendering.
type inspection struct {
	findings finding.List
	coverage report.Coverage
	blind    bool
	custom   bool // there are objects of kinds that Kubernetes does not have
	lacking  bool // objects had no schema but what other targets make
}

// inspect runs the checks over one rendering. What custom resources are held to is asked for where there are any. The findings have their severity and their place in the sources.
func (j *judge) inspect(ctx context.Context, r Rendering, target plan.Target, sources *locator, needed func(amended []located) schema.Context) (inspection, error) {
	out := inspection{findings: r.Findings}
	if r.Failed || j.check.Scope.DiffOnly {
		out.findings = j.settle(out.findings, target, r, sources)
		out.blind = r.Failed && blocking(out.findings)
		return out, nil
	}
	kubernetes, err := j.schemas.Version(string(j.cfg.KubernetesFor(target.Environment)))
	if err != nil {
		return out, err
	}
	var with schema.Context
	admission, err := j.clusters.admission(ctx, target, sources == j.head)
	if err != nil {
		return out, err
	}
	if admission != nil || j.schemas.NeedsContext(kubernetes, r.Objects) {
		amended, err := j.beside.amended(ctx, target, r.Objects, sources == j.head)
		if err != nil {
			return out, err
		}
		out.custom = true
		with = needed(amended)
	}
	with.Admission = admission
	others, err := j.around(ctx, j.policies, target, r.Objects, sources == j.head)
	if err != nil {
		return out, err
	}
	verdict, err := j.verdict(ctx, kubernetes, r, target, with, others)
	if err != nil {
		return out, err
	}
	if out.lacking = verdict.Schema.Unknown > 0; out.lacking {
		if made, err := j.beside.definitions(ctx, target, r.Objects, sources == j.head); err != nil {
			return out, err
		} else if len(made) > 0 {
			with.Custom = with.Custom.And(made...)
			if verdict, err = j.verdict(ctx, kubernetes, r, target, with, others); err != nil {
				return out, err
			}
		}
	}
	checked, judged := verdict.Schema, verdict.Policy
	found := finding.Join(out.findings, checked.Findings, judged.Findings, j.badComments(r, sources))
	out.findings = j.settle(found, target, r, sources)
	out.blind = judged.Incomplete
	out.coverage = report.Coverage{
		Objects: len(r.Objects), Validated: checked.Validated, Unknown: checked.Unknown, UnknownKinds: checked.UnknownKinds,
		Policies: judged.Evaluated, Kubernetes: []string{kubernetes},
	}
	return out, nil
}

// settle gives findings the severity that the configuration wants, the line that the author wrote, and the waiver that the
// configuration or a comment there gives.
func (j *judge) settle(findings finding.List, target plan.Target, r Rendering, sources *locator) finding.List {
	var out finding.List
	for _, f := range findings {
		level, said := j.cfg.Level(target.Environment, f.Rule)
		if !said && f.Rule == schema.RuleUnknownKind && f.Severity == finding.Warning {
			level, said = unknownLevel(j.cfg), true
		}
		if said && level == config.Off {
			continue
		}
		if said {
			_ = f.Severity.UnmarshalText([]byte(level)) // the configuration was checked: it is a severity
		}
		f = sources.place(f, target, r)
		if by := j.waiver(f, target, sources); by != nil {
			f.Waiver = by
		}
		out = append(out, f)
	}
	return out
}

// blocking reports whether a failed rendering keeps the run from being complete. A platform team that lowers the severity of
// a render rule (render/remote-base, say) accepts that such targets go unchecked; they are still shown as failed.
func blocking(findings finding.List) bool {
	worst, any := findings.Worst()
	return !any || worst == finding.Error
}
