package config

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-dev/sluice/internal/finding"
)

const commit = "0123456789abcdef0123456789abcdef01234567"

func TestParseHolds(t *testing.T) {
	t.Parallel()
	text := `# who waits for what
- {app: shop, to: prod, from: staging, source: "` + commit + `", restored: "` + strings.Repeat("a", 40) + `", reason: "rolled back: 500s", who: alice, since: 2026-11-21T13:00:00Z}
- app: billing
  to: staging
  reason: audit
`
	holds, findings := ParseHolds(HoldsName, []byte(text))
	want := []Hold{
		{
			App: "shop", To: "prod", From: "staging", Source: commit, Restored: CommitID(strings.Repeat("a", 40)), Reason: "rolled back: 500s", Who: "alice",
			Since: Instant{time.Date(2026, 11, 21, 13, 0, 0, 0, time.UTC)}, Pos: finding.Pos{File: HoldsName, Line: 2, Column: 3},
		},
		{App: "billing", To: "staging", Reason: "audit", Pos: finding.Pos{File: HoldsName, Line: 3, Column: 3}},
	}
	if diff := cmp.Diff(want, holds); diff != "" || len(findings) > 0 {
		t.Fatalf("holds (-want +got):\n%s%s", diff, findings)
	}
	for _, test := range []struct {
		app, from, to string
		want          int
	}{{"shop", "staging", "prod", 1}, {"shop", "dev", "prod", 0}, {"shop", "staging", "dev", 0}, {"billing", "dev", "staging", 1}} {
		if got := HoldsOf(holds, test.app, test.from, test.to); len(got) != test.want {
			t.Errorf("%s %s → %s: %v", test.app, test.from, test.to, got)
		}
	}
	said := "held by alice since 2026-11-21T13:00:00Z: rolled back: 500s (.sluice/holds.yaml:2:3); it ends when the source changes, or when its line is taken out"
	if got := holds[0].String(); got != said {
		t.Errorf("got  %s\nwant %s", got, said)
	}
}

func TestParseBadHolds(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"holds: []\n":                            `.sluice/holds.yaml:1:1: the file is a mapping: it must be a list [config/type]`,
		"- {app: shop, to: prod}\n":              `.sluice/holds.yaml:1:3: [0] needs the key "reason": Why. [config/missing-key]`,
		"- {app: a, to: b, reason: x, why: y}\n": `.sluice/holds.yaml:1:30: unknown key "why" in [0], did you mean "who"? Its keys are: app, to, from, source, restored, reason, who, since [config/unknown-key]`,
		"- {app: a, to: b, reason: x, source: main}\n": `.sluice/holds.yaml:1:38: [0].source is "main": it must be the full id of a commit, 40 or 64 hexadecimal digits` +
			` [config/value]`,
		"- {app: a, to: b, reason: x, since: 2026-13-01T00:00:00Z}\n": `.sluice/holds.yaml:1:37: [0].since is "2026-13-01T00:00:00Z": it must be a point in time` +
			` such as 2026-11-21T13:00:00Z [config/value]`,
		"- {app: a, app: b, to: b, reason: x}\n": `.sluice/holds.yaml:1:12: the key "app" is already in line 1: keep one of them [config/duplicate-key]`,
		"- [a\n":                                 `.sluice/holds.yaml:1:1: this is not valid YAML: did not find expected ',' or ']' [config/yaml]`,
	} {
		if _, findings := ParseHolds(HoldsName, []byte(text)); findings.String() != want {
			t.Errorf("%q:\ngot  %s\nwant %s", text, findings, want)
		}
	}
}

func TestAppendHold(t *testing.T) {
	t.Parallel()
	hold := Hold{App: "shop", To: "prod", Source: commit, Reason: "rolled back", Since: Instant{time.Date(2026, 11, 21, 13, 0, 0, 0, time.UTC)}}
	line := `- {app: shop, to: prod, source: "` + commit + `", reason: "rolled back", since: 2026-11-21T13:00:00Z}`
	for _, test := range []struct{ before, want string }{
		{"", line + "\n"},
		{"# who waits\n", "# who waits\n" + line + "\n"},
		{"- {app: a, to: b, reason: x}", "- {app: a, to: b, reason: x}\n" + line + "\n"},
		{"  - app: a\n    to: b\n    reason: x\n# end\n", "  - app: a\n    to: b\n    reason: x\n# end\n  " + line + "\n"},
		{"- {app: a, to: b, reason: x}\r\n", "- {app: a, to: b, reason: x}\r\n" + line + "\r\n"},
	} {
		got, err := AppendHold(HoldsName, []byte(test.before), hold)
		if string(got) != test.want || err != nil {
			t.Errorf("%q: %v\ngot  %q\nwant %q", test.before, err, got, test.want)
		}
	}
	for _, before := range []string{"[]\n", "holds: []\n", "- {app: a}\n", "- {app: a, to: b, reason: x}\n...\n"} {
		if got, err := AppendHold(HoldsName, []byte(before), hold); err == nil {
			t.Errorf("%q: got %q, want an error", before, got)
		}
	}
}

// FuzzHoldLine: whatever a person gives as reason, the line that is written reads as the hold that was meant.
func FuzzHoldLine(f *testing.F) {
	f.Add("shop", "prod", "rolled back: \"500s\" {a} # b", "alice")
	f.Add("null", "1.0", `C:\path - , }`, "@team/a")
	f.Add("y", "2026-11-21", " leading", "0x10")
	f.Fuzz(func(t *testing.T, app, to, reason, who string) {
		for _, text := range []struct{ value, pattern string }{
			{app, AppName("").shape().pattern}, {to, EnvironmentName("").shape().pattern}, {reason, PlainText("").shape().pattern}, {who, PlainText("").shape().pattern},
		} {
			if !compiled(text.pattern).MatchString(text.value) {
				t.Skip()
			}
		}
		clean := strings.NewReplacer("\u2028", " ", "\u2029", " ")
		reason, who = strings.ToValidUTF8(reason, "\uFFFD"), strings.ToValidUTF8(who, "\uFFFD")
		want := Hold{App: AppName(app), To: EnvironmentName(to), Source: commit, Reason: PlainText(clean.Replace(reason)), Who: PlainText(clean.Replace(who)),
			Since: Instant{time.Date(2026, 11, 21, 13, 0, 0, 0, time.UTC)}}
		got, findings := ParseHolds(HoldsName, []byte(want.Line()))
		if len(findings) > 0 || len(got) != 1 {
			t.Fatalf("%s: %s", want.Line(), findings)
		}
		got[0].Pos = finding.Pos{}
		if diff := cmp.Diff(want, got[0]); diff != "" {
			t.Errorf("%s(-want +got):\n%s", want.Line(), diff)
		}
	})
}
