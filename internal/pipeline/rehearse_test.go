package pipeline

import (
	"context"
	"fmt"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-dev/sluice/internal/config"
	"github.com/sluice-dev/sluice/internal/finding"
	"github.com/sluice-dev/sluice/internal/manifest"
	"github.com/sluice-dev/sluice/internal/plan"
	"github.com/sluice-dev/sluice/internal/report"
	"github.com/sluice-dev/sluice/internal/schema"
)

// scripted is a workshop whose API server finds something on base and something about every removal.
type scripted struct {
	Workshop
	asked *[]Rehearsal
}

// Rehearse implements Workshop.
func (s scripted) Rehearse(_ context.Context, _ config.Rehearse, targets []Rehearsal) ([]Rehearsed, error) {
	*s.asked = append(*s.asked, targets...)
	var out []Rehearsed
	for _, target := range targets {
		r := Rehearsed{Objects: len(target.Head), Server: "v1.37.0"}
		for _, o := range target.Base {
			f := finding.Finding{Rule: "rehearse/refused", Severity: finding.Error, Object: o.ID.String(), Pos: finding.Pos{File: o.Origin.File}}
			r.Base = append(r.Base, f)
			if len(target.Head) == 0 {
				r.Removed++
				r.Gone = append(r.Gone, f) // the same rule, object and field as on base: it is new nevertheless
			}
		}
		out = append(out, r)
	}
	return out, nil
}

// TestRehearsesRemovals holds what is rehearsed of targets that are only on one side, or do not render on one, and how what is said of
// removals is told: as new, with the place on base, in the file on head if that is still there.
func TestRehearsesRemovals(t *testing.T) {
	t.Parallel()
	const text = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n"
	file := &fstest.MapFile{Data: []byte(text)}
	schemas, err := schema.Kubernetes()
	if err != nil {
		t.Fatal(err)
	}
	objects, problems := manifest.Parse("app/a.yaml", []byte(text))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	rendering := Rendering{Objects: objects, Sources: []string{"app/a.yaml"}}
	target := plan.Target{ID: "app", Dir: "app", Environment: "prod"}
	for _, test := range []struct {
		name       string
		sel        plan.Selection
		base, head Rendering
		kept       bool // the file, on head
		want       []string
		removed    int
		asked      int
	}{
		{name: "removed, and its file too", sel: plan.Selection{Target: target, Base: true}, base: rendering, removed: 1, asked: 1,
			want: []string{`new : (on base it is at app/a.yaml:1:1)`}},
		{name: "removed, and its file is another's too", sel: plan.Selection{Target: target, Base: true}, base: rendering, kept: true, removed: 1, asked: 1,
			want: []string{`new app/a.yaml: (on base it is at app/a.yaml:1:1)`}},
		{name: "removed, and was broken", sel: plan.Selection{Target: target, Base: true}, base: Rendering{Failed: true}},
		{name: "broken now", sel: plan.Selection{Target: target, Base: true, Head: true}, base: rendering, head: Rendering{Failed: true}},
		{name: "was broken", sel: plan.Selection{Target: target, Base: true, Head: true}, base: Rendering{Failed: true}, head: rendering, kept: true, asked: 1},
		{name: "the same", sel: plan.Selection{Target: target, Base: true, Head: true, Same: true}, base: rendering, head: rendering, kept: true},
		{name: "changed", sel: plan.Selection{Target: target, Base: true, Head: true}, base: rendering, head: rendering, kept: true, asked: 1, want: []string{"fixed app/a.yaml:1:1:"}},
	} {
		tree := mapTree{fstest.MapFS{"app/a.yaml": file}}
		head := mapTree{fstest.MapFS{}}
		if test.kept {
			head.MapFS["app/a.yaml"] = file
		}
		var asked []Rehearsal
		c := &Check{Base: Side{Tree: tree}, Head: Side{Tree: head}, Workshop: scripted{asked: &asked}}
		graph := func() *plan.Graph { return nil }
		j := &judge{
			check: c, cfg: &config.Config{}, schemas: schemas, how: config.Rehearse{Provider: config.RehearseEnvtest},
			base: newLocator(tree, graph), head: newLocator(head, graph), facts: &facts{check: c, schemas: schemas},
		}
		j.clusters = &clusters{judge: j, scene: &scene{}, known: make(map[clusterKey]*cluster)}
		status := report.Rendered
		if !test.sel.Head {
			status = report.Removed
		}
		judgements := []judgement{{target: report.Target{Target: target, Status: status}, rehearsal: j.rehearsal(test.sel, test.base, test.head)}}
		if err := j.rehearse(t.Context(), judgements); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range judgements[0].findings {
			got = append(got, fmt.Sprintf("%s %s:%s", f.Targets[0].State, f.Pos, f.Message))
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
		if coverage := judgements[0].coverage; len(asked) != test.asked || coverage.RehearsedRemovals != test.removed {
			t.Errorf("%s: %d rehearsals, coverage %+v", test.name, len(asked), coverage)
		}
	}
}
