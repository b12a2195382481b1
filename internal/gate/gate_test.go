package gate

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-dev/sluice/internal/config"
	"github.com/sluice-dev/sluice/internal/finding"
)

// monday is the first day of the tests: 2026-11-23, in winter.
func monday(clock string) time.Time { return at("2026-11-23 " + clock) }

func at(text string) time.Time {
	t, err := time.Parse("2006-01-02 15:04", text)
	if err != nil {
		panic(err)
	}
	return t
}

// rules reads the gates of a configuration as people write them.
func rules(t *testing.T, text string) []config.GateRule {
	t.Helper()
	c, findings := config.Parse(config.FileName, []byte("promotion:\n  gates:\n    - "+strings.ReplaceAll(text, "\n", "\n      ")+"\n"))
	if len(findings) > 0 {
		t.Fatalf("%s:\n%s", text, findings)
	}
	return c.GatesFor("shop", "dev", "staging")
}

func status(name string, state SignalState, clock string) Signal {
	return Signal{Kind: Status, Name: name, State: state, At: monday(clock), Commit: "c1"}
}

func deployment(name string, state SignalState, clock string) Signal {
	return Signal{Kind: Deployment, Name: name, State: state, At: monday(clock), Commit: "c1"}
}

// brief is a result as the tests say it: its state and earliest time, then each gate.
func brief(r Result) string {
	out := string(r.State)
	if until := r.Until(); !until.IsZero() {
		out += " until " + until.Format("Mon 15:04")
	}
	for _, g := range r.Gates {
		mark := "-"
		if g.Open {
			mark = "+"
		}
		out += fmt.Sprintf("\n%s %s: %s", mark, g.Name, g.Reason)
	}
	return out
}

