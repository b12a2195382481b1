package report_test

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/sluice-dev/sluice/internal/diff"
	"github.com/sluice-dev/sluice/internal/finding"
	"github.com/sluice-dev/sluice/internal/plan"
	"github.com/sluice-dev/sluice/internal/report"
)

func TestVerdict(t *testing.T) {
	t.Parallel()
	rendered := report.Target{Target: plan.Target{ID: "a"}, Status: report.Rendered, Base: report.Rendered}
	failed := report.Target{Target: plan.Target{ID: "a"}, Status: report.Failed, Base: report.Failed}
	of := func(rule string, severity finding.Severity, state finding.State) finding.List {
		return finding.List{finding.Finding{Rule: rule, Severity: severity, Message: "m"}.In("a", state)}
	}
	all, warning, never := report.Gate{Findings: "all"}, report.Gate{FailOn: "warning"}, report.Gate{FailOn: "never"}
	for name, c := range map[string]struct {
		target    report.Target
		findings  finding.List
		gate      report.Gate
		unchecked []string
		want      report.Verdict
	}{
		"nothing found":                       {target: rendered, want: report.Pass},
		"a new error":                         {target: rendered, findings: of("policy/x", finding.Error, finding.New), want: report.Fail},
		"a new warning":                       {target: rendered, findings: of("policy/x", finding.Warning, finding.New), want: report.Pass},
		"a new warning where warnings gate":   {target: rendered, findings: of("policy/x", finding.Warning, finding.New), gate: warning, want: report.Fail},
		"an existing error":                   {target: rendered, findings: of("policy/x", finding.Error, finding.Existing), want: report.Pass},
		"an existing error where all gate":    {target: rendered, findings: of("policy/x", finding.Error, finding.Existing), gate: all, want: report.Fail},
		"a fixed error where all gate":        {target: rendered, findings: of("policy/x", finding.Error, finding.Fixed), gate: all, want: report.Pass},
		"a new error where nothing gates":     {target: rendered, findings: of("policy/x", finding.Error, finding.New), gate: never, want: report.Pass},
		"an error about no target":            {target: rendered, findings: finding.List{{Rule: "config/x", Severity: finding.Error}}, want: report.Fail},
		"an error of a gate nobody defined":   {target: rendered, findings: of("policy/x", finding.Warning, finding.New), gate: report.Gate{FailOn: "eror"}, want: report.Fail},
		"a failed target":                     {target: failed, want: report.Incomplete},
		"a failed target where nothing gates": {target: failed, gate: never, want: report.Incomplete},
		"a failed target and a new error":     {target: failed, findings: of("policy/x", finding.Error, finding.New), want: report.Incomplete},
		"a render error that names no target": {target: rendered, findings: finding.List{{Rule: "render/x", Severity: finding.Error}}, want: report.Incomplete},
		"something unchecked":                 {target: rendered, unchecked: []string{"policies could not be read"}, want: report.Incomplete},
	} {
		r := &report.Report{Targets: []report.Target{c.target}, Findings: c.findings, Gate: c.gate, Unchecked: c.unchecked}
		if report.Finish(r); r.Verdict != c.want {
			t.Errorf("%s: %s, want %s", name, r.Verdict, c.want)
		}
	}
}

