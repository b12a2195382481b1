package config

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/sluice-dev/sluice/internal/finding"
)

// maxFile bounds the size of the file, in bytes.
const maxFile = 1 << 20

// Parse reads the content of .sluice.yaml; file labels the positions. An empty file gives the defaults. It reports
// every mistake at once, each with its line and column. The configuration is never nil: what was understood is in it,
// the rest is the default. Whoever uses it must refuse one with errors among its findings.
func Parse(file string, data []byte) (*Config, finding.List) {
	d := &decoder{file: file, positions: make(map[string]finding.Pos)}
	c := Default()
	c.file, c.positions = file, d.positions
	if root := d.document(data); root != nil {
		d.value(root, reflect.ValueOf(c).Elem(), nil)
		d.check(c)
	}
	d.findings.Sort()
	return c, d.findings
}

// document gives the root of the only document; nil when the file is empty or cannot be read at all.
func (d *decoder) document(data []byte) *yaml.Node {
	start := finding.Pos{File: d.file, Line: 1, Column: 1}
	if len(data) > maxFile {
		d.report(start, "config/yaml", "this file is larger than 1 MiB")
		return nil
	}
	if !utf8.Valid(data) {
		d.report(invalidByte(d.file, data), "config/yaml", "this is not UTF-8 text: save the file as UTF-8")
		return nil
	}
	stream := yaml.NewDecoder(bytes.NewReader(data))
	var first, second yaml.Node
	if err := stream.Decode(&first); err != nil {
		if !errors.Is(err, io.EOF) {
			d.syntax(data, err)
		}
		return nil
	}
	switch err := stream.Decode(&second); {
	case err == nil:
		pos := d.pos(&second)
		if len(second.Content) > 0 {
			pos = d.pos(second.Content[0])
		}
		d.report(d.clamp(data, pos), "config/document", "there is a second YAML document here: the file must hold one. Remove the \"---\" line, or the second part")
	case !errors.Is(err, io.EOF):
		d.syntax(data, err)
	}
	if len(first.Content) == 0 || isNull(first.Content[0]) {
		return nil
	}
	return first.Content[0]
}

var yamlLine = regexp.MustCompile(`^yaml: (?:unmarshal errors:\s+)?line (\d+): `)

func (d *decoder) syntax(data []byte, err error) {
	pos := finding.Pos{File: d.file, Line: 1}
	message := strings.TrimPrefix(err.Error(), "yaml: ")
	if m := yamlLine.FindStringSubmatch(err.Error()); m != nil {
		pos.Line, _ = strconv.Atoi(m[1])
		message = err.Error()[len(m[0]):]
	}
	d.report(d.clamp(data, pos), "config/yaml", "this is not valid YAML: %s", message)
}

// clamp keeps a position of the YAML library inside the file: it may point behind the last line.
func (d *decoder) clamp(data []byte, pos finding.Pos) finding.Pos {
	lines := linesOf(data)
	pos.Line = min(max(pos.Line, 1), len(lines))
	width := utf8.RuneCountInString(lines[pos.Line-1])
	if pos.Column == 0 {
		pos.Column = 1 + width - utf8.RuneCountInString(strings.TrimLeft(lines[pos.Line-1], " "))
	}
	pos.Column = min(max(pos.Column, 1), width+1)
	return pos
}

// lineBreaks turns what ends a line for the YAML library into line feeds.
var lineBreaks = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u0085", "\n", "\u2028", "\n", "\u2029", "\n")

// linesOf gives the lines of the file as the YAML library counts them; at least one.
func linesOf(data []byte) []string {
	return strings.Split(strings.TrimSuffix(lineBreaks.Replace(string(data)), "\n"), "\n")
}

// invalidByte gives the place of the first byte that is not UTF-8.
func invalidByte(file string, data []byte) finding.Pos {
	good := 0
	for {
		r, size := utf8.DecodeRune(data[good:])
		if r == utf8.RuneError && size <= 1 {
			break
		}
		good += size
	}
	lines := strings.Split(lineBreaks.Replace(string(data[:good])), "\n")
	return finding.Pos{File: file, Line: len(lines), Column: utf8.RuneCountInString(lines[len(lines)-1]) + 1}
}
