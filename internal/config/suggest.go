package config

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/agnivade/levenshtein"
)

// didYouMean ends a sentence about a word: with `, did you mean "staging"?` when one of the words is close to what
// was written, else with a full stop.
func didYouMean(written string, words []string) string {
	if len(written) > 100 {
		return "."
	}
	best, distance := "", max(1, len(written)/3)+1
	for _, word := range words {
		if len(written) > 1 && strings.HasPrefix(word, written) || strings.HasPrefix(written, word+"-") {
			best = word // warn, app-name
			break
		}
		if n := levenshtein.ComputeDistance(strings.ToLower(written), strings.ToLower(word)); n < distance {
			best, distance = word, n
		}
	}
	if best == "" {
		return "."
	}
	return fmt.Sprintf(", did you mean %q?", best)
}

// quoted shows what was written, shortened where it is long.
func quoted(text string) string {
	if runes := []rune(text); len(runes) > 60 {
		text = string(runes[:60]) + "…"
	}
	return strconv.Quote(text)
}

// alternatives gives "a, b or c".
func alternatives(words []string) string {
	if len(words) == 1 {
		return words[0]
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}
