package policy_test

import (
	"context"
	"strings"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"

	"github.com/sluice-dev/sluice/internal/manifest"
	"github.com/sluice-dev/sluice/internal/policy"
)

// panicking is data that the evaluation breaks on. Rego has no way to panic on purpose; a defect in its engine might.
type panicking struct{ storage.Store }

func (p panicking) Read(ctx context.Context, txn storage.Transaction, path storage.Path) (any, error) {
	if len(path) > 0 && path[0] == "teams" {
		panic("a defect")
	}
	return p.Store.Read(ctx, txn, path)
}

// TestPanic holds a policy whose evaluation panics to a finding and an incomplete run; other rules still count.
func TestPanic(t *testing.T) {
	t.Parallel()
	compiler, err := ast.CompileModules(map[string]string{"/repository/policies/a.rego": `package main
deny_breaks contains "never" if data.teams.web
deny_works contains "found"
`})
	if err != nil {
		t.Fatal(err)
	}
	set := policy.NewSet(policy.Compiled{Compiler: compiler, Root: "/repository", Store: panicking{inmem.New()}})
	engine, problems, err := policy.New(t.Context(), policy.Options{Bundles: []string{}}, set)
	if err != nil || len(problems) > 0 {
		t.Fatal(problems, err)
	}
	objects, _ := manifest.Parse("a.yaml", []byte("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"))
	result, err := engine.Check(t.Context(), objects)
	if err != nil {
		t.Fatal(err)
	}
	got := result.Findings.String()
	for _, want := range []string{
		"policies/a.rego:2:1", "policy/main/deny_breaks could not be evaluated for ConfigMap a: the evaluation panicked: a defect", "found [policy/main/deny_works]",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if !result.Incomplete {
		t.Error("the run counts as complete")
	}
}
