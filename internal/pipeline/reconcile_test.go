package pipeline

import (
	"slices"
	"testing"

	"github.com/sluice-dev/sluice/internal/config"
	"github.com/sluice-dev/sluice/internal/promote"
)

func TestDecide(t *testing.T) {
	t.Parallel()
	const state = "s"
	open := func(published string) *OwnPull { return &OwnPull{Number: 1, Head: "t", State: published} }
	for name, c := range map[string]struct {
		want  UnitWant
		is    UnitState
		steps []Step
		state string
	}{
		"nothing anywhere":              {UnitWant{Empty: true}, UnitState{}, nil, PullNone},
		"new":                           {UnitWant{State: state}, UnitState{}, []Step{StepCommit, StepOpen, StepPublish}, PullOpen},
		"killed after the branch":       {UnitWant{State: state}, UnitState{Tip: "t", Same: true}, []Step{StepOpen, StepPublish}, PullOpen},
		"killed, and the source moved":  {UnitWant{State: state}, UnitState{Tip: "t"}, []Step{StepCommit, StepOpen, StepPublish}, PullOpen},
		"killed after opening":          {UnitWant{State: state}, UnitState{Tip: "t", Same: true, Open: open("")}, []Step{StepPublish}, PullOpen},
		"up to date":                    {UnitWant{State: state}, UnitState{Tip: "t", Same: true, Open: open(state)}, nil, PullOpen},
		"a gate opened":                 {UnitWant{State: state}, UnitState{Tip: "t", Same: true, Open: open("old")}, []Step{StepPublish}, PullOpen},
		"more was merged":               {UnitWant{State: state}, UnitState{Tip: "t", Open: open(state)}, []Step{StepCommit, StepPublish}, PullOpen},
		"taken back":                    {UnitWant{Empty: true}, UnitState{Tip: "t", Open: open(state)}, []Step{StepClose, StepDelete}, PullNone},
		"taken back, a person's branch": {UnitWant{Empty: true}, UnitState{Tip: "t", Diverged: true, Open: open(state)}, []Step{StepDiverge, StepGate}, PullDiverged},
		"a person pushed":               {UnitWant{State: state}, UnitState{Tip: "t", Diverged: true, Open: open(state)}, []Step{StepDiverge, StepGate}, PullDiverged},
		"merged, the branch is left":    {UnitWant{Empty: true}, UnitState{Tip: "t", Last: &OwnPull{Merged: true, Head: "t"}}, []Step{StepDelete}, PullMerged},
		"merged with a person's work":   {UnitWant{Empty: true}, UnitState{Tip: "t", Diverged: true, Last: &OwnPull{Merged: true, Head: "t"}}, []Step{StepDelete}, PullMerged},
		"a person's branch is left":     {UnitWant{Empty: true}, UnitState{Tip: "t", Diverged: true}, nil, PullNone},
		"declined":                      {UnitWant{State: state}, UnitState{Last: &OwnPull{SourceSame: true}}, nil, PullDeclined},
		"declined, its branch is left":  {UnitWant{State: state}, UnitState{Tip: "t", Last: &OwnPull{SourceSame: true, Head: "t"}}, []Step{StepDelete}, PullDeclined},
		"declined, and a new source":    {UnitWant{State: state}, UnitState{Last: &OwnPull{}}, []Step{StepCommit, StepOpen, StepPublish}, PullOpen},
		"closed by us, and new again":   {UnitWant{State: state}, UnitState{Last: &OwnPull{Settled: true, SourceSame: true}}, []Step{StepCommit, StepOpen, StepPublish}, PullOpen},
		"a person's branch without one": {UnitWant{State: state}, UnitState{Tip: "t", Diverged: true}, nil, PullDiverged},
		"held, nothing is open":         {UnitWant{State: state, Held: true}, UnitState{}, nil, PullNone},
		"held, open":                    {UnitWant{State: state, Held: true}, UnitState{Tip: "t", Open: open("old")}, []Step{StepPublish}, PullOpen},
		"somebody else's":               {UnitWant{State: state}, UnitState{Tip: "t", Taken: 7}, nil, PullTaken},
		"another run knows more":        {UnitWant{State: state}, UnitState{Tip: "t", Newer: true, Open: open("old")}, nil, PullOpen},
	} {
		got := Decide(c.want, c.is)
		if !slices.Equal(got.Steps, c.steps) || got.State != c.state {
			t.Errorf("%s: %v, %s; want %v, %s", name, got.Steps, got.State, c.steps, c.state)
		}
		if !c.want.Empty && len(got.Steps) == 0 && got.Why == "" && c.state != PullOpen {
			t.Errorf("%s: nothing is done, and nothing says why", name)
		}
	}
}

func TestUnits(t *testing.T) {
	t.Parallel()
	var p PromotionPlan
	p.stages = [][]string{{"dev"}, {"prod-eu", "prod-us"}}
	for _, app := range []string{"pay", "shop"} {
		for _, to := range p.stages[1] {
			p.Edges = append(p.Edges, PromotionEdge{App: app, From: "dev", To: to})
		}
	}
	for _, c := range []struct {
		group  config.PromotionGroup
		fanOut config.FanOut
		want   []string
	}{
		{config.GroupApp, config.FanOutEach, []string{"pay dev prod-eu 1", "pay dev prod-us 1", "shop dev prod-eu 1", "shop dev prod-us 1"}},
		{config.GroupApp, config.FanOutTogether, []string{"pay dev prod-eu+prod-us 2", "shop dev prod-eu+prod-us 2"}},
		{config.GroupEnvironment, config.FanOutEach, []string{"all dev prod-eu 2", "all dev prod-us 2"}},
		{config.GroupEnvironment, config.FanOutTogether, []string{"all dev prod-eu+prod-us 4"}},
	} {
		var got []string
		branches := make(map[string]bool)
		for _, u := range p.Units(config.Promotion{Group: c.group, FanOut: c.fanOut}) {
			got = append(got, u.Name+" "+u.From+" "+u.To+" "+string(rune('0'+len(u.Edges))))
			branches[u.Branch] = true
		}
		if !slices.Equal(got, c.want) || len(branches) != len(got) {
			t.Errorf("%s, %s: %v on %d branches, want %v", c.group, c.fanOut, got, len(branches), c.want)
		}
	}
	u := Unit{Name: "shop", Edges: []PromotionEdge{{App: "shop", From: "dev", To: "prod"}}}
	if !u.Carries(promote.Record{Steps: []promote.Step{{App: "shop", From: "dev", To: "prod"}}}) || u.Carries(promote.Record{Steps: []promote.Step{{App: "pay", From: "dev", To: "prod"}}}) || u.Carries(promote.Record{}) {
		t.Error("a record of another unit counts, or its own does not")
	}
}
