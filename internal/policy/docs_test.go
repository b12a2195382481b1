package policy_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-dev/sluice/internal/policy"
)

var update = flag.Bool("update", false, "write docs/policies.md anew")

// TestDocs holds docs/policies.md to the METADATA of the rules.
func TestDocs(t *testing.T) {
	t.Parallel()
	file := filepath.Join("..", "..", "docs", "policies.md")
	engine := builtin(t, policy.Options{Bundles: []string{"default", "baseline", "restricted"}})
	got := document(engine.Rules())
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("docs/policies.md is out of date; run this test with -update (-file +rules)\n%s", diff)
	}
}

func document(rules []policy.Rule) string {
	var b strings.Builder
	b.WriteString("# Built-in policies\n\n<!-- Made from the METADATA of policies/*.rego: go test ./internal/policy -run Docs -update -->\n\n")
	b.WriteString("The bundle `default` runs without configuration. The bundles `baseline` and `restricted` are the levels of Kubernetes'\n" +
		"[Pod Security Standards](https://kubernetes.io/docs/concepts/security/pod-security-standards/). A rule in several chosen bundles has the\n" +
		"highest of their severities.\n\n| rule | default | baseline | restricted |\n|---|---|---|---|\n")
	for _, r := range rules {
		fmt.Fprintf(&b, "| [`%s`](#%s)", r.ID, strings.ReplaceAll(r.ID, "/", ""))
		for _, bundle := range []string{"default", "baseline", "restricted"} {
			severity := ""
			if s, ok := r.Bundles[bundle]; ok {
				severity = s.String()
			}
			fmt.Fprintf(&b, " | %s", severity)
		}
		b.WriteString(" |\n")
	}
	for _, r := range rules {
		fmt.Fprintf(&b, "\n## %s\n\n**%s.** %s\n\n", r.ID, r.Title, r.Description)
		for _, s := range r.Sources {
			fmt.Fprintf(&b, "Source: [%s](%s)\n", s.Title, s.URL)
		}
	}
	return b.String()
}
