package yamledit

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// step is how far a block is indented below its key, where the file gives no example.
const step = 2

// entryText is an inserted entry or item, without the indentation of its first line and the final line break.
func (p *patcher) entryText(container *yaml.Node, in insertion, column int) (string, error) {
	if container.Kind == yaml.SequenceNode {
		text, err := p.itemText(in.value, column)
		return text + comment(in.value), err
	}
	key, err := p.inline(in.key, nil, 0)
	if err != nil {
		return "", err
	}
	value, err := p.valueText(in.value, column, nil)
	return key + ":" + value + comment(in.value), err
}

// comment is the comment behind a value in the file it comes from, with the space before it; blocks bring theirs along.
func comment(of Fragment) string {
	if of.file == nil || of.file.flow || !fits(of.node) {
		return ""
	}
	end, err := of.file.end(of.node)
	if err != nil {
		return ""
	}
	rest := strings.TrimRight(string(of.file.src[end:of.file.lineEnd(end)]), "\r\n")
	if text := strings.TrimLeft(rest, " \t"); len(text) < len(rest) && strings.HasPrefix(text, "#") {
		return rest
	}
	return ""
}

// valueText is what follows the colon of a key that is indented by column.
func (p *patcher) valueText(to Fragment, column int, old *yaml.Node) (string, error) {
	n := to.node
	switch {
	case n.Kind == yaml.ScalarNode && n.Value == "" && n.Style&^yaml.TaggedStyle == 0 && n.ShortTag() == "!!null":
		return "", nil
	case fits(n) && !isBlock(n):
		text, err := p.inline(to, old, p.start(p.docs[0]))
		return " " + text, err
	case n.Kind == yaml.ScalarNode:
		text, err := p.blockScalar(to, column, old)
		return " " + text, err
	}
	indent := column + step
	if n.Kind == yaml.SequenceNode {
		indent = column + p.listIndent(to)
	}
	text, err := p.blockText(to, indent)
	return p.eol + strings.Repeat(" ", indent) + text, err
}

// itemText is a list item whose dash is indented by column.
func (p *patcher) itemText(to Fragment, column int) (string, error) {
	n := to.node
	switch {
	case fits(n) && !isBlock(n):
		text, err := p.inline(to, nil, p.start(p.docs[0]))
		return "- " + text, err
	case n.Kind == yaml.ScalarNode:
		text, err := p.blockScalar(to, column, nil)
		return "- " + text, err
	}
	text, err := p.blockText(to, column+len("- "))
	return "- " + text, err
}

// listIndent is how far lists are indented below their key: as this file does it, else as the fragment's does.
func (p *patcher) listIndent(to Fragment) int {
	for _, f := range []*File{p.File, to.file} {
		if f == nil {
			continue
		}
		for n, parent := range f.parent {
			if n.Kind == yaml.SequenceNode && !isFlow(n) && len(n.Content) > 0 && parent.Kind == yaml.MappingNode && !isFlow(parent) {
				if n.Column == parent.Column {
					return 0
				}
				return step
			}
		}
	}
	return 0
}

// blockText is a block collection (or a scalar as a document), its lines behind the first indented by indent.
func (p *patcher) blockText(to Fragment, indent int) (string, error) {
	n := to.node
	if n.Kind == yaml.ScalarNode {
		if fits(n) {
			return p.scalarText(to, nil), nil
		}
		return p.blockScalar(to, 0, nil)
	}
	if to.file == nil || tangled(n) || isFlow(n) {
		text, err := encode(n)
		return shift(text, 0, indent, p.eol), err
	}
	from := to.file.start(n)
	end, err := to.file.end(n)
	if err != nil {
		return "", err
	}
	line := to.file.lineEnd(max(end-1, from))
	if rest := bytes.TrimSpace(to.file.src[min(end, line):line]); len(rest) == 0 || rest[0] == '#' {
		end = max(end, line)
	}
	text := strings.TrimRight(string(to.file.src[from:end]), " \t\r\n")
	if keeps := lastBlock(n); keeps {
		text = strings.TrimRight(string(to.file.src[from:end]), "\r\n")
	}
	return shift(text, n.Column-1, indent, p.eol), nil
}

// lastBlock reports whether the text of n ends in a literal or folded scalar, whose trailing spaces count.
func lastBlock(n *yaml.Node) bool {
	for len(n.Content) > 0 {
		n = n.Content[len(n.Content)-1]
	}
	return isBlock(n)
}

// encode writes a tree as yaml/v3 does, aliases resolved, without comments.
func encode(n *yaml.Node) (string, error) {
	budget := maxNodes
	plain, err := untangle(n, &budget)
	if err != nil {
		return "", err
	}
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(step)
	if err := enc.Encode(plain); err != nil {
		return "", &UnsafeError{0, "a value cannot be written: " + err.Error()}
	}
	return strings.TrimSuffix(b.String(), "\n"), nil
}

// untangle copies a tree without anchors, aliases, comments and flow style.
func untangle(n *yaml.Node, budget *int) (*yaml.Node, error) {
	if *budget--; *budget < 0 {
		return nil, &UnsafeError{n.Line, "aliases blow the value up, or it holds itself"}
	}
	if n.Kind == yaml.AliasNode {
		return untangle(n.Alias, budget)
	}
	out := &yaml.Node{Kind: n.Kind, Tag: n.Tag, Value: n.Value, Style: n.Style &^ yaml.FlowStyle}
	for _, c := range n.Content {
		plain, err := untangle(c, budget)
		if err != nil {
			return nil, err
		}
		out.Content = append(out.Content, plain)
	}
	return out, nil
}

