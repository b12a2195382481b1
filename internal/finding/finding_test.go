package finding

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestString(t *testing.T) {
	t.Parallel()
	tests := []struct {
		pos  Pos
		want string
	}{
		{Pos{}, "broken [x/y]"},
		{Pos{File: "a.yaml"}, "a.yaml: broken [x/y]"},
		{Pos{File: "a.yaml", Line: 7}, "a.yaml:7: broken [x/y]"},
		{Pos{File: "a.yaml", Line: 7, Column: 11}, "a.yaml:7:11: broken [x/y]"},
	}
	for _, test := range tests {
		if got := (Finding{Rule: "x/y", Message: "broken", Pos: test.pos}).String(); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	f := Finding{Rule: "x/y", Severity: Warning, Message: "m", Pos: Pos{"a.yaml", 1, 2}, Object: "Pod x", Path: "spec"}.In("apps/shop", New)
	data, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"rule":"x/y","severity":"warning","message":"m","file":"a.yaml","line":1,"column":2,"object":"Pod x","path":"spec","targets":[{"id":"apps/shop","state":"new"}]}`
	if string(data) != want {
		t.Errorf("got  %s\nwant %s", data, want)
	}
	var back Finding
	if err := json.Unmarshal(data, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(f, back); diff != "" {
		t.Error(diff)
	}
	var s Severity
	if err := s.UnmarshalText([]byte("fatal")); err == nil || !strings.Contains(err.Error(), "use error, warning or notice") {
		t.Errorf("UnmarshalText(fatal) = %v", err)
	}
}

func TestPair(t *testing.T) {
	t.Parallel()
	privileged := func(container string, line int) Finding {
		return Finding{Rule: "policy/privileged", Object: "Pod x", Path: "spec.containers[name=" + container + "]", Message: "privileged", Pos: Pos{File: "p.yaml", Line: line}}
	}
	waived := func(container string) Finding {
		f := privileged(container, 1)
		f.Waiver = &Waiver{Kind: ByComment, Reason: "known"}
		return f
	}
	config := Finding{Rule: "config/type", Message: "m", Pos: Pos{File: "c.yaml", Line: 3}}
	moved := config
	moved.Line = 9
	tests := []struct {
		name       string
		base, head List
		want       string
	}{
		{"nothing", nil, nil, ""},
		{"new", nil, List{privileged("a", 1)}, "a:new"},
		{"existing though the line moved", List{privileged("a", 1)}, List{privileged("a", 8)}, "a:existing"},
		{"a second container is new", List{privileged("a", 1)}, List{privileged("a", 1), privileged("b", 2)}, "a:existing b:new"},
		{"counts: the same twice on head, once on base", List{privileged("a", 1)}, List{privileged("a", 1), privileged("a", 2)}, "a:existing a:new"},
		{"fixed", List{privileged("a", 1), privileged("b", 1)}, List{privileged("b", 1)}, "b:existing a:fixed"},
		{"waived on both sides", List{waived("a")}, List{waived("a")}, "a:existing"},
		{"waived from now on: nothing is fixed", List{privileged("a", 1)}, List{waived("a")}, "a:existing"},
		{"no longer waived", List{waived("a")}, List{privileged("a", 1)}, "a:new"},
		{"waived and gone", List{waived("a")}, nil, ""},
		{"one of two is waived", List{privileged("a", 1), waived("a")}, List{waived("a"), privileged("a", 1)}, "a:existing a:existing"},
		{"without an object, file and message pair", List{config}, List{moved}, ":existing"},
	}
	for _, test := range tests {
		var got []string
		for _, f := range Pair("t", test.base, test.head) {
			got = append(got, strings.TrimSuffix(strings.TrimPrefix(f.Path, "spec.containers[name="), "]")+":"+string(f.Targets[0].State))
		}
		if diff := cmp.Diff(test.want, strings.Join(got, " ")); diff != "" {
			t.Errorf("%s: %s", test.name, diff)
		}
	}
}

func TestJoinAcrossNamespaces(t *testing.T) {
	t.Parallel()
	in := func(object, target string) Finding { return Finding{Rule: "a/b", Object: object}.In(target, New) }
	got := Join(List{in("Pod dev/web", "dev"), in("Pod prod/web", "prod"), in("Pod dev/api", "dev")})
	want := List{
		{Rule: "a/b", Object: "Pod dev/api", Targets: []TargetState{{"dev", New}}},
		{Rule: "a/b", Object: "Pod web", Targets: []TargetState{{"dev", New}, {"prod", New}}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestJoinMakesOneOfTheSameInSeveralTargets(t *testing.T) {
	t.Parallel()
	warn := Finding{Rule: "a/b", Severity: Warning, Message: "m", Pos: Pos{File: "base.yaml", Line: 3}}
	worse := Finding{Rule: "a/c", Severity: Error, Message: "m"}
	got := Join(List{warn.In("prod", New), worse.In("prod", New)}, List{warn.In("dev", Existing), warn.In("prod", New)})
	want := List{
		{Rule: "a/c", Severity: Error, Message: "m", Targets: []TargetState{{"prod", New}}},
		{Rule: "a/b", Severity: Warning, Message: "m", Pos: Pos{File: "base.yaml", Line: 3}, Targets: []TargetState{{"dev", Existing}, {"prod", New}}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if worst, ok := got.Worst(); worst != Error || !ok {
		t.Errorf("Worst = %v, %v", worst, ok)
	}
	if fmt.Sprint(got) != "m [a/c]\nbase.yaml:3: m [a/b]" {
		t.Errorf("String = %s", got)
	}
	if !got[1].Has(New) || !got[1].Has(Existing) || got[1].Has(Fixed) || !worse.Has(New) {
		t.Error("Has is wrong")
	}
}
