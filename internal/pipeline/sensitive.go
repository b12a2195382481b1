package pipeline

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/sluice-dev/sluice/internal/diff"
	"github.com/sluice-dev/sluice/internal/finding"
	"github.com/sluice-dev/sluice/internal/manifest"
)

// Schemas, CEL rules, policies and API servers quote what they refuse. Of Secrets they never see a value; what stands at a field that
// the configuration calls sensitive they see, as they have to judge it, and so it is hidden in what they say.

// sensitiveText is a text by which a message could tell a sensitive value.
type sensitiveText struct {
	object string // that has it
	text   string
}

// minSensitive is how long a value must be, in bytes, to be hidden in messages about other objects than its own: "1" stands
// in too many.
const minSensitive = 4

// sensitiveTexts gives the texts that findings about these objects must not tell, the longest first.
func sensitiveTexts(opts diff.Options, sides ...[]*manifest.Object) []sensitiveText {
	if len(opts.Sensitive) == 0 {
		return nil
	}
	var texts []sensitiveText
	for _, objects := range sides {
		for _, o := range objects {
			for _, value := range diff.SensitiveTexts(o, opts) {
				for _, text := range spellings(value) {
					texts = append(texts, sensitiveText{o.ID.String(), text})
				}
			}
		}
	}
	slices.SortFunc(texts, func(a, b sensitiveText) int {
		return cmp.Or(len(b.text)-len(a.text), cmp.Compare(a.text, b.text), cmp.Compare(a.object, b.object))
	})
	return slices.Compact(texts)
}

// spellings gives the ways in which messages write a value: as it is, its lines, and each of these in quotes or cut off.
func spellings(value string) []string {
	var out []string
	for _, text := range append(strings.Split(value, "\n"), value) {
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		for _, length := range []int{utf8.RuneCountInString(text), 64, 32} {
			if runes := []rune(text); length <= len(runes) {
				quoted := strconv.Quote(string(runes[:length]))
				out = append(out, string(runes[:length]), quoted[1:len(quoted)-1])
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// hideTexts hides sensitive texts in the messages of findings.
func hideTexts(findings finding.List, texts []sensitiveText) finding.List {
	if len(texts) == 0 {
		return findings
	}
	out := slices.Clone(findings)
	for i := range out {
		for _, t := range texts {
			if len(t.text) >= minSensitive || out[i].Object == t.object {
				out[i].Message = replaceWord(out[i].Message, t.text, hiddenValue)
			}
		}
	}
	return out
}

// replaceWord replaces a text where it is no part of a longer word or number.
func replaceWord(message, text, with string) string {
	var b strings.Builder
	for rest, before := message, ' '; ; {
		at := strings.Index(rest, text)
		if at < 0 {
			b.WriteString(rest)
			return b.String()
		}
		if at > 0 {
			before, _ = utf8.DecodeLastRuneInString(rest[:at])
		}
		first, size := utf8.DecodeRuneInString(text)
		last, _ := utf8.DecodeLastRuneInString(text)
		after, _ := utf8.DecodeRuneInString(rest[at+len(text):])
		if inWord(before) && inWord(first) || inWord(last) && inWord(after) {
			b.WriteString(rest[:at+size])
			before, rest = first, rest[at+size:]
			continue
		}
		b.WriteString(rest[:at] + with)
		before, rest = last, rest[at+len(text):]
	}
}

func inWord(r rune) bool { return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r)) }
