package lint_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-dev/sluice/internal/lint"
)

var update = flag.Bool("update", false, "write docs/lint.md anew")

// TestDocs holds docs/lint.md to the rules.
func TestDocs(t *testing.T) {
	t.Parallel()
	file := filepath.Join("..", "..", "docs", "lint.md")
	got := document(lint.Rules())
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("docs/lint.md is out of date; run this test with -update (-file +rules)\n%s", d)
	}
}

func document(rules []lint.Rule) string {
	var b strings.Builder
	b.WriteString("# Risks of a change\n\n<!-- Made from the rules: go test ./internal/lint -run Docs -update -->\n\n")
	b.WriteString("These rules look at what a change does to objects that exist, rather than at the objects alone. What they find is always new, and stands first in\n" +
		"the comment. The key `severities` of `.sluice.yaml` gives a rule another severity, or switches it off:\n\n" +
		"```yaml\nseverities:\n  lint/volume-removed: error\n  lint/image-downgrade: \"off\"\n```\n\n| rule | severity | |\n|---|---|---|\n")
	for _, r := range rules {
		fmt.Fprintf(&b, "| [`%s`](#%s) | %s | %s |\n", r.ID, strings.ReplaceAll(r.ID, "/", ""), r.Severity, r.Title)
	}
	for _, r := range rules {
		fmt.Fprintf(&b, "\n## %s\n\n**%s.** %s\n\n", r.ID, r.Title, r.Description)
		for _, source := range r.Sources {
			address, note, _ := strings.Cut(source, " ")
			fmt.Fprintf(&b, "- Source: <%s> %s\n", address, note)
		}
	}
	return strings.ReplaceAll(b.String(), "> \n", ">\n")
}
