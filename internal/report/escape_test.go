package report

import (
	"strings"
	"testing"
)

// TestCellsKeepARowWhole has text with pipes in it stay in its column.
func TestCellsKeepARowWhole(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`a|b`:         `a\|b`,
		`a\|b`:        `a\\\|b`,
		`a || b`:      `a \|\| b`,
		`it is "a|b"`: "it is `a\\|b`",
		`"a\\|b"`:     "`a\\\\\\|b`",
	} {
		if got := cellText(text); got != want {
			t.Errorf("cellText(%q) = %s, want %s", text, got, want)
		}
	}
	for name, want := range map[string]string{
		`a|b`:   "`a\\|b`",
		`a\|b`:  "`a\\|b`",
		`a\\|b`: "`a\\\\\\|b`",
	} {
		if got := cell(name); got != want {
			t.Errorf("cell(%q) = %s, want %s", name, got, want)
		}
		if n := strings.Count(strings.NewReplacer(`\\`, "", `\|`, "").Replace(cell(name)), "|"); n != 0 {
			t.Errorf("cell(%q) ends its column", name)
		}
	}
}
