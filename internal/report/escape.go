package report

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Visible makes text from the repository safe to print on a terminal: whatever could move its cursor, hide or reorder text
// is written as an escape such as \u202e, newlines and tabs included.
func Visible(text string) string { return visible(text, "") }

// Inert makes a name safe for plain text that GitHub reads, such as the message of a commit or a title: it stays on its line, as [Visible]
// has it, and mentions and refers to nobody.
func Inert(name string) string { return unlink(Visible(name)) }

// visible makes text safe for people to read, on a terminal or a page: control characters (escape sequences, carriage
// returns), invisible and direction-changing characters and broken UTF-8 are written as escapes such as \u202e.
// Newlines and tabs stay where keep says so.
func visible(text string, keep string) string {
	clean := func(r rune) bool { return unicode.IsPrint(r) || strings.ContainsRune(keep, r) }
	if utf8.ValidString(text) && strings.IndexFunc(text, func(r rune) bool { return !clean(r) }) < 0 {
		return text
	}
	var b strings.Builder
	for i, r := range text {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(text[i:], "\uFFFD"):
			fmt.Fprintf(&b, `\x%02x`, text[i])
		case clean(r):
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r < 0x100:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r > 0xFFFF:
			fmt.Fprintf(&b, `\U%08x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// maxName bounds a name in a comment: what is longer than any that Kubernetes allows is not worth a reviewer's time.
const maxName = 300

// shorten cuts text to n runes and says so.
func shorten(text string, n int) string {
	if utf8.RuneCountInString(text) <= n {
		return text
	}
	i := 0
	for at := range text {
		if i == n {
			return text[:at] + "…"
		}
		i++
	}
	return text
}

// code makes a Markdown code span of a name: nothing in it is a mention, a link or markup.
func code(name string) string {
	name = shorten(visible(name, ""), maxName)
	if strings.TrimSpace(name) == "" {
		return "(no name)"
	}
	name = noComment(name)
	ticks := strings.Repeat("`", longestRun(name, '`')+1)
	if len(ticks) > 1 {
		return ticks + " " + name + " " + ticks
	}
	return ticks + name + ticks
}

// quoted is a part of a message in double quotes, as Go's %q writes it: names and values.
var quoted = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)

// cell is code in a table, where a pipe needs a backslash even in code.
func cell(name string) string { return escapePipes(code(name)) }

// cellText is prose in a table. What it quotes becomes a code span, in which prose escapes nothing.
func cellText(text string) string { return escapePipes(prose(text)) }

// pipe is a pipe with the backslashes before it.
var pipe = regexp.MustCompile(`\\*\|`)

// escapePipes puts a backslash before each pipe that has none, or that has one which is itself escaped: GitHub takes backslashes
// in pairs before it splits a row.
func escapePipes(markdown string) string {
	return pipe.ReplaceAllStringFunc(markdown, func(p string) string {
		if len(p)%2 == 0 {
			return p
		}
		return p[:len(p)-1] + `\|`
	})
}

// prose escapes a sentence for Markdown: no markup, link, image, HTML or mention comes out of it. What it quotes becomes
// a code span.
func prose(text string) string {
	text = strings.Join(strings.Fields(visible(text, "\n\t")), " ")
	var b strings.Builder
	at := 0
	for _, m := range quoted.FindAllStringIndex(text, -1) {
		b.WriteString(plain(text[at:m[0]]))
		if inside := text[m[0]+1 : m[1]-1]; strings.TrimSpace(inside) == "" {
			b.WriteString(`"` + inside + `"`)
		} else {
			b.WriteString(code(inside))
		}
		at = m[1]
	}
	b.WriteString(plain(text[at:]))
	return lineStart.ReplaceAllString(b.String(), `$1\$2`)
}

// lineStart has a meaning at the beginning of a line of Markdown: lists, headings.
var lineStart = regexp.MustCompile(`^(\d*)([-+=.)])`)

// linkLike is what GitHub makes links of, without any markup.
var linkLike = regexp.MustCompile(`(?i)://|www\.|[@#]|\bgh-`)

// markup has a meaning in the middle of a line of Markdown.
var markup = regexp.MustCompile("[\\\\`*_\\[\\]!~|$<>&]")

func plain(text string) string {
	text = markup.ReplaceAllStringFunc(text, func(c string) string {
		switch c {
		case "<", ">", "&":
			return htmlEscaper.Replace(c)
		}
		return `\` + c
	})
	return unlink(text)
}

// unlink breaks, by a zero-width space, what is recognised after Markdown has been rendered: mentions, references, addresses.
func unlink(text string) string {
	return linkLike.ReplaceAllStringFunc(text, func(link string) string { return link[:1] + "\u200b" + link[1:] })
}

// fence makes a code block of text, which is in a language such as "diff". Its fence is longer than any run of
// backticks in it.
func fence(language, text string) string {
	text = noComment(visible(text, "\n\t"))
	ticks := strings.Repeat("`", max(3, longestRun(text, '`')+1))
	return ticks + language + "\n" + strings.TrimSuffix(text, "\n") + "\n" + ticks + "\n"
}

// noComment breaks what begins an HTML comment, even where it would not be one: sluice knows its comments by such a
// marker, and nobody else may write it.
func noComment(text string) string { return strings.ReplaceAll(text, "<!--", "<!\u200b--") }

// html escapes text for HTML in Markdown, on one line. What comes from the repository belongs into <code>.
func html(text string) string {
	return htmlEscaper.Replace(visible(text, ""))
}

var htmlEscaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&#39;")

// htmlCode is code for places where Markdown is not read.
func htmlCode(name string) string {
	if strings.TrimSpace(name) == "" {
		return "(no name)"
	}
	return "<code>" + html(shorten(name, maxName)) + "</code>"
}

func longestRun(text string, c byte) int {
	longest, run := 0, 0
	for i := range len(text) {
		if run++; text[i] != c {
			run = 0
		}
		longest = max(longest, run)
	}
	return longest
}

// pathURL escapes a file path for a URL, so that it neither ends a Markdown link nor reads as a scheme.
func pathURL(path string) string {
	parts := strings.Split(path, "/")
	for i, part := range parts {
		parts[i] = url.PathEscape(part)
	}
	return strings.NewReplacer("(", "%28", ")", "%29", ":", "%3A").Replace(strings.Join(parts, "/"))
}
