package pipeline

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-dev/sluice/internal/config"
	"github.com/sluice-dev/sluice/internal/yamledit"
)

var asked = config.Exception{
	Rule: "policy/host-path", Targets: []config.Glob{"apps/agent/prod"}, Objects: []config.ObjectPattern{"DaemonSet.apps monitoring/agent"},
	Owner: "wim", Reason: "metrics: of the node", Until: "2026-12-31",
}

// askedItem is as a list that was there has it; indented, as a new one.
const askedItem = `- rule: policy/host-path
  targets:
    - apps/agent/prod
  objects:
    - DaemonSet.apps monitoring/agent
  owner: wim
  reason: 'metrics: of the node'
  until: 2026-12-31
`

func TestWithException(t *testing.T) {
	t.Parallel()
	indented := strings.TrimSuffix("  "+strings.ReplaceAll(askedItem, "\n", "\n  "), "  ")
	for name, test := range map[string]struct{ before, after string }{
		"no file":          {"", "exceptions:\n" + indented},
		"comments only":    {"# ours\n", "# ours\nexceptions:\n" + indented},
		"no line break":    {"# ours", "# ours\nexceptions:\n" + strings.TrimSuffix(indented, "\n")},
		"no exceptions":    {"# ours\norder: [dev, prod] # in this order\n", "# ours\norder: [dev, prod] # in this order\nexceptions:\n" + askedItem},
		"an empty list":    {"exceptions: []\n", "exceptions: [{rule: policy/host-path, targets: [apps/agent/prod], objects: [DaemonSet.apps monitoring/agent], owner: wim, reason: \"metrics: of the node\", until: 2026-12-31}]\n"},
		"a key alone":      {"exceptions:\norder: [prod]\n", "exceptions:\n" + askedItem + "order: [prod]\n"},
		"others":           {"exceptions:\n# first\n- {rule: a/b, owner: o, reason: r, until: 2027-01-01} # told\n\norder: [prod]\n", "exceptions:\n# first\n- {rule: a/b, owner: o, reason: r, until: 2027-01-01} # told\n" + askedItem + "\norder: [prod]\n"},
		"others, indented": {"exceptions:\n  - rule: a/b\n    owner: o\n    reason: r\n    until: 2027-01-01\n", "exceptions:\n  - rule: a/b\n    owner: o\n    reason: r\n    until: 2027-01-01\n" + indented},
		"the same, ended":  {"exceptions:\n  - rule: policy/host-path # ours\n    targets: [apps/agent/prod]\n    objects: [DaemonSet.apps monitoring/agent]\n    until: 2025-01-01\n    owner: rita\n    reason: old\n", "exceptions:\n  - rule: policy/host-path # ours\n    targets: [apps/agent/prod]\n    objects: [DaemonSet.apps monitoring/agent]\n    until: 2026-12-31\n    owner: wim\n    reason: \"metrics: of the node\"\n"},
		"line breaks":      {"order: [prod]\r\n", "order: [prod]\r\nexceptions:\r\n" + strings.ReplaceAll(askedItem, "\n", "\r\n")},
	} {
		got, err := WithException([]byte(test.before), asked)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(test.after, string(got)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		again, err := WithException(got, asked)
		if err != nil || !bytes.Equal(again, got) {
			t.Errorf("%s: written again: %v\n%s", name, err, cmp.Diff(string(got), string(again)))
		}
	}
}

// TestWithoutAReason leaves the reason to a person: until it is written, the file has a mistake at that line, and no other.
func TestWithoutAReason(t *testing.T) {
	t.Parallel()
	e := asked
	e.Reason = ""
	got, err := WithException([]byte("order: [prod]\n"), e)
	if err != nil {
		t.Fatal(err)
	}
	_, problems := config.Parse(config.FileName, got)
	if len(problems) != 1 || problems[0].Line != 9 || !strings.Contains(string(got), "  reason: \"\"\n") {
		t.Errorf("%v\n%s", problems, got)
	}
}

func TestWithExceptionRefuses(t *testing.T) {
	t.Parallel()
	for before, says := range map[string]string{
		"ordr: [prod]\n":      "has mistakes",
		"a: [\n":              "has mistakes",
		"exceptions: &a []\n": "has mistakes", // anchors are none of a configuration
		"--- # nothing\n":     "holds nothing",
	} {
		_, err := WithException([]byte(before), asked)
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, want %q", before, err, says)
		}
	}
	wrong := asked
	wrong.Environments = []config.EnvironmentName{"nowhere"}
	if _, err := WithException([]byte("order: [prod]\n"), wrong); err == nil || !strings.Contains(err.Error(), `unknown environment "nowhere"`) {
		t.Errorf("%v", err)
	}
}

// FuzzWithException writes hostile words into any file: what comes out says what the file said, and the exception.
func FuzzWithException(f *testing.F) {
	for _, file := range []string{"", "# a\n", "order: [prod]\n", "exceptions: []\n", "exceptions:\n- {rule: a/b, owner: o, reason: r, until: 2027-01-01}\n", "{}", "exceptions:\r\n", "---\n", "exceptions: *a\n"} {
		f.Add([]byte(file), "Pod x", "because: \"it\" is # so\n- rule: policy/*")
	}
	f.Fuzz(func(t *testing.T, file []byte, object, reason string) {
		e := asked
		e.Objects, e.Reason = []config.ObjectPattern{config.ObjectPattern(object)}, config.Text(reason)
		before, _ := config.Parse(config.FileName, file)
		out, err := WithException(file, e)
		if err != nil {
			if out != nil {
				t.Errorf("an error, and a result: %v", err)
			}
			if unsafe := (*yamledit.UnsafeError)(nil); errors.As(err, &unsafe) && unsafe.Why == "" {
				t.Error("refused, and not said why")
			}
			return
		}
		after, _ := config.Parse(config.FileName, out)
		at := SameException(after, e)
		if at < 0 || !reflect.DeepEqual(after.Exceptions[at], e) {
			t.Fatalf("%q lacks the exception", out)
		}
		if len(after.Exceptions) > len(before.Exceptions)+1 {
			t.Errorf("%q has more than one exception more than %q", out, file)
		}
		after.Exceptions, before.Exceptions = nil, nil
		if diff := cmp.Diff(before, after, cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".positions" }, cmp.Ignore()), cmp.AllowUnexported(config.Config{})); diff != "" {
			t.Errorf("something else changed: %s", diff)
		}
	})
}
