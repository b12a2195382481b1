package diff

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// maxColumns bounds a line of a diff. Of two long lines the part around their first difference is shown.
const maxColumns = 500

// scalar compares two scalars that follow label ("image: ", or "" in a list).
func (w *writer) scalar(label string, base, head *yaml.Node, indent int, at, self *path) {
	if w.rename != nil && base == w.rename || w.equal(base, head, self) {
		w.scalarWhole(same, label, head, indent, at)
		return
	}
	if name, ok := w.generated[base.Value]; ok && name == head.Value {
		w.refer(label, base, head, indent, at)
		return
	}
	b, bText := w.block(base)
	h, hText := w.block(head)
	if !bText || !hText {
		w.replace(label, base, head, indent, at)
		return
	}
	if blockHeader(b) == blockHeader(h) {
		w.add(same, indent, label+blockHeader(h), at)
	} else {
		w.add(removed, indent, label+blockHeader(b), self)
		w.add(added, indent, label+blockHeader(h), self)
	}
	w.text(self, b, h, strings.Repeat(" ", indent+2))
}

// refer writes a field that names what a generator made anew: in full for the first that names it, and counted there for the others.
func (w *writer) refer(label string, base, head *yaml.Node, indent int, at *path) {
	start := len(w.lines)
	w.replace(label, base, head, indent, at)
	if first, ok := w.told[base.Value]; ok {
		w.lines[first].more++
		for i := range w.lines[start:] {
			w.lines[start+i].told = true
		}
		return
	}
	w.told[base.Value] = len(w.lines)
	w.lines = append(w.lines, line{op: same, text: strings.Repeat(" ", indent), at: at, note: true})
}

// replace writes two scalars that differ, at least one of which is a single line.
func (w *writer) replace(label string, base, head *yaml.Node, indent int, at *path) {
	_, baseText := w.block(base)
	_, headText := w.block(head)
	if baseText || headText {
		w.scalarWhole(removed, label, base, indent, at)
		w.scalarWhole(added, label, head, indent, at)
		return
	}
	was, is := clipPair(label+w.inline(base), label+w.inline(head))
	w.add(removed, indent, was, at)
	w.add(added, indent, is, at)
}

// scalarWhole writes a scalar that is the same on both sides, or that one side has.
func (w *writer) scalarWhole(op byte, label string, node *yaml.Node, indent int, at *path) {
	text, ok := w.block(node)
	if !ok {
		w.add(op, indent, clip(label+w.inline(node)), at)
		return
	}
	w.add(op, indent, label+blockHeader(text), at)
	prefix := strings.Repeat(" ", indent+2)
	for i, l := range textLines(text) {
		w.lines = append(w.lines, line{op: op, text: clip(prefix + l), at: at, row: i + 1})
	}
}

// equal reports whether two scalars mean the same to Kubernetes.
func (w *writer) equal(base, head *yaml.Node, self *path) bool {
	baseToken, baseHidden := w.mask.hidden[base]
	headToken, headHidden := w.mask.hidden[head]
	if baseHidden || headHidden {
		return baseToken == headToken && baseHidden == headHidden
	}
	if base.Value == head.Value && base.ShortTag() == head.ShortTag() {
		return true
	}
	return holdsQuantity(self) && sameQuantity(base.Value, head.Value)
}

// block gives the text of a scalar that is shown line by line; ok is false for one that stands on a line.
func (w *writer) block(node *yaml.Node) (text string, ok bool) {
	if _, hidden := w.mask.hidden[node]; hidden || node.ShortTag() != "!!str" || !strings.Contains(w.mask.value(node), "\n") {
		return "", false
	}
	text = w.mask.value(node)
	return text, strings.TrimRight(text, "\n") != ""
}

// blockHeader is what introduces a text in YAML: it says how many newlines end it, and whether it begins with a space.
func blockHeader(text string) string {
	header := "|"
	if text[0] == ' ' || text[0] == '\n' {
		header += "2"
	}
	switch {
	case !strings.HasSuffix(text, "\n"):
		return header + "-"
	case strings.HasSuffix(text, "\n\n"):
		return header + "+"
	}
	return header
}

// textLines cuts a text at its newlines; a final one begins no line.
func textLines(text string) []string {
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}

// inline writes a scalar on one line, in the way it was written: numbers that are strings keep their quotes.
func (w *writer) inline(node *yaml.Node) string {
	if token, hidden := w.mask.hidden[node]; hidden {
		return token
	}
	text := w.mask.value(node)
	switch {
	case node.ShortTag() != "!!str":
		return text
	case node.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) == 0 && isPrintable(text) && !strings.Contains(text, "\n"):
		return text
	}
	return quote(text)
}

func plainOrQuoted(key string) string {
	plain := strings.IndexFunc(key, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("-_./", r))
	}) < 0
	if plain && key != "" && key[0] != '-' {
		return key
	}
	return quote(key)
}

// quote prefers what kustomize prints: double quotes, without escapes for printable text.
func quote(text string) string {
	if !isPrintable(text) {
		return strconv.Quote(text)
	}
	if strings.ContainsAny(text, `"\`) {
		return "'" + strings.ReplaceAll(text, "'", "''") + "'"
	}
	return `"` + text + `"`
}

func isPrintable(text string) bool {
	return utf8.ValidString(text) && strings.IndexFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) < 0
}

// clip cuts a line that is too long to be read and says how long it is.
func clip(text string) string {
	if len(text) <= maxColumns {
		return text
	}
	return text[:runeStart(text, maxColumns)] + "… (" + strconv.Itoa(len(text)) + " bytes)"
}

// clipPair cuts two lines so that their first difference is seen.
func clipPair(base, head string) (string, string) {
	if len(base) <= maxColumns && len(head) <= maxColumns {
		return base, head
	}
	differ := 0
	for differ < min(len(base), len(head)) && base[differ] == head[differ] {
		differ++
	}
	indent := len(base) - len(strings.TrimLeft(base, " "))
	from := max(differ-maxColumns/4, indent)
	cut := func(text string) string {
		start := runeStart(text, from)
		part := clip(text[start:])
		if start > indent {
			part = text[:runeStart(text, indent+40)] + " … " + part
		}
		return part
	}
	if differ <= maxColumns/2 {
		return clip(base), clip(head)
	}
	return cut(base), cut(head)
}

// runeStart is the greatest index at or before i at which a rune begins.
func runeStart(text string, i int) int {
	i = min(i, len(text))
	for i > 0 && i < len(text) && !utf8.RuneStart(text[i]) {
		i--
	}
	return i
}
