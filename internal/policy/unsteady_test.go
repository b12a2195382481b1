package policy_test

import (
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/sluice-dev/sluice/internal/policy"
)

// Verdicts by rules that ask for the time or for chance must not be remembered: these are told apart, wherever the call stands.
func TestUnsteady(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		rego string
		want bool
	}{
		"steady":             {"deny contains msg if { msg := sprintf(\"%s\", [input.kind]); startswith(msg, \"C\") }", false},
		"a given time":       {"deny contains msg if { time.parse_rfc3339_ns(\"2026-01-02T03:04:05Z\") > 0; msg := \"m\" }", false},
		"the time":           {"deny contains msg if { time.now_ns() > 0; msg := \"m\" }", true},
		"in a function":      {"late := time.now_ns() > 0\n\nold(x) if late\n\ndeny contains msg if { old(input); msg := \"m\" }", true},
		"chance":             {"deny contains msg if { rand.intn(\"a\", 3) > 0; msg := \"m\" }", true},
		"an identifier":      {"deny contains msg if { msg := uuid.rfc4122(\"a\") }", true},
		"only named in text": {"deny contains \"time.now_ns()\"", false},
	} {
		compiler, err := ast.CompileModules(map[string]string{"/repository/a.rego": "package main\n\n" + test.rego + "\n"})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		engine, _, err := policy.New(t.Context(), policy.Options{}, builtinSet(t), policy.NewSet(policy.Compiled{Compiler: compiler, Root: "/repository"}))
		if err != nil {
			t.Fatal(err)
		}
		if got := engine.Unsteady(); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	if builtin(t, policy.Options{}).Unsteady() {
		t.Error("the built-in policies are not")
	}
}

func builtinSet(t *testing.T) *policy.Set {
	t.Helper()
	set, err := policy.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	return set
}