// shift moves the lines of a text behind the first from one indentation to another.
func shift(text string, from, to int, eol string) string {
	lines := strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	for i, line := range lines {
		if i == 0 || (strings.TrimSpace(line) == "" && len(line) <= from) {
			continue
		}
		body := strings.TrimLeft(line, " ")
		lines[i] = strings.Repeat(" ", max(len(line)-len(body)+to-from, 0)) + body
	}
	return strings.Join(lines, eol)
}

// blockScalar writes a string of several lines below a key that is indented by column. old is the scalar it replaces.
func (p *patcher) blockScalar(to Fragment, column int, old *yaml.Node) (string, error) {
	n := to.node
	indent := column + step
	if old != nil && isBlock(old) {
		if at := p.lineOf(p.value(old)) + 1; at < len(p.lines) {
			line := p.src[p.lines[at]:p.lineEnd(p.lines[at])]
			if depth := len(line) - len(bytes.TrimLeft(line, " ")); depth > column && len(bytes.TrimSpace(line)) > 0 {
				indent = depth
			}
		}
	}
	if to.file != nil && n.Style&yaml.FoldedStyle != 0 {
		text, err := to.file.Text(n)
		if err != nil {
			return "", err
		}
		header, rest, _ := strings.Cut(text, "\n")
		first := strings.TrimLeft(rest, " \n")
		if first == "" || strings.ContainsAny(header, "123456789") {
			return strconv.Quote(n.Value), nil
		}
		depth := strings.LastIndexByte(rest[:len(rest)-len(first)], '\n')
		return shift(text, len(rest)-len(first)-depth-1, indent, p.eol), nil
	}
	if !literal(n.Value) {
		return strconv.Quote(n.Value), nil
	}
	header := "|"
	if strings.HasPrefix(strings.TrimLeft(n.Value, "\n"), " ") {
		header += strconv.Itoa(indent - column)
	}
	body := strings.TrimRight(n.Value, "\n")
	switch len(n.Value) - len(body) {
	case 0:
		header += "-"
	case 1:
	default:
		header += "+"
	}
	lines := strings.Split(strings.TrimSuffix(n.Value, "\n"), "\n")
	for i, line := range lines {
		if line != "" {
			lines[i] = strings.Repeat(" ", indent) + line
		}
	}
	return header + p.eol + strings.Join(lines, p.eol), nil
}

// literal reports whether a string can be written as a literal block.
func literal(s string) bool {
	return strings.Trim(s, "\n ") != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return r < ' ' && r != '\n' && r != '\t' || r == 0x7f || r == 0x85 || r == 0x2028 || r == 0x2029 || r == 0xFEFF || r == 0xFFFD
	})
}

// scalarText writes a scalar on one line: in the style of the one it replaces, else in its own.
func (p *patcher) scalarText(to Fragment, old *yaml.Node) string {
	n := to.node
	if p.flow {
		return jsonText(n)
	}
	if n.ShortTag() != "!!str" {
		return n.Value
	}
	style := n.Style
	if old != nil && old.Kind == yaml.ScalarNode && (old.ShortTag() == "!!str" || old.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0) {
		style = old.Style
	}
	oneLine := literal(n.Value) && !strings.ContainsAny(n.Value, "\n\t")
	switch {
	case style&yaml.DoubleQuotedStyle != 0 || (!oneLine && n.Value != ""):
		return doubleQuoted(n.Value)
	case style&yaml.SingleQuotedStyle == 0 && plain(n.Value, old != nil && p.inFlow(old) || old == nil):
		return n.Value
	case style&yaml.SingleQuotedStyle != 0 || n.Style&yaml.DoubleQuotedStyle == 0 && n.Style&yaml.SingleQuotedStyle != 0:
		return "'" + strings.ReplaceAll(n.Value, "'", "''") + "'"
	}
	return doubleQuoted(n.Value)
}

// doubleQuoted writes a string in double quotes. JSON's escapes are YAML's too, as long as none is a surrogate.
func doubleQuoted(s string) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if enc.Encode(s) != nil {
		return strconv.Quote(s)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// jsonText writes a scalar as JSON does.
func jsonText(n *yaml.Node) string {
	switch n.ShortTag() {
	case "!!null":
		return "null"
	case "!!bool", "!!int", "!!float":
		if json.Valid([]byte(n.Value)) {
			return n.Value
		}
	}
	return doubleQuoted(n.Value)
}

// plain reports whether a string can stand without quotes and still be that string.
func plain(s string, flow bool) bool {
	if s == "" || strings.TrimSpace(s) != s || strings.Contains(s, ": ") || strings.Contains(s, " #") || strings.HasSuffix(s, ":") {
		return false
	}
	if strings.ContainsAny(s[:1], "-?:,[]{}#&*!|>'\"%@`=") && !(len(s) > 1 && (s[0] == '-' || s[0] == ':' || s[0] == '?') && s[1] != ' ') {
		return false
	}
	if flow && strings.ContainsAny(s, ",[]{}") {
		return false
	}
	if strings.HasPrefix(s, "---") || strings.HasPrefix(s, "...") {
		return false
	}
	var n yaml.Node
	if yaml.Unmarshal([]byte(s), &n) != nil || root(&n).Kind != yaml.ScalarNode {
		return false
	}
	return root(&n).Value == s && root(&n).ShortTag() == "!!str"
}