func TestEvaluate(t *testing.T) {
	t.Parallel()
	now := monday("12:00")
	for _, test := range []struct {
		name, rules string
		signals     []Signal
		pull        *Pull
		want        string
	}{
		{
			"success of Argo CD and Flux", `statuses: ["continuous-delivery/{app}-{from}", "kustomization/{app}/*"]`,
			[]Signal{status("continuous-delivery/shop-dev", Success, "10:00"), status("kustomization/shop/0c9c2e41", Success, "10:05")}, nil,
			"open\n+ status continuous-delivery/shop-dev: successful since 2026-11-23 10:00 UTC\n+ status kustomization/shop/*: successful since 2026-11-23 10:05 UTC",
		},
		{
			"nothing was said", `statuses: [deployed]`, []Signal{status("other", Success, "10:00"), deployment("deployed", Success, "10:00")}, nil,
			"wait\n- status deployed: no status of this name on the source commit yet",
		},
		{
			"the newest counts", `statuses: [deployed]`, []Signal{status("deployed", Failure, "11:00"), status("deployed", Success, "10:00")}, nil,
			"wait\n- status deployed: deployed failed 2026-11-23 11:00 UTC",
		},
		{
			"all that match count", `statuses: ["kustomization/*"]`,
			[]Signal{status("kustomization/shop/a", Success, "10:00"), status("kustomization/shop/b", Pending, "11:00")}, nil,
			"wait\n- status kustomization/*: kustomization/shop/b is pending since 2026-11-23 11:00 UTC",
		},
		{
			"letters may differ: Flux writes small ones", `statuses: ["kustomization/Shop/*"]`, []Signal{status("kustomization/shop/b", Success, "11:00")}, nil,
			"open\n+ status kustomization/Shop/*: successful since 2026-11-23 11:00 UTC",
		},
		{
			"deployment", `deployments: ["{from}"]`, []Signal{deployment("dev", Success, "11:00"), deployment("staging", Failure, "11:00")}, nil,
			"open\n+ deployment dev: successful since 2026-11-23 11:00 UTC",
		},
		{
			"soaking", "statuses: [ok]\nsoak: 2h", []Signal{status("ok", Pending, "10:00"), status("ok", Success, "10:30")}, nil,
			"wait until Mon 12:30\n+ status ok: successful since 2026-11-23 10:30 UTC\n- soak 2h: healthy since 2026-11-23 10:30 UTC, until 2026-11-23 12:30 UTC at the earliest",
		},
		{
			"a failure in between begins it anew", "statuses: [ok]\nsoak: 2h",
			[]Signal{status("ok", Success, "08:00"), status("ok", Failure, "11:00"), status("ok", Success, "11:10")}, nil,
			"wait until Mon 13:10\n+ status ok: successful since 2026-11-23 11:10 UTC\n- soak 2h: healthy since 2026-11-23 11:10 UTC, until 2026-11-23 13:10 UTC at the earliest",
		},
		{
			"what is pending in between does not", "statuses: [ok]\nsoak: 2h",
			[]Signal{status("ok", Success, "08:00"), status("ok", Pending, "11:00"), status("ok", Success, "11:10")}, nil,
			"open\n+ status ok: successful since 2026-11-23 08:00 UTC\n+ soak 2h: healthy since 2026-11-23 08:00 UTC",
		},
		{
			"soaked to the minute", "statuses: [ok]\nsoak: 2h", []Signal{status("ok", Success, "10:00")}, nil,
			"open\n+ status ok: successful since 2026-11-23 10:00 UTC\n+ soak 2h: healthy since 2026-11-23 10:00 UTC",
		},
		{
			"the last of several begins the soak", "statuses: [a]\ndeployments: [dev]\nsoak: 1d",
			[]Signal{status("a", Success, "08:00"), deployment("dev", Success, "09:00")}, nil,
			"wait until Tue 09:00\n+ status a: successful since 2026-11-23 08:00 UTC\n+ deployment dev: successful since 2026-11-23 09:00 UTC\n" +
				"- soak 1d: healthy since 2026-11-23 09:00 UTC, until 2026-11-24 09:00 UTC at the earliest",
		},
		{
			"no soak of what fails", "statuses: [a, b]\nsoak: 1h", []Signal{status("a", Success, "08:00")}, nil,
			"wait\n+ status a: successful since 2026-11-23 08:00 UTC\n- status b: no status of this name on the source commit yet\n" +
				"- soak 1h: it begins when all statuses and deployments are successful",
		},
		{
			"a time nobody gave", "statuses: [a]\nsoak: 1h", []Signal{{Kind: Status, Name: "a", State: Success}}, nil,
			"wait\n+ status a: successful since 0001-01-01 00:00 UTC\n- soak 1h: the statuses do not say since when they are successful",
		},
		{
			"approvals before there is a pull request", `approvals: 2`, nil, nil,
			"wait\n- approvals: there is no pull request yet: it needs 2 people",
		},
		{
			"approvals", `approvals: 2`, nil,
			&Pull{Head: "h2", Labels: Known[string](), Reviews: Known(
				Review{"ann", "APPROVED", "h2", true}, Review{"ann", "COMMENTED", "h2", true}, Review{"bob", "APPROVED", "h1", true},
				Review{"eve", "APPROVED", "h2", false}, Review{"cat", "CHANGES_REQUESTED", "h1", true}, Review{"cat", "APPROVED", "h2", true})},
			"open\n+ approvals: approved by ann, cat",
		},
		{
			"approvals of what it was, or by strangers", `approvals: 1`, nil,
			&Pull{Head: "h2", Labels: Known[string](), Reviews: Known(Review{"bob", "APPROVED", "h1", true}, Review{"eve", "APPROVED", "h2", false})},
			"wait\n- approvals: 0 of 1 person to approve it as it is now",
		},
		{
			"changes requested", `approvals: 1`, nil,
			&Pull{Head: "h2", Labels: Known[string](), Reviews: Known(Review{"ann", "APPROVED", "h2", true}, Review{"bob", "CHANGES_REQUESTED", "h1", true})},
			"wait\n- approvals: changes are requested by bob",
		},
		{
			"hold label", `statuses: [ok]`, []Signal{status("ok", Success, "10:00")},
			&Pull{Head: "h2", Labels: Known("promotion", HoldLabel), Reviews: Known[Review]()},
			"hold\n+ status ok: successful since 2026-11-23 10:00 UTC\n- hold: the pull request has the label sluice/hold: take it off to go on",
		},
		{
			"a soak and a freeze: the later one counts", "statuses: [ok]\nsoak: 4h\nwindows: {frozen: [{from: 2026-11-23, until: 2026-11-23}]}",
			[]Signal{status("ok", Success, "10:00")}, nil,
			"wait until Tue 00:00\n+ status ok: successful since 2026-11-23 10:00 UTC\n" +
				"- soak 4h: healthy since 2026-11-23 10:00 UTC, until 2026-11-23 14:00 UTC at the earliest\n- window: frozen: opens Tue 2026-11-24 00:00 UTC",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := Evaluate(Input{
				App: "shop", From: "dev", To: "staging", Rules: rules(t, test.rules), Now: now, Signals: Known(test.signals...), Pull: test.pull,
			})
			if diff := cmp.Diff(test.want, brief(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestWhatCannotBeReadIsClosed: of every kind of gate that asks somebody.
func TestWhatCannotBeReadIsClosed(t *testing.T) {
	t.Parallel()
	in := Input{App: "shop", From: "dev", To: "staging", Now: monday("12:00")}
	in.Rules = rules(t, "statuses: [ok]\ndeployments: [dev]\nsoak: 1h\napprovals: 1\nwindows: {zone: UTC, open: [{}]}")
	in.Rules[0].Windows.Zone = "Nowhere/Land"
	in.Signals = Unknown[Signal]("the token needs statuses: read")
	in.Pull = &Pull{Reviews: Unknown[Review]("503"), Labels: Unknown[string]("503")}
	got := Evaluate(in)
	if got.State != Hold || got.SourceOpen() || len(got.Gates) != 6 || len(got.Closed()) != 6 || !got.Until().IsZero() {
		t.Errorf("got %s", brief(got))
	}
	in.Signals, in.Pull = Reading[Signal]{}, nil // nobody asked
	if got := Evaluate(in); got.State != Wait || got.Gates[0].Open || !strings.Contains(got.Gates[0].Reason, "it was not asked for") {
		t.Errorf("got %s", brief(got))
	}
}

func TestHolds(t *testing.T) {
	t.Parallel()
	held := config.Hold{App: "shop", To: "prod", Reason: "audit", Who: "alice", Pos: finding.Pos{File: config.HoldsName, Line: 1, Column: 3}}
	got := Evaluate(Input{Now: monday("12:00"), Holds: []config.Hold{held}})
	if want := "hold\n- hold: held by alice: audit (.sluice/holds.yaml:1:3)"; brief(got) != want {
		t.Errorf("got %s\nwant %s", brief(got), want)
	}
	if got := Evaluate(Input{}); got.State != Open || len(got.Gates) != 0 {
		t.Errorf("without any rule: %s", brief(got))
	}
}

func TestRulesThatAskTheSame(t *testing.T) {
	t.Parallel()
	twice := append(rules(t, "statuses: [ok]"), rules(t, "statuses: [ok]\nsoak: 1h")...)
	got := Evaluate(Input{Rules: twice, Now: monday("12:00"), Signals: Known(status("ok", Success, "10:00"))})
	want := "open\n+ status ok: successful since 2026-11-23 10:00 UTC\n+ soak 1h: healthy since 2026-11-23 10:00 UTC"
	if brief(got) != want {
		t.Errorf("got %s", brief(got))
	}
}

func TestMatches(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		pattern, name string
		want          bool
	}{
		{"a", "a", true}, {"a", "ab", false}, {"*", "", true}, {"a*", "a", true}, {"*c", "abc", true}, {"a*c", "abbc", true},
		{"a*c", "ab", false}, {"a*b*c", "a-b-c", true}, {"a*b*c", "a-c-b", false}, {"ab*ba", "aba", false}, {"*.*", "a.b", true}, {"a**", "abc", true},
	} {
		if got := matches(test.pattern, test.name); got != test.want {
			t.Errorf("matches(%q, %q) = %v", test.pattern, test.name, got)
		}
	}
}

func TestChoose(t *testing.T) {
	t.Parallel()
	open := Result{State: Open}
	frozen := Result{State: Wait, Gates: []Gate{{Name: "window"}}} // closed, but not because of the source
	soaking := Result{State: Wait, Gates: []Gate{{Name: "soak 1d", Source: true}}}
	for _, test := range []struct {
		name   string
		from   []Candidate
		pinned string
		want   int
	}{
		{"nothing", nil, "", -1},
		{"the newest that is through", []Candidate{{"c", soaking}, {"b", open}, {"a", open}}, "a", 1},
		{"a freeze says nothing of the source", []Candidate{{"c", frozen}, {"b", open}}, "", 0},
		{"what soaks already goes on", []Candidate{{"c", soaking}, {"b", soaking}, {"a", soaking}}, "b", 1},
		{"the oldest is through first", []Candidate{{"c", soaking}, {"b", soaking}}, "gone", 1},
	} {
		if got := Choose(test.from, test.pinned); got != test.want {
			t.Errorf("%s: got %d, want %d", test.name, got, test.want)
		}
	}
}
