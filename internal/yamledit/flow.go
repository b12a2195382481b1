package yamledit

import (
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// flowContainer edits a map or list in flow style: {a: 1, b: 2}, on one line or, as in JSON files, one entry per line.
func (p *patcher) flowContainer(c entries, gone int, ins map[int][]insertion) error {
	end, err := p.end(c.of)
	if err != nil {
		return err
	}
	open := p.value(c.of) + 1
	if len(c.heads) == 0 {
		return p.fillFlow(c, ins[0], open, end)
	}
	if gone == len(c.heads) {
		last, err := p.entryEnd(c, len(c.heads)-1)
		if err != nil {
			return err
		}
		if rest := p.src[last : end-1]; strings.TrimSpace(strings.ReplaceAll(string(rest), ",", "")) == "" {
			last = end - 1
		}
		p.replace(open, last, "")
		var all []insertion
		for index := 0; index <= len(c.heads); index++ {
			all = append(all, ins[index]...)
		}
		if len(all) == 0 {
			return nil
		}
		return p.fillFlow(c, all, open, open+1)
	}
	if err := p.deleteRuns(c); err != nil {
		return err
	}
	first := p.start(c.heads[0])
	separator := ", "
	ownLines := strings.TrimSpace(string(p.src[p.lineStart(first):first])) == "" && p.lineOf(first) > p.lineOf(open-1)
	if ownLines {
		separator = "," + p.eol + string(p.src[p.lineStart(first):first])
	}
	for _, index := range slices.Sorted(maps.Keys(ins)) { // what goes to one place must go there in order
		list := ins[index]
		kept := index - 1
		for kept >= 0 && p.edits.deleted[c.heads[kept]] {
			kept--
		}
		at := first
		if kept >= 0 {
			if at, err = p.entryEnd(c, kept); err != nil {
				return err
			}
		}
		var text strings.Builder
		for _, in := range list {
			entry, err := p.flowEntry(in, first)
			if err != nil {
				return err
			}
			if kept >= 0 {
				text.WriteString(separator + entry)
			} else {
				text.WriteString(entry + separator)
			}
		}
		p.replace(at, at, text.String())
	}
	return nil
}

// fillFlow writes the first entries of {} or [].
func (p *patcher) fillFlow(c entries, list []insertion, open, end int) error {
	var texts []string
	multiline := p.flow && strings.Contains(strings.TrimSpace(string(p.src)), "\n")
	for _, in := range list {
		text, err := p.flowEntry(in, open)
		if err != nil {
			return err
		}
		if multiline {
			text = strings.ReplaceAll(text, p.eol, p.eol+"  ")
		}
		texts = append(texts, text)
	}
	text := strings.Join(texts, ", ")
	if multiline {
		line := p.src[p.lineStart(open):open]
		indent := string(line[:len(line)-len(strings.TrimLeft(string(line), " \t"))])
		text = p.eol + indent + "  " + strings.Join(texts, ","+p.eol+indent+"  ") + p.eol + indent
	}
	p.replace(open, max(end-1, open), text)
	return nil
}

// deleteRuns removes neighbouring entries together, with the commas between them.
func (p *patcher) deleteRuns(c entries) error {
	for i := 0; i < len(c.heads); i++ {
		if !p.edits.deleted[c.heads[i]] {
			continue
		}
		j := i
		for j+1 < len(c.heads) && p.edits.deleted[c.heads[j+1]] {
			j++
		}
		if j+1 < len(c.heads) {
			p.replace(p.start(c.heads[i]), p.start(c.heads[j+1]), "")
		} else {
			from, err := p.entryEnd(c, i-1)
			if err != nil {
				return err
			}
			to, err := p.entryEnd(c, j)
			if err != nil {
				return err
			}
			p.replace(from, to, "")
		}
		i = j
	}
	return nil
}

// flowEntry is the text of an entry or item, at a place of the file that tells its line's indentation.
func (p *patcher) flowEntry(in insertion, at int) (string, error) {
	value, err := p.inline(in.value, nil, at)
	if err != nil || in.key.node == nil {
		return value, err
	}
	key, err := p.inline(in.key, nil, at)
	return key + ": " + value, err
}

// inline is the text of a value on the line of its key, or inside a flow collection. old is the node it takes the place of,
// nil for a new one; its style of quoting is kept where that can hold the value.
func (p *patcher) inline(to Fragment, old *yaml.Node, at int) (string, error) {
	n := to.node
	if n.Kind == yaml.ScalarNode {
		return p.scalarText(to, old), nil
	}
	if to.file != nil && isFlow(n) && !tangled(n) && (!p.flow || to.file.flow) {
		text, err := to.file.Text(n)
		if err != nil {
			return "", err
		}
		return reflow(text, indentAt(to.file, to.file.start(n)), indentAt(p.File, at), p.eol), nil
	}
	var b strings.Builder
	budget := maxNodes
	if err := p.writeFlow(&b, n, &budget); err != nil {
		return "", err
	}
	return b.String(), nil
}

// writeFlow writes a tree on one line, as JSON where the file is JSON.
func (p *patcher) writeFlow(b *strings.Builder, n *yaml.Node, budget *int) error {
	if *budget--; *budget < 0 {
		return &UnsafeError{n.Line, "aliases blow the value up, or it holds itself"}
	}
	switch n.Kind {
	case yaml.AliasNode:
		return p.writeFlow(b, n.Alias, budget)
	case yaml.ScalarNode:
		b.WriteString(p.scalarText(Value(n), nil))
	case yaml.SequenceNode:
		b.WriteByte('[')
		for i, c := range n.Content {
			if i > 0 {
				b.WriteString(", ")
			}
			if err := p.writeFlow(b, c, budget); err != nil {
				return err
			}
		}
		b.WriteByte(']')
	case yaml.MappingNode:
		b.WriteByte('{')
		for i := 0; i+1 < len(n.Content); i += 2 {
			if i > 0 {
				b.WriteString(", ")
			}
			if err := p.writeFlow(b, n.Content[i], budget); err != nil {
				return err
			}
			b.WriteString(": ")
			if err := p.writeFlow(b, n.Content[i+1], budget); err != nil {
				return err
			}
		}
		b.WriteByte('}')
	}
	return nil
}

// tangled reports whether a tree uses anchors or aliases, which mean nothing elsewhere.
func tangled(n *yaml.Node) bool {
	return n.Kind == yaml.AliasNode || n.Anchor != "" || slices.ContainsFunc(n.Content, tangled)
}

// indentAt is the indentation of the line that holds an offset.
func indentAt(f *File, at int) string {
	line := string(f.src[f.lineStart(min(at, len(f.src)-1)):at])
	return line[:len(line)-len(strings.TrimLeft(line, " \t"))]
}

// reflow moves the lines of a flow collection behind the first from one indentation to another.
func reflow(text, from, to, eol string) string {
	lines := strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	for i, line := range lines {
		if rest, ok := strings.CutPrefix(line, from); i > 0 && ok && strings.TrimSpace(line) != "" {
			lines[i] = to + rest
		}
	}
	return strings.Join(lines, eol)
}
