package pipeline

import (
	"regexp"
	"slices"
	"testing"
)

// hostForm says what hostNames finds, slowly.
var hostForm = regexp.MustCompile(`[A-Za-z0-9*][A-Za-z0-9-]*(?:\.[A-Za-z0-9-]+)+`)

func FuzzHostNames(f *testing.F) {
	for _, text := range []string{
		"host: shop.example.com\n", "- '*.example.com'", "--a.b", "-.a.b", "a*b.c", "a..b.c", ".a.b.", "x.", "*", "1.2.3-4.é.f.g", "",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if got, want := hostNames([]byte(text)), hostForm.FindAllString(text, -1); !slices.Equal(got, want) {
			t.Errorf("hostNames(%q) = %q, want %q", text, got, want)
		}
	})
}
