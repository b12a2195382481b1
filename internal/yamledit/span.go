package yamledit

import (
	"bytes"
	"strings"

	"go.yaml.in/yaml/v3"
)

// start is where a node's text begins: at its anchor or tag, where it has one.
func (f *File) start(n *yaml.Node) int {
	if n.Kind == yaml.DocumentNode {
		n = root(n)
	}
	return f.offset(n.Line, n.Column)
}

// value is where a node's value begins, behind its anchor and tag and the line break that may follow them.
func (f *File) value(n *yaml.Node) int {
	at := f.start(n)
	if n.Anchor == "" && n.Style&yaml.TaggedStyle == 0 {
		return at
	}
	for at < len(f.src) && (f.src[at] == '&' || f.src[at] == '!') {
		for at < len(f.src) && !isSpace(f.src[at]) {
			at++
		}
		next := f.blank(at)
		if n.Value == "" && n.Content == nil && n.Style&^yaml.TaggedStyle == 0 {
			return at
		}
		at = next
	}
	return at
}

// blank skips white space, line breaks and comments from an offset on.
func (f *File) blank(at int) int {
	for at < len(f.src) {
		switch {
		case isSpace(f.src[at]):
			at++
		case f.src[at] == '#' && (at == 0 || isSpace(f.src[at-1])):
			at = f.lineEnd(at)
		default:
			return at
		}
	}
	return at
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// end is the byte after a node's text. Comments and blank lines behind it are not part of it.
func (f *File) end(n *yaml.Node) (int, error) {
	if end, ok := f.ends[n]; ok {
		return end, nil
	}
	end, err := f.findEnd(n)
	if err == nil {
		f.ends[n] = end
	}
	return end, err
}

func (f *File) findEnd(n *yaml.Node) (int, error) {
	switch {
	case n.Kind == yaml.AliasNode:
		return f.start(n) + len("*") + len(n.Value), nil
	case n.Kind == yaml.ScalarNode:
		return f.scalarEnd(n)
	case isFlow(n):
		return f.flowEnd(n)
	case len(n.Content) == 0:
		return f.value(n), nil
	}
	last := n.Content[len(n.Content)-1]
	end, err := f.end(last)
	if err != nil || n.Kind != yaml.MappingNode {
		return end, err
	}
	colon, err := f.colon(n.Content[len(n.Content)-2])
	return max(end, colon), err
}

// colon is the byte after the colon that ends a key.
func (f *File) colon(key *yaml.Node) (int, error) {
	at, err := f.end(key)
	if err != nil {
		return 0, err
	}
	for at < len(f.src) && (f.src[at] == ' ' || f.src[at] == '\t') {
		at++
	}
	if at >= len(f.src) || f.src[at] != ':' {
		return 0, f.unsafe(key, "a key of this kind cannot be edited in place")
	}
	return at + 1, nil
}

func (f *File) unsafe(n *yaml.Node, why string) error { return &UnsafeError{n.Line, why} }

// flowEnd finds the bracket that closes a flow collection, behind its last child.
func (f *File) flowEnd(n *yaml.Node) (int, error) {
	at := f.value(n) + 1
	if len(n.Content) > 0 {
		end, err := f.end(n.Content[len(n.Content)-1])
		if err != nil {
			return 0, err
		}
		at = max(at, end)
	}
	for at = f.blank(at); at < len(f.src) && (f.src[at] == ',' || f.src[at] == ':'); at = f.blank(at + 1) {
	}
	if at >= len(f.src) || (f.src[at] != '}' && f.src[at] != ']') {
		return 0, f.unsafe(n, "the end of this list or map was not found")
	}
	return at + 1, nil
}

func (f *File) scalarEnd(n *yaml.Node) (int, error) {
	at := f.value(n)
	switch {
	case n.Style&yaml.DoubleQuotedStyle != 0:
		for i := at + 1; i < len(f.src); i++ {
			switch f.src[i] {
			case '\\':
				i++
			case '"':
				return i + 1, nil
			}
		}
	case n.Style&yaml.SingleQuotedStyle != 0:
		for i := at + 1; i < len(f.src); i++ {
			if f.src[i] != '\'' {
				continue
			}
			if i+1 < len(f.src) && f.src[i+1] == '\'' {
				i++
				continue
			}
			return i + 1, nil
		}
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		return f.blockEnd(n, at), nil
	default:
		if end, ok := f.plainEnd(n, at); ok {
			return end, nil
		}
	}
	return 0, f.unsafe(n, "the end of this value was not found")
}

// plainEnd matches a plain scalar's value against the text, where line breaks are folded.
func (f *File) plainEnd(n *yaml.Node, at int) (int, bool) {
	if bytes.HasPrefix(f.src[at:], []byte(n.Value)) {
		return at + len(n.Value), true
	}
	i := at
	for v := 0; v < len(n.Value); {
		if c := n.Value[v]; c == ' ' || c == '\n' {
			for v < len(n.Value) && isSpace(n.Value[v]) {
				v++
			}
			from := i
			for i < len(f.src) && isSpace(f.src[i]) {
				i++
			}
			if i == from {
				return 0, false
			}
			continue
		}
		if i >= len(f.src) || f.src[i] != n.Value[v] {
			return 0, false
		}
		i, v = i+1, v+1
	}
	return i, true
}

// blockEnd is the end of a literal or folded scalar whose header stands at an offset: before the line break of its last
// line that has text, or behind trailing blank lines where its header keeps them ("|+").
func (f *File) blockEnd(n *yaml.Node, at int) int {
	header := string(f.src[at:f.lineEnd(at)])
	if i := strings.IndexByte(header, '#'); i >= 0 {
		header = header[:i]
	}
	header = strings.TrimSpace(header)
	end := at + len(header)
	keep := strings.Contains(header, "+")
	indent := -1
	for line := f.lineOf(at) + 1; line < len(f.lines) && f.lines[line] < len(f.src); line++ {
		from := f.lines[line]
		text := bytes.TrimRight(f.src[from:f.lineEnd(from)], "\r\n")
		body := bytes.TrimLeft(text, " ")
		switch depth := len(text) - len(body); {
		case len(body) == 0:
			if keep {
				end = from + len(text)
			}
			continue
		case indent < 0 && strings.Trim(n.Value, "\n ") == "":
			return end // all of it was blank lines
		case indent < 0:
			indent = depth
			if i := strings.IndexAny(header, "123456789"); i >= 0 {
				indent = f.explicitIndent(n, int(header[i]-'0'))
			}
		case depth < indent:
			return end
		}
		if indent == 0 && (bytes.HasPrefix(text, []byte("---")) || bytes.HasPrefix(text, []byte("..."))) {
			return end
		}
		end = from + len(text)
	}
	return end
}

// explicitIndent is the indentation that a header such as "|2" asks for: relative to the parent's.
func (f *File) explicitIndent(n *yaml.Node, by int) int {
	for p := f.parent[n]; p != nil; p = f.parent[p] {
		if p.Kind == yaml.MappingNode || (p.Kind == yaml.SequenceNode && !isFlow(p)) {
			return p.Column - 1 + by
		}
	}
	return by
}
