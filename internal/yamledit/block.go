package yamledit

import (
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// blockContainer edits a map or list in block style, whose entries stand on lines of their own.
func (p *patcher) blockContainer(c entries, gone int, ins map[int][]insertion) error {
	if gone == len(c.heads) && len(ins) == 0 {
		return p.empty(c.of)
	}
	column, err := p.column(c)
	if err != nil {
		return err
	}
	for i := range c.heads {
		if p.edits.deleted[c.heads[i]] {
			if err := p.deleteLines(c, i); err != nil {
				return err
			}
		}
	}
	for _, index := range slices.Sorted(maps.Keys(ins)) { // what goes to one place must go there in order
		list := ins[index]
		var text strings.Builder
		for _, in := range list {
			line, err := p.entryText(c.of, in, column)
			if err != nil {
				return err
			}
			text.WriteString(strings.Repeat(" ", column) + line + p.eol)
		}
		kept := index - 1
		for kept >= 0 && p.edits.deleted[c.heads[kept]] {
			kept--
		}
		if kept >= 0 {
			end, err := p.entryEnd(c, kept)
			if err != nil {
				return err
			}
			at := p.below(end)
			p.replace(at, at, text.String())
			continue
		}
		at, err := p.headStart(c, 0)
		if err != nil {
			return err
		}
		if line := p.lineStart(at); strings.TrimSpace(strings.TrimPrefix(string(p.src[line:at]), "\uFEFF")) == "" {
			p.replace(at-column, at-column, text.String())
			continue
		}
		if p.edits.deleted[c.heads[0]] {
			return p.unsafe(c.of, "entries are replaced that share a line with the start of their list item")
		}
		// The first entry stands behind "- ": the new one takes its place, and it moves to a line of its own.
		p.replace(at, at, strings.TrimLeft(text.String(), " ")+strings.Repeat(" ", column))
	}
	return nil
}

// column is how far, in bytes, the entries of a block container are indented.
func (p *patcher) column(c entries) (int, error) {
	at, err := p.headStart(c, 0)
	if err != nil {
		return 0, err
	}
	from := p.lineStart(at)
	if from == 0 && strings.HasPrefix(string(p.src), "\uFEFF") {
		from += len("\uFEFF")
	}
	for _, b := range p.src[from:at] {
		if b == '\t' || b >= 0x80 {
			return 0, p.unsafe(c.of, "the text before this entry is not plain indentation")
		}
	}
	return at - from, nil
}

// headStart is where the i'th entry begins: at its key, or at the dash of its item.
func (p *patcher) headStart(c entries, i int) (int, error) {
	if c.of.Kind == yaml.MappingNode {
		return p.start(c.heads[i]), nil
	}
	at := p.value(c.of)
	if i > 0 {
		end, err := p.entryEnd(c, i-1)
		if err != nil {
			return 0, err
		}
		at = p.blank(end)
	}
	if at >= len(p.src) || p.src[at] != '-' {
		return 0, p.unsafe(c.heads[i], "the dash of this item was not found")
	}
	return at, nil
}

// deleteLines removes the i'th entry with its lines.
func (p *patcher) deleteLines(c entries, i int) error {
	from, err := p.headStart(c, i)
	if err != nil {
		return err
	}
	end, err := p.entryEnd(c, i)
	if err != nil {
		return err
	}
	line := p.lineStart(from)
	if before := strings.TrimPrefix(string(p.src[line:from]), "\uFEFF"); strings.TrimSpace(before) == "" {
		p.replace(from-len(before), p.below(max(end, from+1)), "")
		return nil
	}
	// The entry stands behind a dash. The next one takes its place there, if it is all that follows.
	if i+1 == len(c.heads) || p.edits.deleted[c.heads[i+1]] {
		return p.unsafe(c.heads[i], "this entry shares its line with the start of its list item")
	}
	next, err := p.headStart(c, i+1)
	if err != nil {
		return err
	}
	if strings.TrimSpace(string(p.src[end:next])) != "" {
		return p.unsafe(c.heads[i], "a comment follows this entry, which shares its line with the start of its list item")
	}
	p.replace(from, next, "")
	return nil
}

// empty writes a container that loses all its entries as {} or [].
func (p *patcher) empty(n *yaml.Node) error {
	text := "{}"
	if n.Kind == yaml.SequenceNode {
		text = "[]"
	}
	end, err := p.end(n)
	if err != nil {
		return err
	}
	parent := p.parent[n]
	if parent == nil || parent.Kind != yaml.MappingNode || isFlow(parent) {
		p.replace(p.value(n), end, text)
		return nil
	}
	colon, err := p.colon(p.keyOf(n))
	if err != nil {
		return err
	}
	p.replace(colon, colon, " "+text)
	from := p.value(n)
	p.replace(p.lineStart(from), p.below(max(end, from+1)), "")
	return nil
}

// keyOf is the key whose value n is.
func (f *File) keyOf(n *yaml.Node) *yaml.Node {
	parent := f.parent[n]
	for i := 1; i < len(parent.Content); i += 2 {
		if parent.Content[i] == n {
			return parent.Content[i-1]
		}
	}
	return n
}

// set replaces one value.
func (p *patcher) set(n *yaml.Node, to Fragment) error {
	end, err := p.end(n)
	if err != nil {
		return err
	}
	parent := p.parent[n]
	start := p.start(n)
	switch {
	case p.inFlow(n):
		text, err := p.inline(to, n, start)
		if err != nil {
			return err
		}
		p.replace(start, end, text)
		return nil
	case n.Kind == yaml.ScalarNode && !isBlock(n) && end > start && fits(to.node):
		text, err := p.inline(to, n, start)
		if err != nil {
			return err
		}
		p.replace(start, end, text)
		return nil
	case parent.Kind == yaml.DocumentNode:
		text, err := p.blockText(to, 0)
		if err != nil {
			return err
		}
		p.replace(start, end, text)
		return nil
	case parent.Kind == yaml.SequenceNode:
		c := p.entries(parent)
		column, err := p.column(c)
		if err != nil {
			return err
		}
		text, err := p.itemText(to, column)
		if err != nil {
			return err
		}
		from, err := p.headStart(c, indexOf(c.tails, n))
		if err != nil {
			return err
		}
		p.replace(from, p.behind(to, max(end, from+1)), text)
		return nil
	}
	key := p.keyOf(n)
	colon, err := p.colon(key)
	if err != nil {
		return err
	}
	column, err := p.column(p.entries(parent))
	if err != nil {
		return err
	}
	text, err := p.valueText(to, column, n)
	if err != nil {
		return err
	}
	p.replace(colon, p.behind(to, max(end, colon)), text)
	return nil
}

// behind is where a replaced value ends. A comment on its last line goes with it where the new value has several lines,
// whose text it would become.
func (p *patcher) behind(to Fragment, end int) int {
	if rest := strings.TrimRight(string(p.src[end:p.lineEnd(end)]), "\r\n"); !fits(to.node) && strings.HasPrefix(strings.TrimLeft(rest, " "), "#") {
		return end + len(rest)
	}
	return end
}

// below is the start of the line below a text that ends at an offset.
func (p *patcher) below(end int) int {
	if end == p.lineStart(end) { // behind a blank line that a "|+" literal keeps
		return p.lineEnd(end)
	}
	return p.lineEnd(end - 1)
}

func indexOf(list []*yaml.Node, n *yaml.Node) int {
	for i, c := range list {
		if c == n {
			return i
		}
	}
	return 0
}

// isBlock reports whether n is a literal or folded scalar.
func isBlock(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0
}

// fits reports whether a value can stand on the line of its key.
func fits(n *yaml.Node) bool {
	switch n.Kind {
	case yaml.ScalarNode:
		return !isBlock(n) && !strings.Contains(n.Value, "\n")
	case yaml.AliasNode:
		return true
	}
	return isFlow(n) || len(n.Content) == 0
}

// inFlow reports whether n stands inside a flow collection.
func (f *File) inFlow(n *yaml.Node) bool {
	parent := f.parent[n]
	return parent != nil && isFlow(parent)
}
