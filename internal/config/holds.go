package config

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/sluice-dev/sluice/internal/finding"
)

// HoldsName is the file that holds promotions, from the repository's root.
const HoldsName = ".sluice/holds.yaml"

// Hold stops the promotion of an application to an environment: of one state of its source, or of all.
type Hold struct {
	App    AppName         `yaml:"app" required:"true" doc:"The application."`
	To     EnvironmentName `yaml:"to" required:"true" doc:"The environment that it is not promoted to."`
	From   EnvironmentName `yaml:"from" doc:"Only from this environment. Default: from any."`
	Source CommitID        `yaml:"source" doc:"The commit whose state of the source is held, until the source changes. Default: whatever the source is."`
	// Restored is what a rollback went back to: the files of the target are those of this commit.
	Restored CommitID  `yaml:"restored" doc:"The commit whose files a rollback restored."`
	Reason   PlainText `yaml:"reason" required:"true" doc:"Why."`
	Who      PlainText `yaml:"who" doc:"Who holds it."`
	Since    Instant   `yaml:"since" doc:"Since when, such as 2026-11-21T13:00:00Z."`

	Pos finding.Pos // where it stands in the file
}

// CommitID is the full id of a commit.
type CommitID string

func (CommitID) shape() shape {
	return shape{what: "the full id of a commit, 40 or 64 hexadecimal digits", pattern: `^([0-9a-f]{40}|[0-9a-f]{64})$`}
}

// Instant is a point in time, in seconds and in UTC.
type Instant struct{ time.Time }

func (Instant) shape() shape {
	return shape{what: "a point in time such as 2026-11-21T13:00:00Z", pattern: `^[12][0-9]{3}-[01][0-9]-[0-3][0-9]T[0-9:]{8}Z$`, timestamp: true}
}

func (i *Instant) parse(text string) (err error) {
	i.Time, err = time.Parse(time.RFC3339, text)
	return err
}

// String gives the form used in the file.
func (i Instant) String() string { return i.UTC().Format(time.RFC3339) }

// String says who holds what, since when and why.
func (h Hold) String() string {
	var b strings.Builder
	b.WriteString("held")
	if h.Who != "" {
		fmt.Fprintf(&b, " by %s", h.Who)
	}
	if !h.Since.IsZero() {
		fmt.Fprintf(&b, " since %s", h.Since)
	}
	fmt.Fprintf(&b, ": %s (%s)", h.Reason, h.Pos)
	if h.Source != "" {
		b.WriteString("; it ends when the source changes, or when its line is taken out")
	}
	return b.String()
}

// Line gives the hold as a line of the file, with its line feed.
func (h Hold) Line() string {
	var b strings.Builder
	fmt.Fprintf(&b, "- {app: %s, to: %s", yamlText(string(h.App)), yamlText(string(h.To)))
	for _, part := range []struct{ key, text string }{
		{"from", string(h.From)}, {"source", string(h.Source)}, {"restored", string(h.Restored)}, {"reason", string(h.Reason)}, {"who", string(h.Who)},
	} {
		if part.text != "" {
			fmt.Fprintf(&b, ", %s: %s", part.key, yamlText(part.text))
		}
	}
	if !h.Since.IsZero() {
		fmt.Fprintf(&b, ", since: %s", h.Since)
	}
	return b.String() + "}\n"
}

// ParseHolds reads the content of .sluice/holds.yaml: a list of holds. Whoever uses them must refuse to go on where there are
// findings: a hold that cannot be read still holds.
func ParseHolds(file string, data []byte) ([]Hold, finding.List) {
	d := &decoder{file: file, positions: make(map[string]finding.Pos)}
	var holds []Hold
	if root := d.document(data); root != nil {
		d.value(root, reflect.ValueOf(&holds).Elem(), nil)
	}
	for i := range holds {
		holds[i].Pos = d.positions[positionKey([]any{i})]
	}
	d.findings.Sort()
	return holds, d.findings
}

// HoldsOf gives the holds that concern an edge, whatever its source is.
func HoldsOf(holds []Hold, app, from, to string) []Hold {
	return slices.DeleteFunc(slices.Clone(holds), func(h Hold) bool {
		return string(h.App) != app || string(h.To) != to || h.From != "" && string(h.From) != from
	})
}

// yamlText writes a text as a scalar of a flow mapping. What could be anything but text is put in quotes.
func yamlText(text string) string {
	first := text[0] | 0x20
	if compiled(nameRegexp).MatchString(text) && first >= 'a' && first <= 'z' && !slices.Contains(reserved, strings.ToLower(text)) {
		return text
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\u2028", " ", "\u2029", " ").Replace(strings.ToValidUTF8(text, "\uFFFD")) + `"`
}

// reserved are words that YAML takes for something else than text.
var reserved = []string{"null", "true", "false", "yes", "no", "on", "off", "y", "n"}

// AppendHold adds a hold to the file as its last line; nil data is a file that is not there. The rest of the file stays byte for
// byte. It fails where the file has mistakes, or is a list that a line cannot be added to.
func AppendHold(file string, data []byte, hold Hold) ([]byte, error) {
	before, problems := ParseHolds(file, data)
	if len(problems) > 0 {
		return nil, errors.New(problems.String())
	}
	indent, eol := "", "\n"
	if len(before) > 0 {
		indent = strings.Repeat(" ", max(before[0].Pos.Column-3, 0)) // "- " stands before what the position names
	}
	text := string(data)
	if strings.Contains(text, "\r\n") {
		eol = "\r\n"
	}
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += eol
	}
	out := []byte(text + indent + strings.TrimSuffix(hold.Line(), "\n") + eol)
	after, problems := ParseHolds(file, out)
	if len(problems) > 0 || len(after) != len(before)+1 || after[len(before)].Source != hold.Source {
		return nil, fmt.Errorf("%s: a line cannot be added to it: write the holds as a list with one hold in a line, each beginning with \"- \"", file)
	}
	return out, nil
}
