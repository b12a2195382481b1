package promote

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
)

// synonyms are names that people use for one environment; overlays mix them ("env/production" holds "prod-db"). From the
// layouts of 110 public repositories.
var synonyms = [][]string{
	{"dev", "development", "develop"},
	{"test", "testing", "tst"},
	{"qa"},
	{"int", "integration"},
	{"uat"},
	{"stage", "staging", "stg"},
	{"preprod", "pre-prod", "preproduction"},
	{"prod", "production", "prd"},
	{"sandbox", "sbx"},
}

// names knows how the source environment is called where the target is called otherwise.
type names struct {
	from, to []string                  // what each environment may be called; its name first
	shown    map[string]map[string]int // how often a name of the source stands where the target has which one
}

func newNames(from, to string) *names {
	n := &names{from: called(from), to: called(to), shown: map[string]map[string]int{}}
	n.from = slices.DeleteFunc(n.from, func(s string) bool { return slices.Contains(n.to, s) && s != from })
	return n
}

func called(env string) []string {
	if env == "" {
		return nil
	}
	for _, group := range synonyms {
		if slices.Contains(group, env) {
			return append([]string{env}, slices.DeleteFunc(slices.Clone(group), func(s string) bool { return s == env })...)
		}
	}
	return []string{env}
}

// tokens parts a text at each change between letters or digits and anything else.
func tokens(s string) []string {
	var out []string
	start := 0
	for i := 1; i <= len(s); i++ {
		if i == len(s) || word(s[i]) != word(s[i-1]) {
			out = append(out, s[start:i])
			start = i
		}
	}
	return out
}

func word(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c >= 0x80
}

// learn compares two texts that stand in the same place of the two overlays.
func (n *names) learn(ours, theirs string) {
	if !n.mentions(theirs, n.from) && !account.MatchString(theirs) {
		return
	}
	a, b := tokens(theirs), tokens(ours)
	if len(a) != len(b) {
		return
	}
	for i := range a {
		if a[i] != b[i] && (!slices.Contains(n.from, a[i]) || !slices.Contains(n.to, b[i])) && !bothAccounts(a[i], b[i]) {
			return
		}
	}
	for i := range a {
		if slices.Contains(n.from, a[i]) || bothAccounts(a[i], b[i]) {
			if n.shown[a[i]] == nil {
				n.shown[a[i]] = map[string]int{}
			}
			n.shown[a[i]][b[i]]++
		}
	}
}

// mentions reports whether a text holds one of the names as a token.
func (n *names) mentions(s string, names []string) bool {
	if !slices.ContainsFunc(names, func(name string) bool { return strings.Contains(s, name) }) {
		return false
	}
	return slices.ContainsFunc(tokens(s), func(t string) bool { return slices.Contains(names, t) })
}

// account is the number of a cloud account or project: what an environment is called, too.
var account = regexp.MustCompile(`\b[0-9]{10,13}\b`)

func bothAccounts(a, b string) bool {
	return a != b && len(a) == len(b) && len(account.FindString(a)) == len(a) && len(account.FindString(b)) == len(b) && a != ""
}

// settle ends the learning: numbers of accounts that stand for each other throughout are names like the others.
func (n *names) settle() {
	for from := range n.shown {
		if to, ok := n.counterpart(from); ok && bothAccounts(from, to) && n.shown[from][to] > 1 && !slices.Contains(n.from, from) {
			n.from, n.to = append(n.from, from), append(n.to, to)
		}
	}
	slices.Sort(n.from[min(len(n.from), 1):])
}

// translate puts the target's names in place of the source's. unknown is a name of the source for which the overlays show
// no counterpart, or not clearly one; the text is then not translated.
func (n *names) translate(s string) (out, unknown string) {
	if !n.mentions(s, n.from) {
		return s, ""
	}
	parts := tokens(s)
	for i, t := range parts {
		if !slices.Contains(n.from, t) {
			continue
		}
		to, ok := n.counterpart(t)
		switch {
		case ok:
			parts[i] = to
		case t == n.from[0]:
			return s, t
		}
	}
	return strings.Join(parts, ""), ""
}

// counterpart is what the target says for a name of the source: in three of four places at least.
func (n *names) counterpart(from string) (string, bool) {
	best, most, all := "", 0, 0
	for to, times := range n.shown[from] {
		all += times
		if times > most || (times == most && cmp.Less(to, best)) {
			best, most = to, times
		}
	}
	return best, most > 0 && most*4 >= all*3
}

// placeholder stands for the name of either environment when values are compared.
const placeholder = "\x00env"

// shownPlaceholder is how people see it, in the paths of list items.
const shownPlaceholder = "{env}"

// neutral is a text with the names of one environment made alike.
func (n *names) neutral(s string, names []string) string {
	if !n.mentions(s, names) {
		return s
	}
	parts := tokens(s)
	for i, t := range parts {
		if slices.Contains(names, t) {
			parts[i] = placeholder
		}
	}
	return strings.Join(parts, "")
}

// replace puts the target's names in place of those of the source that have a counterpart, anywhere in a text.
func (n *names) replace(s string) string {
	if !n.mentions(s, n.from) {
		return s
	}
	parts := tokens(s)
	for i, t := range parts {
		if to, ok := n.counterpart(t); ok && slices.Contains(n.from, t) {
			parts[i] = to
		}
	}
	return strings.Join(parts, "")
}
