package github_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-dev/sluice/internal/github"
)

func TestParseCommands(t *testing.T) {
	t.Parallel()
	recheck := []github.Command{{Name: "recheck"}}
	for name, tt := range map[string]struct {
		body string
		want []github.Command
	}{
		"one":                    {"/sluice recheck", recheck},
		"with line ends":         {"/sluice recheck\r\n", recheck},
		"after a greeting":       {"Thank you.\n\n/sluice recheck\n\nand so on", recheck},
		"in the midst of lines":  {"Thank you.\n/sluice recheck\nand so on", recheck},
		"indented a little":      {"   /sluice recheck", recheck},
		"in capitals":            {"/sluice ReCheck", recheck},
		"words":                  {"/sluice diff apps/shop/overlays/prod  apps/b", []github.Command{{Name: "diff", Args: []string{"apps/shop/overlays/prod", "apps/b"}}}},
		"code for a word":        {"/sluice diff `apps/shop/overlays/prod`", []github.Command{{Name: "diff", Args: []string{"apps/shop/overlays/prod"}}}},
		"stars in a word":        {"/sluice diff a*b*c __d__", []github.Command{{Name: "diff", Args: []string{"a*b*c", "__d__"}}}},
		"several":                {"/sluice recheck\n/sluice diff a\n\n/sluice promote", []github.Command{{Name: "recheck"}, {Name: "diff", Args: []string{"a"}}, {Name: "promote"}}},
		"none named":             {"/sluice", []github.Command{{}}},
		"not understood":         {"/sluice $(reboot) ; x", []github.Command{{Name: "$(reboot)", Args: []string{";", "x"}}}},
		"another tool's":         {"/sluicegate open", nil},
		"in a sentence":          {"say /sluice recheck", nil},
		"nothing":                {"", nil},
		"in a quote":             {"> /sluice recheck", nil},
		"in a quote, lazily":     {"> somebody wrote\n/sluice recheck", nil},
		"in a fence":             {"```\n/sluice recheck\n```", nil},
		"in a fence of tildes":   {"~~~sh\n/sluice recheck\n~~~", nil},
		"in a fence without end": {"```\n/sluice recheck", nil},
		"after a fence":          {"```\nx\n```\n/sluice recheck", recheck},
		"in indented code":       {"    /sluice recheck", nil},
		"behind a tab":           {"\t/sluice recheck", nil},
		"in code over two lines": {"see `a\n/sluice recheck\nb`", nil},
		"in emphasis":            {"**/sluice recheck**", nil},
		"in emphasis, two lines": {"**a\n/sluice recheck\nb**", nil},
		"in a link":              {"[a\n/sluice recheck](http://x)", nil},
		"in a heading":           {"# /sluice recheck", nil},
		"as a heading":           {"/sluice recheck\n====", nil},
		"in a list":              {"- /sluice recheck", nil},
		"in HTML":                {"<div>\n/sluice recheck\n</div>", nil},
		"in a comment":           {"<!--\n/sluice recheck\n-->", nil},
		"in a comment of a line": {"a <!-- b\n/sluice recheck\n-->", nil},
		"a definition":           {"[x]: /sluice\n", nil},
		"too many":               {strings.Repeat("/sluice recheck\n", 11), append(tenOf(recheck[0])[:9], github.Command{})},
		"too long":               {"/sluice diff " + strings.Repeat("a", 1<<10), []github.Command{{}}},
	} {
		if diff := cmp.Diff(tt.want, github.ParseCommands(tt.body)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func tenOf(c github.Command) []github.Command {
	return []github.Command{c, c, c, c, c, c, c, c, c, c}
}

// Whatever a comment holds, a command is a line of it that begins with the word.
func FuzzParseCommands(f *testing.F) {
	f.Add("/sluice recheck\n> /sluice diff a\n```\n/sluice promote")
	f.Add("[a]: <b\n/sluice\n`x\n/sluice y`")
	f.Fuzz(func(t *testing.T, body string) {
		commands := github.ParseCommands(body)
		lines := 0
		for line := range strings.SplitSeq(body, "\n") {
			if words := strings.Fields(line); len(words) > 0 && words[0] == "/sluice" {
				lines++
			}
		}
		if len(commands) > min(lines, 10) {
			t.Errorf("%d commands on %d lines: %q", len(commands), lines, commands)
		}
	})
}
