package report

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/sluice-dev/sluice/internal/manifest"
)

// changes shows the diffs, each in a fold of its own; those that reach the last environment are open. tail is what
// follows them and needs room too.
func (c *comment) changes(t tier, tail string) {
	if len(c.sections) == 0 {
		return
	}
	c.printf("#### Changes\n\n")
	shown := c.sections
	if t.sections > 0 && len(shown) > t.sections {
		shown = shown[:t.sections]
	}
	texts := make([]string, len(shown))
	for i, s := range shown {
		texts[i] = c.line(s)
	}
	left := newRoom(t, c.String(), tail)
	if t.fill { // first every change by a line, as far as half the room goes, then diffs in place of lines
		half := left
		half.Runes, half.Bytes = half.Runes/2, half.Bytes/2
		for i, text := range texts {
			if !half.take(text, "") {
				shown, texts = shown[:i], texts[:i]
				break
			}
			left.take(text, "")
		}
	}
	withoutDiff := 0
	for i, s := range shown {
		if !s.hasDiff() {
			continue
		}
		if t.diffs {
			if text := c.fold(s, t); !t.fill || left.take(text, texts[i]) {
				texts[i] = text
				continue
			}
		}
		withoutDiff++
	}
	for _, text := range texts {
		c.WriteString(text)
	}
	if leftOut := len(c.sections) - len(shown); withoutDiff+leftOut > 0 {
		var said []string
		if withoutDiff > 0 {
			said = append(said, plural(withoutDiff, "change")+" without diff")
		}
		if leftOut > 0 {
			said = append(said, plural(leftOut, "more change")+" left out")
		}
		c.printf("\n**To keep this comment short: %s.** %s\n", strings.Join(said, ", "), c.elsewhere())
	}
	c.printf("\n")
}

// room is what is left of a limit.
type room Limit

// newRoom is what the texts leave, and some for the words that say what was left out.
func newRoom(t tier, texts ...string) room {
	const reserve = 2_000
	r := room{Runes: t.room.Runes - reserve, Bytes: t.room.Bytes - reserve}
	for _, text := range texts {
		r.Runes -= utf8.RuneCountInString(text)
		r.Bytes -= len(text)
	}
	return r
}

// take puts text in the place of another, if there is room.
func (r *room) take(text, replaced string) bool {
	runes := utf8.RuneCountInString(text) - utf8.RuneCountInString(replaced)
	size := len(text) - len(replaced)
	if r.Runes < runes || r.Bytes < size {
		return false
	}
	r.Runes -= runes
	r.Bytes -= size
	return true
}

// elsewhere says where everything is.
func (c *comment) elsewhere() string {
	if c.opts.PageURL != "" {
		return "Everything is in the [complete report](" + c.opts.PageURL + ")."
	}
	return "Everything: " + code("sluice diff --base "+shortCommit(c.r.Base))
}

func (s section) hasDiff() bool {
	return slices.ContainsFunc(s.parts, func(p part) bool { return p.diff != "" })
}

// summary is the line that stands for a section; its markup is that of span and strong.
func (c *comment) summary(s section, span func(string) string, strong func(string) string) string {
	var b strings.Builder
	if len(s.risks) > 0 {
		b.WriteString("⚠️ ")
	}
	fmt.Fprintf(&b, "%s %s", s.action, strong(span(s.title())))
	if s.was != "" {
		fmt.Fprintf(&b, ", was %s", span(s.was))
	}
	if s.generated {
		b.WriteString(" (generated)")
	}
	fmt.Fprintf(&b, " in %s", c.r.environmentCounts(s.targets, span))
	if s.added > 0 {
		fmt.Fprintf(&b, " +%s", thousands(s.added))
	}
	if s.removed > 0 {
		fmt.Fprintf(&b, " −%s", thousands(s.removed))
	}
	return b.String()
}

func (c *comment) line(s section) string {
	return "- " + c.summary(s, code, func(text string) string { return "**" + text + "**" }) + "\n"
}

// fold writes a section with its diff.
func (c *comment) fold(s section, t tier) string {
	var b strings.Builder
	open := ""
	if c.reachesLast(s) {
		open = " open"
	}
	strong := func(text string) string { return "<b>" + text + "</b>" }
	fmt.Fprintf(&b, "<details%s><summary>%s</summary>\n\n", open, c.summary(s, htmlCode, strong))
	if len(s.parts) == 1 && len(s.targets) <= t.where && c.sameEnvironment(s.targets) {
		fmt.Fprintf(&b, "%s\n\n", c.named(s.targets))
	}
	if len(s.objects) > shownNames {
		fmt.Fprintf(&b, "%s\n\n", c.names(s.objects))
	}
	for _, p := range s.parts {
		switch {
		case p.against != nil:
			fmt.Fprintf(&b, "In %s, compared with %s:\n\n", c.where(p.targets), c.where(p.against.targets))
		case len(p.targets) < len(s.targets):
			only := "Only in"
			if slices.ContainsFunc(s.parts, func(p part) bool { return p.against != nil }) {
				only = "In"
			}
			fmt.Fprintf(&b, "%s %s:\n\n", only, c.where(p.targets))
		}
		if p.diff != "" {
			text, left := head(p.diff, t.lines)
			b.WriteString(fence("diff", text))
			if left > 0 {
				fmt.Fprintf(&b, "\n… and %s\n", plural(left, "more line"))
			}
			b.WriteByte('\n')
		}
	}
	b.WriteString("</details>\n\n")
	return b.String()
}

// names lists the objects of a section by name.
func (c *comment) names(objects []manifest.ID) string {
	const most = 100
	var parts []string
	for i, o := range objects {
		if i == most {
			parts = append(parts, "and "+thousands(len(objects)-most)+" more")
			break
		}
		parts = append(parts, code(o.Name))
	}
	return strings.Join(parts, ", ")
}

// sameEnvironment reports whether two of the targets are in one environment, so that its name does not tell them apart.
func (c *comment) sameEnvironment(ids []string) bool {
	seen := make(map[string]bool)
	for _, id := range ids {
		environment := c.targets[id].Environment
		if seen[environment] {
			return true
		}
		seen[environment] = true
	}
	return false
}

func (c *comment) reachesLast(s section) bool {
	return c.last != "" && slices.ContainsFunc(s.targets, func(id string) bool { return c.targets[id].Environment == c.last })
}

// head gives the first n lines of text, all for 0, and how many are left.
func head(text string, n int) (string, int) {
	if n == 0 {
		return text, 0
	}
	at := 0
	for range n {
		i := strings.IndexByte(text[at:], '\n')
		if i < 0 {
			return text, 0
		}
		at += i + 1
	}
	return text[:at], strings.Count(text[at:], "\n")
}
