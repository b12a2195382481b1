package report

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/sluice-dev/sluice/internal/diff"
)

// setGroups gives every change the id of what it does: changes that are equal but for the names of their object,
// namespace, application and environment, and for the hashes of what generators made anew, have the same.
func (r *Report) setGroups() {
	targets := make(map[string]Target, len(r.Targets))
	for _, t := range r.Targets {
		targets[t.ID] = t
	}
	generated := r.generated()
	normal := make(map[string]string) // the same text in 600 targets is read once for each set of names
	for i := range r.Changes {
		c := &r.Changes[i]
		names := namesOf(*c, targets[c.Target], generated[c.Target])
		key := fmt.Sprintf("%q", names) + c.Diff
		text, ok := normal[key]
		if !ok {
			text = names.normalise(changedLines(c.Diff))
			normal[key] = text
		}
		sum := sha256.Sum256([]byte(strings.Join([]string{c.Group, c.Kind, string(c.Action), text}, "\x00")))
		c.GroupID = fmt.Sprintf("%x", sum[:6])
	}
}

// generated gives, by target, the changes of what generators made anew.
func (r *Report) generated() map[string][]Change {
	out := make(map[string][]Change)
	for _, c := range r.Changes {
		if isGenerated(c) {
			out[c.Target] = append(out[c.Target], c)
		}
	}
	return out
}

// names are the words by which the same change differs from target to target, longest first.
type names []name

type name struct{ word, mark string }

// namesOf collects the words that depend on where a change is. generated are the changes of the target's generated objects, which others name.
func namesOf(c Change, t Target, generated []Change) names {
	var n names
	put := func(word, mark string) {
		if len(word) >= 2 && !slices.ContainsFunc(n, func(other name) bool { return other.word == word }) {
			n = append(n, name{word, mark})
		}
	}
	base, _ := diff.BaseName(c.Name)
	put(c.Name, "‹name›")
	put(base, "‹name›")
	put(c.Namespace, "‹namespace›")
	put(t.App, "‹app›")
	put(t.Environment, "‹environment›")
	longest := func(a, b name) int { return len(b.word) - len(a.word) }
	slices.SortStableFunc(n, longest)
	plain := slices.Clone(n)
	for _, g := range generated {
		base, _ := diff.BaseName(g.Name)
		mark := plain.normalise(base) + "-‹hash›"
		put(g.Name, mark)
		put(g.Was, mark)
	}
	slices.SortStableFunc(n, longest)
	return n
}

// normalise replaces the names in a text, where they stand as words of their own or between dashes and the like.
func (n names) normalise(text string) string {
	inWord := func(i int) bool {
		if i < 0 || i >= len(text) {
			return false
		}
		c := text[i]
		return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_' || c >= utf8.RuneSelf
	}
	var b strings.Builder
	done := 0
	for i := 0; i < len(text); {
		match := slices.IndexFunc(n, func(name name) bool {
			return strings.HasPrefix(text[i:], name.word) && !inWord(i+len(name.word))
		})
		if match >= 0 {
			b.WriteString(text[done:i])
			b.WriteString(n[match].mark)
			i += len(n[match].word)
			done = i
			continue
		}
		for i++; i < len(text) && inWord(i-1); i++ { // on to where the next word may begin
		}
	}
	if done == 0 {
		return text
	}
	return b.String() + text[done:]
}

// changedLines is a diff without its context: what stands around a change may differ between environments.
func changedLines(text string) string {
	var b strings.Builder
	for l := range strings.Lines(text) {
		if l[0] != ' ' {
			b.WriteString(l)
		}
	}
	return b.String()
}
