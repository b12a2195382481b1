package github_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice/internal/github"
)

func TestHarmless(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                                   "",
		"apps::shop: 1 of 2":                 "apps::shop: 1 of 2",
		"::error::x":                         ": :error::x",
		"a\n  ::add-mask::x\nb":              "a\n  : :add-mask::x\nb",
		"a\r::error::x":                      "a\r: :error::x",
		"\u00a0\u0085\u2003::error::x":       "\u00a0\u0085\u2003: :error::x",
		"\n\n::error::x\n::warning::y":       "\n\n: :error::x\n: :warning::y",
		"read ##[set-output name=verdict]ok": "read ## [set-output name=verdict]ok",
		"####[error]":                        "#### [error]",
		"::##[error]x":                       ": :## [error]x",
		"\xff::error::x\n\xfe":               "\xff::error::x\n\xfe",
	} {
		if got := github.Harmless(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	var log strings.Builder
	if n, err := github.HarmlessLog(&log).Write([]byte("::error::x\n")); n != 11 || err != nil || log.String() != ": :error::x\n" {
		t.Errorf("%d, %v: %q", n, err, log.String())
	}
}

// FuzzHarmless reads what comes out as the runner does.
func FuzzHarmless(f *testing.F) {
	f.Add("::error::x\r\n##[a]")
	f.Add("\n\u2028 ::x::")
	f.Add("##[##[::")
	lines := regexp.MustCompile(`\r\n|\r|\n`)
	f.Fuzz(func(t *testing.T, text string) {
		got := github.Harmless(text)
		for _, line := range lines.Split(got, -1) {
			if strings.HasPrefix(strings.TrimSpace(line), "::") || strings.Contains(line, "##[") {
				t.Errorf("%q: a command is left: %q", text, line)
			}
		}
		if again := github.Harmless(got); again != got {
			t.Errorf("%q: %q, and then %q", text, got, again)
		}
	})
}
