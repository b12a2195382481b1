package report

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-dev/sluice/internal/diff"
	"github.com/sluice-dev/sluice/internal/finding"
	"github.com/sluice-dev/sluice/internal/plan"
)

func sampleShard() *Shard {
	digest := strings.Repeat("a", 64)
	return &Shard{
		Program: "v1", I: 1, N: 2, Plan: digest, Salt: digest, Total: 2, Targets: []string{"apps/a"},
		Report: &Report{
			Head:     "1234",
			Targets:  []Target{{Target: plan.Target{ID: "apps/a", Dir: "apps/a"}, Status: Rendered, Base: Rendered, Objects: 1}},
			Changes:  []Change{{Target: "apps/a", Kind: "Secret", Name: "s", Action: diff.Changed, Diff: "-⟪secret:0123456789abcdef⟫\n", Removed: 1}},
			Findings: finding.List{finding.Finding{Rule: "policy/privileged", Severity: finding.Error, Message: "m"}.In("apps/a", finding.New)},
		},
	}
}

func write(t *testing.T, s *Shard) string {
	t.Helper()
	var b bytes.Buffer
	if err := WriteShard(&b, s); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestShardRoundTrip(t *testing.T) {
	t.Parallel()
	want := sampleShard()
	got, err := ReadShard(strings.NewReader(write(t, want)), "v1")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestReadShardRefuses changes one thing in a file that would be read, and demands that it is refused.
func TestReadShardRefuses(t *testing.T) {
	t.Parallel()
	good := write(t, sampleShard())
	for _, test := range []struct{ old, new, want string }{
		{"sluice shard 1\n", "", "is no shard"},
		{`"v1"`, `"v2"`, "another version"},
		{`"i":1`, `"i":3`, "shard 3 of 2"},
		{`"n":2`, `"n":100000`, "shard 1 of 100000"},
		{`"plan":"aa`, `"plan":"xx`, "what run"},
		{`"total":2`, `"total":0`, "part of a report"},
		{`"verdict":""`, `"verdict":"pass"`, "part of a report"},
		{`"targets":["apps/a"]`, `"targets":["apps/b"]`, `target "apps/a"`},
		{`"targets":["apps/a"]`, `"targets":["apps/a","apps/b"]`, "lacks targets"},
		{`"status":"rendered"`, `"status":"fine"`, `target "apps/a"`},
		{`"objects":1`, `"objects":-1`, `target "apps/a"`},
		{`"action":"changed"`, `"action":"nothing"`, "change of"},
		{`"target":"apps/a"`, `"target":"apps/b"`, "change of"},
		{`"severity":"error"`, `"severity":"fatal"`, "unknown severity"},
		{`"state":"new"`, `"state":"fine"`, "finding of"},
		{`"rule":"policy/privileged"`, `"rule":"x"`, "finding of"},
		{`"salt"`, `"pepper"`, "unknown field"},
		{`"m"`, "\"\xff\"", "UTF-8"},
		{"}\n", "}{}", "damaged"},
		{"}\n", "", "damaged"},
	} {
		bad := strings.Replace(good, test.old, test.new, 1)
		if bad == good {
			t.Errorf("%q is not in the file", test.old)
			continue
		}
		if _, err := ReadShard(strings.NewReader(bad), "v1"); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q → %q: got %v, want %q", test.old, test.new, err, test.want)
		}
	}
	if _, err := ReadShard(endless{}, "v1"); err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Errorf("an endless file: %v", err)
	}
}

// endless is a file without an end.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func TestJoinShardsNeverGreenWithoutAll(t *testing.T) {
	t.Parallel()
	r, err := JoinShards([]*Shard{sampleShard()}, Gate{FailOn: "never"})
	if err != nil {
		t.Fatal(err)
	}
	if r.Verdict != Incomplete || len(r.Unchecked) != 1 {
		t.Errorf("one of two shards: verdict %s, unchecked %q", r.Verdict, r.Unchecked)
	}
}

// The notes of a joined report are those of one run, whichever shard had them.
func TestJoinShardsOrdersNotes(t *testing.T) {
	t.Parallel()
	var whole Report
	whole.Tell("of all", "of part 1", "of part 2", "about both")
	first, second := sampleShard(), sampleShard()
	first.Report.Tell("of all", "of part 2")
	second.I, second.Targets = 2, []string{"apps/b"}
	second.Report.Targets, second.Report.Changes, second.Report.Findings = nil, nil, nil
	second.Report.Tell("of part 1", "about both", "of all")
	r, err := JoinShards([]*Shard{second, first}, Gate{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(whole.Notes, r.Notes); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func FuzzReadShard(f *testing.F) {
	var b bytes.Buffer
	if err := WriteShard(&b, sampleShard()); err != nil {
		f.Fatal(err)
	}
	f.Add(b.String())
	f.Add(shardMagic + `{"program":"v1","report":null}`)
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ReadShard(strings.NewReader(text), "v1")
		if err != nil {
			return
		}
		r, err := JoinShards([]*Shard{s}, Gate{})
		if err == nil && s.N > 1 && r.Verdict != Incomplete {
			t.Errorf("a part alone is %s", r.Verdict)
		}
	})
}
