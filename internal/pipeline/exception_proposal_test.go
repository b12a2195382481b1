package pipeline

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-dev/sluice/internal/config"
	"github.com/sluice-dev/sluice/internal/finding"
	"github.com/sluice-dev/sluice/internal/plan"
	"github.com/sluice-dev/sluice/internal/report"
)

// proposalReport is a report of findings in targets, whose environment is the last segment of their directory; that of the root is prod.
func proposalReport(findings ...finding.Finding) *report.Report {
	r := &report.Report{Findings: findings}
	seen := make(map[string]bool)
	for _, f := range findings {
		for _, at := range f.Targets {
			if seen[at.ID] {
				continue
			}
			seen[at.ID] = true
			environment := at.ID[strings.LastIndex(at.ID, "/")+1:]
			if at.ID == "." {
				environment = "prod"
			}
			r.Targets = append(r.Targets, report.Target{
				Target: plan.Target{ID: at.ID, Dir: at.ID, Environment: environment}, Status: report.Rendered, Base: report.Rendered,
			})
		}
	}
	report.Finish(r)
	return r
}

func in(state finding.State, targets ...string) (out []finding.TargetState) {
	for _, id := range targets {
		out = append(out, finding.TargetState{ID: id, State: state})
	}
	return out
}

func TestProposals(t *testing.T) {
	t.Parallel()
	both := append(in(finding.New, "apps/web/prod"), in(finding.Existing, "apps/web/dev")...)
	var many []string
	for i := range maxNamedTargets + 1 {
		many = append(many, fmt.Sprintf("apps/app%d/prod", i))
	}
	for _, test := range []struct {
		name string
		of   finding.Finding
		want config.Exception // without a rule: there is none
	}{
		{"an object's field", finding.Finding{Object: "DaemonSet.apps monitoring/agent", Path: "spec.template.spec.volumes[name=root]", Targets: in(finding.New, "apps/web/prod")},
			config.Exception{
				Rule: "policy/host-path", Targets: []config.Glob{"apps/web/prod"}, Objects: []config.ObjectPattern{"DaemonSet.apps monitoring/agent"},
				Paths: []config.FieldPattern{"spec.template.spec.volumes[name=root]"},
			}},
		{"new in one target, existing in another", finding.Finding{Object: "Pod x", Targets: both},
			config.Exception{Rule: "policy/host-path", Targets: []config.Glob{"apps/web/prod"}, Objects: []config.ObjectPattern{"Pod x"}}},
		{"existing everywhere", finding.Finding{Object: "Pod x", Targets: in(finding.Existing, "b/dev", "a/dev")},
			config.Exception{Rule: "policy/host-path", Targets: []config.Glob{"a/dev", "b/dev"}, Objects: []config.ObjectPattern{"Pod x"}}},
		{"the root directory, which is above everything", finding.Finding{Object: "Pod x", Targets: in(finding.New, ".")},
			config.Exception{Rule: "policy/host-path", Environments: []config.EnvironmentName{"prod"}, Objects: []config.ObjectPattern{"Pod x"}}},
		{"a directory that reads as a pattern", finding.Finding{Object: "Pod x", Targets: in(finding.New, "apps/*/prod")},
			config.Exception{Rule: "policy/host-path", Environments: []config.EnvironmentName{"prod"}, Objects: []config.ObjectPattern{"Pod x"}}},
		{"too many targets to name", finding.Finding{Object: "Pod x", Targets: in(finding.New, many...)},
			config.Exception{Rule: "policy/host-path", Environments: []config.EnvironmentName{"prod"}, Objects: []config.ObjectPattern{"Pod x"}}},
		{"neither object nor field", finding.Finding{Targets: in(finding.New, "a/dev")},
			config.Exception{Rule: "policy/host-path", Targets: []config.Glob{"a/dev"}}},

		{"what could not be rendered", finding.Finding{Rule: "render/remote-base", Targets: in(finding.New, "a/dev")}, config.Exception{}},
		{"what could not be evaluated", finding.Finding{Rule: "policy/evaluation", Targets: in(finding.New, "a/dev")}, config.Exception{}},
		{"fixed", finding.Finding{Targets: in(finding.Fixed, "a/dev")}, config.Exception{}},
		{"of no target", finding.Finding{Pos: finding.Pos{File: "a.yaml"}}, config.Exception{}},
		{"of a target that there is not", finding.Finding{Targets: in(finding.New, "")}, config.Exception{}},
		{"a rule that reads as a pattern", finding.Finding{Rule: "policy/*", Targets: in(finding.New, "a/dev")}, config.Exception{}},
		{"a rule with a line break", finding.Finding{Rule: "policy/x\nfixes #1", Targets: in(finding.New, "a/dev")}, config.Exception{}},
		{"an object that reads as a pattern", finding.Finding{Object: "Pod *", Targets: in(finding.New, "a/dev")}, config.Exception{}},
		{"a name that cannot be written", finding.Finding{Object: "Pod a b", Targets: in(finding.New, "a/dev")}, config.Exception{}},
		{"a name of 70,000 characters", finding.Finding{Object: "Pod " + strings.Repeat("x", 70_000), Targets: in(finding.New, "a/dev")}, config.Exception{}},
		{"a field that reads as a pattern", finding.Finding{Object: "Pod x", Path: "spec.**", Targets: in(finding.New, "a/dev")}, config.Exception{}},
		{"a field that cannot be written", finding.Finding{Object: "Pod x", Path: `data["a b"]`, Targets: in(finding.New, "a/dev")}, config.Exception{}},
	} {
		if test.of.Rule == "" {
			test.of.Rule = "policy/host-path"
		}
		r := proposalReport(test.of)
		if test.name == "of a target that there is not" {
			r.Targets = nil
		}
		got := Proposals(r)
		if test.want.Rule == "" {
			if len(got) > 0 {
				t.Errorf("%s: %+v", test.name, got)
			}
			continue
		}
		if len(got) != 1 || Counts(r, got)[0] != 1 || !ProposalID.MatchString(got[0].ID) {
			t.Errorf("%s: %+v", test.name, got)
			continue
		}
		if diff := cmp.Diff(test.want, got[0].Of); diff != "" {
			t.Errorf("%s: %s", test.name, diff)
		}
		test.want.Owner, test.want.Reason, test.want.Until = "wim", "known", "2026-12-31"
		environments := "order: [dev, prod]\n"
		file, err := WithException([]byte(environments), test.want)
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		// What is written accepts the finding, and what is beside it in another object, field or target counts.
		cfg, problems := config.Parse(config.FileName, file)
		if len(problems) > 0 {
			t.Errorf("%s: %v\n%s", test.name, problems, file)
		}
		made := exceptionsOn(cfg, "2026-12-31")[0]
		f := r.Findings[0]
		state := finding.New
		if !f.Has(finding.New) {
			state = finding.Existing
		}
		for _, target := range r.Targets {
			accepted := made.accepts(f, target.Target)
			if want := slices.Contains(f.Targets, finding.TargetState{ID: target.ID, State: state}); accepted != want {
				t.Errorf("%s: in %s: accepted %t, want %t", test.name, target.ID, accepted, want)
			}
			other := f
			if other.Object = "Pod another"; f.Object != "" && made.accepts(other, target.Target) {
				t.Errorf("%s: it accepts another object", test.name)
			}
			if other = f; f.Path != "" {
				if other.Path = "spec.other"; made.accepts(other, target.Target) {
					t.Errorf("%s: it accepts another field", test.name)
				}
			}
			elsewhere := plan.Target{ID: "other/stage", Dir: "other/stage", Environment: "stage"}
			if made.accepts(f, elsewhere) {
				t.Errorf("%s: it accepts the finding in another target", test.name)
			}
		}
	}
}

