package pipeline

import (
	"strings"
	"unicode/utf8"

	"github.com/sluice-dev/sluice/internal/diff"
	"github.com/sluice-dev/sluice/internal/finding"
	"github.com/sluice-dev/sluice/internal/manifest"
)

// maxExcerpt bounds the line of a source that is quoted, in runes. A longer one is not.
const maxExcerpt = 160

// quote gives findings the lines of head that they name. What may hold a secret is not quoted: files with Secrets or generators of
// them, files that are no YAML, objects with values that the configuration calls sensitive, and what was found because it is a secret.
func (l *locator) quote(findings finding.List, opts diff.Options) finding.List {
	lines := make(map[string][]string) // nil for a file that is not quoted
	for i := range findings {
		f := &findings[i]
		if f.Line == 0 || !isYAML(f.File) || strings.HasPrefix(f.Rule, "policy/secret") || !f.Has(finding.New) && !f.Has(finding.Existing) {
			continue
		}
		if id, ok := manifest.ParseID(f.Object); ok && diff.HasSensitive(id, opts) {
			continue
		}
		text, known := lines[f.File]
		if !known {
			data, err := l.tree.ReadFile(f.File)
			if err == nil && utf8.Valid(data) && !isSecret.Match(data) && !hasGenerators.Match(data) {
				text = strings.Split(string(data), "\n")
			}
			lines[f.File] = text
		}
		if f.Line > len(text) {
			continue
		}
		line := strings.TrimRight(text[f.Line-1], " \t\r")
		for _, pattern := range opts.SensitiveValues {
			if pattern.MatchString(line) {
				line = ""
			}
		}
		if n := utf8.RuneCountInString(line); n <= maxExcerpt && f.Column <= n {
			f.Excerpt = line
		}
	}
	return findings
}
