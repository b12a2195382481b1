package report

import (
	"crypto/sha256"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice/internal/diff"
)

// setGroups gives every change the id of what it does: changes that are equal but for the names of their object,
// namespace, application and environment have the same.
func (r *Report) setGroups() {
	targets := make(map[string]Target, len(r.Targets))
	for _, t := range r.Targets {
		targets[t.ID] = t
	}
	hunks := make(map[string]string) // the same text in 600 targets is read once for each set of names
	for i := range r.Changes {
		c := &r.Changes[i]
		names := namesOf(*c, targets[c.Target])
		key := strings.Join(names.words, "\x00") + "\x00\x00" + c.Diff
		text, ok := hunks[key]
		if !ok {
			text = names.normalise(changedLines(c.Diff))
			hunks[key] = text
		}
		sum := sha256.Sum256([]byte(strings.Join([]string{c.Group, c.Kind, string(c.Action), text}, "\x00")))
		c.GroupID = fmt.Sprintf("%x", sum[:6])
	}
}

// names are the words by which the same change differs from target to target.
type names struct {
	words []string // sorted by length, longest first
	find  *regexp.Regexp
	mark  map[string]string
}

// namesOf collects the words that depend on where a change is: longer ones are replaced first.
func namesOf(c Change, t Target) names {
	n := names{mark: make(map[string]string)}
	put := func(word, mark string) {
		if _, taken := n.mark[word]; len(word) >= 2 && !taken {
			n.mark[word] = mark
			n.words = append(n.words, word)
		}
	}
	base, _ := diff.BaseName(c.Name)
	put(c.Name, "‹name›")
	put(base, "‹name›")
	put(c.Namespace, "‹namespace›")
	put(t.App, "‹app›")
	put(t.Environment, "‹environment›")
	slices.SortFunc(n.words, func(a, b string) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a, b)
	})
	return n
}

// normalise replaces the names in a text, where they stand as words of their own or between dashes.
func (n *names) normalise(text string) string {
	if len(n.words) == 0 {
		return text
	}
	if n.find == nil {
		quoted := make([]string, len(n.words))
		for i, word := range n.words {
			quoted[i] = regexp.QuoteMeta(word)
		}
		n.find = regexp.MustCompile(`\b(?:` + strings.Join(quoted, "|") + `)\b`)
	}
	return n.find.ReplaceAllStringFunc(text, func(word string) string { return n.mark[word] })
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
