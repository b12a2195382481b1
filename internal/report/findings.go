package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice/internal/finding"
)

// findings lists what is wrong, new findings first and by severity.
func (c *comment) findings(t tier) {
	var shown finding.List
	existing := 0
	for _, f := range c.r.Findings {
		switch {
		case c.isCause(f), c.isRisk(f):
		case f.Has(finding.New):
			shown = append(shown, f)
		case f.Has(finding.Existing) && c.r.Gate.Findings != "new":
			shown = append(shown, f)
		case f.Has(finding.Existing):
			existing++
		}
	}
	if len(shown) > 0 {
		c.printf("#### Findings\n\n")
		for _, severity := range []finding.Severity{finding.Error, finding.Warning, finding.Notice} {
			var some finding.List
			for _, f := range shown {
				if f.Severity == severity {
					some = append(some, f)
				}
			}
			c.list(some, t)
		}
		c.printf("\n")
	}
	if existing > 0 {
		c.printf("%s that base has too: not shown.\n\n", plural(existing, "finding"))
	}
}

var severityMarks = map[finding.Severity]string{finding.Error: "❌", finding.Warning: "⚠️", finding.Notice: "ℹ️"}

// list writes findings as a list of at most t.findings; what several objects have in the same words is one entry.
func (c *comment) list(findings finding.List, t tier) {
	entries := sameWords(findings)
	for i, entry := range entries {
		f := entry[0]
		if t.findings > 0 && i >= t.findings {
			left := 0
			for _, e := range entries[i:] {
				left += len(e)
			}
			c.printf("- … and %s\n", plural(left, "more "+f.Severity.String()))
			return
		}
		c.printf("- %s %s %s", severityMarks[f.Severity], prose(shorten(f.Message, 1_000)), code(f.Rule))
		if len(entry) > 1 {
			c.places(entry, t)
			continue
		}
		at := c.place(f)
		if ids := onHead(f); len(ids) > 0 {
			at = append(at, "in "+c.where(ids))
		}
		if len(at) > 0 {
			c.printf("<br>%s", strings.Join(at, " · "))
		}
		c.printf("\n")
	}
}

// sameWords gathers the findings that differ in their place only, in the order of the first.
func sameWords(findings finding.List) []finding.List {
	type key struct {
		rule, message string
		severity      finding.Severity
	}
	var out []finding.List
	index := make(map[key]int)
	for _, f := range findings {
		k := key{f.Rule, f.Message, f.Severity}
		i, ok := index[k]
		if !ok {
			i = len(out)
			index[k] = i
			out = append(out, nil)
		}
		out[i] = append(out[i], f)
	}
	return out
}

// place gives the source and the object of a finding.
func (c *comment) place(f finding.Finding) (at []string) {
	if f.File != "" {
		at = append(at, c.file(f.Pos))
	}
	if f.Object != "" {
		at = append(at, code(f.Object))
	}
	return at
}

// places says where a finding is that several objects have.
func (c *comment) places(entry finding.List, t tier) {
	var ids []string
	for _, f := range entry {
		ids = append(ids, onHead(f)...)
	}
	c.printf("<br>%s", plural(len(entry), "place"))
	if slices.Sort(ids); len(ids) > 0 {
		c.printf(" in %s", c.where(slices.Compact(ids)))
	}
	shown := entry
	if t.places > 0 && len(shown) > t.places {
		shown = shown[:t.places]
	}
	for _, f := range shown {
		c.printf("<br>%s", strings.Join(c.place(f), " · "))
	}
	if left := len(entry) - len(shown); left > 0 {
		c.printf("<br>… and %s", thousands(left)+" more")
	}
	c.printf("\n")
}

// file links a position, where links are known.
func (c *comment) file(pos finding.Pos) string {
	if c.opts.FileURL == "" {
		return code(pos.String())
	}
	at := c.opts.FileURL + pathURL(pos.File)
	if pos.Line > 0 {
		at += fmt.Sprintf("#L%d", pos.Line)
	}
	return "[" + code(pos.String()) + "](" + at + ")"
}
