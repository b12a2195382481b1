package promote

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/sluice-dev/sluice/internal/yamledit"
	"go.yaml.in/yaml/v3"
)

// content is how a file is merged.
type content int

const (
	binary_    content = iota // as a whole
	text                      // by lines
	structured                // YAML or JSON, by fields
	settings                  // KEY=value lines
)

// contentOf tells what a file is, by its name and its bytes.
func contentOf(name string, data []byte) content {
	if bytes.IndexByte(data, 0) >= 0 || !utf8.Valid(data) {
		return binary_
	}
	switch base := path.Base(name); path.Ext(base) {
	case ".yaml", ".yml", ".json":
		return structured
	case ".env", ".properties", ".conf", ".cfg", ".ini", ".txt":
		if isSettings(data) {
			return settings
		}
		return text
	default:
		if base == "kustomization" || base == "Kustomization" {
			return structured
		}
	}
	return sniff(data)
}

// sniff tells what a text without a telling name is: one inside a ConfigMap, say.
func sniff(data []byte) content {
	trimmed := bytes.TrimSpace(data)
	switch {
	case len(trimmed) > 0 && (trimmed[0] == '{' || trimmed[0] == '[') && json.Valid(trimmed):
		return structured
	case isSettings(data):
		return settings
	case isTree(data):
		return structured
	}
	return text
}

// isTree reports whether a text is a YAML map, or a list of maps, of several lines.
func isTree(data []byte) bool {
	if bytes.Count(bytes.TrimSpace(data), []byte("\n")) == 0 || !treeLike.Match(data) {
		return false
	}
	f, err := yamledit.Parse(data)
	if err != nil || len(f.Docs()) != 1 {
		return false
	}
	n := root(f.Docs()[0])
	return n.Kind == yaml.MappingNode || (n.Kind == yaml.SequenceNode && len(n.Content) > 0 && n.Content[0].Kind == yaml.MappingNode)
}

var treeLike = regexp.MustCompile(`(?m)^\s*(- )?["']?[\w./-]+["']?:(\s|$)`)

// value reads a version of a file for comparing.
func (c content) value(data []byte, r *reader) (*value, error) {
	r.left = maxValues
	switch c {
	case structured:
		docs, err := decode(data)
		if err != nil {
			return nil, err
		}
		return r.stream(docs)
	case settings:
		return parseSettings(data).value(r), nil
	}
	s, shown := string(data), string(data)
	if c == binary_ {
		shown = fmt.Sprintf("(a file of %d bytes)", len(data))
	}
	return &value{kind: yaml.ScalarNode, text: shown, line: 1, hash: hashOf("", r.neutral(strings.ReplaceAll(s, "\r\n", "\n"))), exact: hashOf("", s)}, nil
}

func decode(data []byte) ([]*yaml.Node, error) {
	f, err := yamledit.Parse(data)
	if err != nil {
		return nil, err
	}
	return f.Docs(), nil
}

// settingsLine is a line of a settings file. Keys and values are as written, quotes included.
type settingsLine struct {
	key, middle, value string // middle is the "=" or ":" with the space around it; all empty for comments and blanks
	raw                string // with its line break
}

type settingsFile []settingsLine

var settingPattern = regexp.MustCompile(`(?s)^(\s*(?:export\s+)?[A-Za-z_][\w.-]*)(\s*[=:][ \t]*)(.*)$`)

// parseSettings parts dotenv and properties files. Their lines are independent of each other.
func parseSettings(data []byte) settingsFile {
	var out settingsFile
	lines := splitLines(string(data))
	for i := 0; i < len(lines); i++ {
		line := settingsLine{raw: lines[i]}
		if m := settingPattern.FindStringSubmatch(strings.TrimPrefix(strings.TrimRight(line.raw, "\r\n"), "\uFEFF")); m != nil {
			for open(m[3]) && i+1 < len(lines) { // the value goes on in the next line
				i++
				line.raw += lines[i]
				m[3] += strings.TrimRight(line.raw[len(m[1])+len(m[2])+len(m[3]):], "\r\n")
			}
			line.key, line.middle, line.value = strings.TrimSpace(m[1]), m[2], m[3]
		}
		out = append(out, line)
	}
	return out
}

// open reports whether a value goes on behind its line break: after a backslash, or within double quotes.
func open(value string) bool {
	return strings.HasSuffix(value, `\`) || (strings.HasPrefix(value, `"`) && strings.Count(value, `"`)-strings.Count(value, `\"`) == 1)
}

// isSettings reports whether a text is KEY=value lines, blanks and comments, each key once and each value on its line.
func isSettings(data []byte) bool {
	seen := map[string]bool{}
	for _, line := range parseSettings(data) {
		trimmed := strings.TrimSpace(line.raw)
		switch {
		case trimmed == "" || trimmed[0] == '#' || trimmed[0] == ';':
		case line.key == "" || seen[line.key] || open(line.value) || indented(line.raw):
			return false
		case strings.Contains(line.middle, ":") && line.value == "":
			return false
		default:
			seen[line.key] = true
		}
	}
	return len(seen) > 0
}

func indented(s string) bool { return s != "" && (s[0] == ' ' || s[0] == '\t') }

// value is the file as a map of its keys.
func (f settingsFile) value(r *reader) *value {
	v := &value{kind: yaml.MappingNode, line: 1}
	for i, line := range f {
		if line.key == "" {
			continue
		}
		s := strings.TrimSpace(line.value)
		v.add(segmentOf(line.key), nil, &value{kind: yaml.ScalarNode, text: s, line: i + 1, hash: hashOf("!!str", r.neutral(s)), exact: hashOf("!!str", s)})
	}
	v.seal()
	return v
}
