package pipeline

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice/internal/config"
	"github.com/sluice-dev/sluice/internal/finding"
	"github.com/sluice-dev/sluice/internal/manifest"
	"github.com/sluice-dev/sluice/internal/plan"
)

func TestSuppressionsStandWhereFindingsDo(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, text string
		want       string // "line: rules; reason" of what suppresses, then "column: problem" of what does not
	}{
		{"at the end of the line", "a: 1\nb: 2 # sluice:ignore policy/x because\n", "2: policy/x; because"},
		{"on the line above", "# sluice:ignore policy/x because\na: 1\n", "1→2: policy/x; because"},
		{"above other comments", "# sluice:ignore policy/x one\n# more\n  # sluice:ignore schema/y two\na: 1\n", "1→4: policy/x; one|3→4: schema/y; two"},
		{"several rules", "a: 1 # sluice:ignore policy/x,policy/y, policy/main/deny  and so on\n", "1: policy/x policy/y policy/main/deny; and so on"},
		{"in a patch", "patches:\n- patch: |-\n    # sluice:ignore policy/x because\n    kind: Pod\n", "3→4: policy/x; because"},
		{"carriage returns", "# sluice:ignore policy/x because\r\na: 1\r\n", "1→2: policy/x; because"},
		{"a reason with a slash", "a: 1 # sluice:ignore policy/x see docs/a.md and b/c\n", "1: policy/x; see docs/a.md and b/c"},
		{"nothing follows", "a: 1\n# sluice:ignore policy/x because", ""},
		{"part of a value", "a: b#sluice:ignore policy/x because\n", ""},
		{"another word", "a: 1 # sluice:ignored policy/x because\n", ""},
		{"no rule", "é: 1 # sluice:ignore because\n", `6: it names no rule: write "# sluice:ignore RULE reason"`},
		{"nothing", "# sluice:ignore\na: 1\n", `1: it names no rule: write "# sluice:ignore RULE reason"`},
		{"no reason", "a: 1 # sluice:ignore policy/x, policy/y\n", "6: it gives no reason: say after the rule why the finding is accepted"},
		{"no rule's form", "a: 1 # sluice:ignore policy/* because\n", `6: "policy/*" is no rule: name rules as findings do, policy/host-path`},
		{"what nothing makes up for", "a: 1 # sluice:ignore policy/evaluation because\n", "6: policy/evaluation says that something could not be checked, which no comment makes up for"},
	}
	for _, test := range tests {
		got := parseSuppressions("a.yaml", []byte(test.text))
		var said []string
		for _, s := range got.all {
			at := ""
			for line, list := range got.byLine {
				for _, other := range list {
					if other.Pos == s.Pos {
						at = fmt.Sprint(s.Line)
						if line != s.Line {
							at += fmt.Sprintf("→%d", line)
						}
					}
				}
			}
			if at != "" {
				said = append(said, fmt.Sprintf("%s: %s; %s", at, strings.Join(s.rules, " "), s.reason))
			}
		}
		for _, f := range got.broken {
			said = append(said, fmt.Sprintf("%d: %s", f.Column, strings.TrimPrefix(f.Message, "this comment suppresses nothing: ")))
		}
		if text := strings.Join(said, "|"); text != test.want {
			t.Errorf("%s: got %q, want %q", test.name, text, test.want)
		}
	}
}

// FuzzSuppressions holds every comment to a line of its file, and to be either heeded or told of.
func FuzzSuppressions(f *testing.F) {
	f.Add("# sluice:ignore policy/x because\na: 1 # sluice:ignore policy/x, policy/y b\n")
	f.Add("# sluice:ignore\r\n\xff # sluice:ignore a/b \x00\n")
	f.Fuzz(func(t *testing.T, text string) {
		got := parseSuppressions("a.yaml", []byte(text))
		lines := strings.Count(text, "\n") + 1
		for line := range got.byLine {
			if line < 1 || line > lines {
				t.Errorf("line %d of %d", line, lines)
			}
		}
		for _, s := range got.all {
			if len(s.rules) == 0 || s.reason == "" || s.Line < 1 || s.Line > lines || s.Column < 1 {
				t.Errorf("%+v", s)
			}
		}
	})
}

// The last day counts; the next one does not. What an exception does not name does not matter to it.
func TestExceptions(t *testing.T) {
	t.Parallel()
	cfg, problems := config.Parse(config.FileName, []byte(`exceptions:
  - {rule: policy/x, owner: o, reason: r, until: 2026-03-31, objects: [Pod shop/web-*], environments: [prod], targets: [apps/shop/**], paths: ["spec.containers[name=web]"]}
  - {rule: schema/*, owner: o, reason: r, until: 2026-03-31, objects: ["*.apps *"]}
`))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	prod := plan.Target{ID: "apps/shop/overlays/prod", Dir: "apps/shop/overlays/prod", Environment: "prod"}
	dev, other := prod, prod
	dev.Environment, other.Dir = "dev", "apps/pay/overlays/prod"
	found := func(rule, object, path string) finding.Finding {
		return finding.Finding{Rule: rule, Object: object, Path: path}
	}
	object := func(id manifest.ID) string { return id.String() }
	web := object(manifest.ID{Kind: "Pod", Namespace: "shop", Name: "web-1"})
	set := object(manifest.ID{Group: "apps", Kind: "StatefulSet", Namespace: "shop", Name: "db"})
	tests := []struct {
		name   string
		today  config.Date
		f      finding.Finding
		target plan.Target
		want   int // line of the exception; 0 for none
	}{
		{"as it says", "2026-03-01", found("policy/x", web, "spec.containers[name=web].image"), prod, 2},
		{"the last day", "2026-03-31", found("policy/x", web, "spec.containers[name=web]"), prod, 2},
		{"the day after", "2026-04-01", found("policy/x", web, "spec.containers[name=web]"), prod, 0},
		{"another rule", "2026-03-01", found("policy/xy", web, "spec.containers[name=web]"), prod, 0},
		{"another environment", "2026-03-01", found("policy/x", web, "spec.containers[name=web]"), dev, 0},
		{"another target", "2026-03-01", found("policy/x", web, "spec.containers[name=web]"), other, 0},
		{"another field", "2026-03-01", found("policy/x", web, "spec.containers[name=website]"), prod, 0},
		{"another object", "2026-03-01", found("policy/x", "Pod pay/web-1", "spec.containers[name=web]"), prod, 0},
		{"an area", "2026-03-01", found("schema/invalid", set, ""), dev, 3},
		{"an area, another group", "2026-03-01", found("schema/invalid", web, ""), dev, 0},
		{"no object", "2026-03-01", found("schema/invalid", "", ""), dev, 0},
	}
	for _, test := range tests {
		line := 0
		for _, e := range exceptionsOn(cfg, test.today) {
			if e.accepts(test.f, test.target) {
				line = e.waiver.Line
			}
		}
		if line != test.want {
			t.Errorf("%s: line %d, want %d", test.name, line, test.want)
		}
	}
	check := Check{Today: "2026-04-01"}
	if got := check.expired(rules{binding: cfg}); len(got) != 2 || got[0].Line != 2 || got[0].Rule != "policy/expired-exception" {
		t.Errorf("expired: %v", got)
	}
}