// TestProposalNames has names that stay when lines move, that findings of one exception share, and that differ otherwise.
func TestProposalNames(t *testing.T) {
	t.Parallel()
	f := finding.Finding{Rule: "policy/host-path", Severity: finding.Error, Object: "Pod x", Path: "spec.a", Message: "m", Pos: finding.Pos{File: "a.yaml", Line: 1}, Targets: in(finding.New, "a/dev")}
	moved, twin, other, warning := f, f, f, f
	moved.Line = 7
	twin.Message = "and this too"
	other.Path = "spec.b"
	warning.Severity, warning.Path = finding.Warning, "spec"
	name := func(f finding.Finding) string { return Proposals(proposalReport(f))[0].ID }
	if name(f) != name(moved) {
		t.Error("the name differs when the line moves")
	}
	r := proposalReport(warning, f, twin, other)
	got := Proposals(r)
	counts := Counts(r, got)
	var told []string
	for i, p := range got {
		told = append(told, fmt.Sprintf("%s %d %t", p.Of.Paths[0], counts[i], p.Gates))
	}
	want := []string{"spec.a 2 true", "spec.b 1 true", "spec 4 false"} // an exception from a field is one from all below it
	if diff := cmp.Diff(want, told); diff != "" {
		t.Error(diff)
	}
	if got[0].ID == got[1].ID || got[0].ID != name(f) {
		t.Errorf("names %s, %s, %s", got[0].ID, got[1].ID, name(f))
	}
	byArea := func(e config.Exception) string { return strings.TrimSuffix(string(e.Paths[0]), ".b") } // as if "spec" and "spec.b" were named alike
	if got := proposals(proposalReport(warning, f, other), byArea); len(got) != 1 || got[0].Of.Paths[0] != "spec.a" {
		t.Errorf("of two that are named alike: %+v", got)
	}
}

// TestProposalsOfManyFindings has so many that looking at each for each would not end within this test's time.
func TestProposalsOfManyFindings(t *testing.T) {
	t.Parallel()
	const many = 20_000
	findings := make([]finding.Finding, many)
	for i := range findings {
		object, target := fmt.Sprintf("Pod x%d", i), fmt.Sprintf("apps/a%d/prod", i)
		findings[i] = finding.Finding{Rule: "policy/host-path", Object: object, Path: "spec.volumes", Targets: in(finding.New, target)}
	}
	r := proposalReport(findings...)
	got := Proposals(r)
	if len(got) != many {
		t.Fatalf("%d proposals", len(got))
	}
	for i, count := range Counts(r, got[:50]) {
		if count != 1 {
			t.Errorf("%s accepts %d", got[i].Of.Targets, count)
		}
	}
}