// The same facts give the same bytes, in whatever order they come, and whatever the salt.
func TestFinishIsDeterministic(t *testing.T) {
	t.Parallel()
	text := func(seed uint64, salt string) string {
		s := newSample(t)
		for _, e := range []string{"dev", "staging", "prod"} {
			target := s.target("web", e)
			s.r.Targets = append(s.r.Targets, target)
			for _, c := range diff.Sets(
				parseSample(t, "---\napiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {a: old, b: same}\n"+service("web", e)),
				parseSample(t, "---\napiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {a: new, b: same}\n"+service("api", e)),
				diff.Options{Salt: []byte(salt)}) {
				s.r.Changes = append(s.r.Changes, report.ChangeOf(target.ID, c))
			}
			s.finding(finding.Error, "policy/x", "m", "Secret s", "data", finding.Pos{File: "f", Line: 1}, finding.New, target.ID)
		}
		random := rand.New(rand.NewPCG(seed, 1))
		random.Shuffle(len(s.r.Targets), func(i, j int) { s.r.Targets[i], s.r.Targets[j] = s.r.Targets[j], s.r.Targets[i] })
		random.Shuffle(len(s.r.Changes), func(i, j int) { s.r.Changes[i], s.r.Changes[j] = s.r.Changes[j], s.r.Changes[i] })
		random.Shuffle(len(s.r.Findings), func(i, j int) { s.r.Findings[i], s.r.Findings[j] = s.r.Findings[j], s.r.Findings[i] })
		report.Finish(s.r)
		var out bytes.Buffer
		if err := report.JSON(&out, s.r); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	first := text(1, "salt")
	if strings.Contains(first, "secret:") || !strings.Contains(first, "⟪secret 1⟫") {
		t.Errorf("tokens are not ordinals:\n%s", first)
	}
	for seed := range uint64(10) {
		if d := cmp.Diff(first, text(seed+2, strings.Repeat("x", int(seed)+1))); d != "" {
			t.Fatalf("another order, another report:\n%s", d)
		}
	}
}

// Arrays are never null.
func TestJSONHasNoNull(t *testing.T) {
	t.Parallel()
	r := &report.Report{Targets: []report.Target{{}}, Changes: []report.Change{{}}}
	report.Finish(r)
	for _, r := range []*report.Report{r, func() *report.Report { r := &report.Report{}; report.Finish(r); return r }()} {
		var out bytes.Buffer
		if err := report.JSON(&out, r); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(out.String(), "null") {
			t.Errorf("null in\n%s", &out)
		}
	}
}

// SARIF is valid by the schema that OASIS publishes.
func TestSARIFSchema(t *testing.T) {
	t.Parallel()
	schema, err := jsonschema.NewCompiler().Compile("testdata/sarif-schema/sarif-2.1.0.json")
	if err != nil {
		t.Fatal(err)
	}
	for name, build := range samples {
		var out bytes.Buffer
		if err := report.SARIF(&out, build(t), "1.0.0"); err != nil {
			t.Fatal(err)
		}
		value, err := jsonschema.UnmarshalJSON(&out)
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(value); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A finding stays the same alert when its line moves, and two findings are two.
func TestSARIFFingerprints(t *testing.T) {
	t.Parallel()
	prints := func(findings ...finding.Finding) []string {
		r := &report.Report{Findings: findings}
		report.Finish(r)
		var out bytes.Buffer
		if err := report.SARIF(&out, r, ""); err != nil {
			t.Fatal(err)
		}
		var log struct {
			Runs []struct {
				Results []struct{ PartialFingerprints map[string]string }
			}
		}
		if err := json.Unmarshal(out.Bytes(), &log); err != nil {
			t.Fatal(err)
		}
		var all []string
		for _, result := range log.Runs[0].Results {
			all = append(all, result.PartialFingerprints["primaryLocationLineHash"])
		}
		return all
	}
	f := finding.Finding{Rule: "policy/x", Object: "Deployment web", Path: "spec", Message: "has 1", Pos: finding.Pos{File: "f.yaml", Line: 1}}
	moved := f
	moved.Line, moved.Message = 9, "has 2"
	if d := cmp.Diff(prints(f), prints(moved)); d != "" {
		t.Errorf("the fingerprint moved with the line: %s", d)
	}
	if p := prints(f, moved); p[0] == p[1] {
		t.Errorf("two findings have one fingerprint: %v", p)
	}
}

// Nothing on a terminal moves its cursor or colours it but ourselves.
func TestTextIsOurs(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := report.Text(&out, hostileNames(t), report.TextOptions{All: true}); err != nil {
		t.Fatal(err)
	}
	for _, r := range out.String() {
		if r != '\n' && r != '\t' && (r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r >= 0x200b && r <= 0x202e) {
			t.Errorf("%U reaches the terminal", r)
		}
	}
}
