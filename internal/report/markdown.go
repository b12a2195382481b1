package report

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/sluice-dev/sluice/internal/finding"
)

// MarkdownOptions says what the Markdown view may refer to. Its zero value is a document without links.
type MarkdownOptions struct {
	// Title names the run where several report on one pull request; it comes from the workflow, not from the change.
	Title string
	// FileURL is what a path of the repository is appended to, such as "https://github.com/o/r/blob/SHA/".
	FileURL string
	// PageURL is where the complete report is; "" where there is none.
	PageURL string
	// Limit bounds the largest text that Comment tries to fill. Its zero value is that of a GitHub comment.
	Limit Limit
}

// Limit is how long a text may be, in both units that GitHub measures in.
type Limit struct {
	Runes int
	Bytes int
}

// The limits of GitHub. A comment: 65,536 characters by its message, 262,144 bytes by measurement, of which some are
// left for the marker that the publisher adds. A step summary: 1 MiB.
var (
	CommentLimit = Limit{Runes: 65_536 - 536, Bytes: 262_144 - 2_144}
	SummaryLimit = Limit{Runes: 1<<20 - 1<<12, Bytes: 1<<20 - 1<<12}
)

// Fits reports whether text is within the limit.
func (l Limit) Fits(text string) bool {
	return len(text) <= l.Bytes && (len(text) <= l.Runes || utf8.RuneCountInString(text) <= l.Runes)
}

// Markdown writes the whole report as Markdown, nothing left out.
func Markdown(w io.Writer, r *Report, opts MarkdownOptions) error {
	full := tiers[0]
	full.places = 0
	_, err := io.WriteString(w, newComment(r, opts).write(full))
	return err
}

// Comment gives the report as Markdown in falling sizes, each of which fits opts.Limit: all diffs; diffs as far as
// there is room, those of the last environment first; lists of what changed; counts; the verdict in a few lines. The
// last is always there, whatever the limit. A publisher posts the first, and the next where it is refused as too long.
func Comment(r *Report, opts MarkdownOptions) []string {
	if opts.Limit == (Limit{}) {
		opts.Limit = CommentLimit
	}
	c := newComment(r, opts)
	var out []string
	for _, t := range tiers {
		t.room = opts.Limit
		body := c.write(t)
		if opts.Limit.Fits(body) && (len(out) == 0 || len(body) < len(out[len(out)-1])) {
			out = append(out, body)
		}
	}
	return append(out, c.shortest())
}

// shortest is the verdict and where to find the rest.
func (c *comment) shortest() string {
	c.Reset()
	c.headline()
	c.printf("**This change is too large for a comment.** %s\n", c.elsewhere())
	return c.String()
}

// tier is how much a comment shows; 0 means no bound.
type tier struct {
	findings int  // of each severity
	places   int  // of one finding that many objects have
	where    int  // targets by name, before they are counted by environment
	diffs    bool // show diffs
	lines    int  // of one diff
	sections int  // changes in the list
	waived   int  // findings that do not count; none at all for 0
	fill     bool // diffs only as far as room allows
	room     Limit
}

var tiers = []tier{
	{where: 6, places: 5, diffs: true, waived: 50},
	{where: 3, places: 3, diffs: true, lines: 80, findings: 50, sections: 300, waived: 10, fill: true},
	{where: 3, places: 3, findings: 25, sections: 100},
	{where: 0, places: 1, findings: 5, sections: 5},
}

// comment writes one report as Markdown.
type comment struct {
	r        *Report
	opts     MarkdownOptions
	sections []section
	last     string // the environment that matters most
	isRisk   func(finding.Finding) bool
	targets  map[string]Target
	strings.Builder
}

func newComment(r *Report, opts MarkdownOptions) *comment {
	c := &comment{r: r, opts: opts, sections: r.sections(), last: r.last(), isRisk: r.isRisk(), targets: make(map[string]Target, len(r.Targets))}
	for _, t := range r.Targets {
		c.targets[t.ID] = t
	}
	return c
}

func (c *comment) write(t tier) string {
	c.Reset()
	c.headline()
	c.unchecked(t)
	c.risks(t)
	c.environments()
	c.findings(t)
	c.waived(t)
	c.images(t)
	tail := c.tail()
	c.changes(t, tail)
	c.WriteString(tail)
	return c.String()
}

func (c *comment) printf(format string, args ...any) { fmt.Fprintf(c, format, args...) }

var verdictMarks = map[Verdict]string{Pass: "✅", Fail: "❌", Incomplete: "⚠️"}

// headline says the verdict, and in one sentence what changes where.
func (c *comment) headline() {
	title := c.r.Headline()
	if c.opts.Title != "" {
		title = prose(shorten(c.opts.Title, 100)) + ": " + title
	}
	c.printf("### %s %s\n\n", verdictMarks[c.r.Verdict], title)
	t := c.r.total()
	var said []string
	if what := actionCounts(t.actions); what != "" {
		same := ""
		if n := len(c.sections); n < t.changes() {
			same = fmt.Sprintf(" Equal changes are shown once: %s to read.", thousands(n))
		}
		said = append(said, fmt.Sprintf("%s: %s.%s", plural(t.changes(), "object"), what, same))
	}
	if what := severities(t.findings); what != "" {
		said = append(said, fmt.Sprintf("New: %s.", what))
	}
	if n := len(c.r.inState(finding.Fixed)); n > 0 {
		said = append(said, fmt.Sprintf("Fixed: %s.", plural(n, "finding")))
	}
	if len(said) > 0 {
		c.printf("%s\n\n", strings.Join(said, " "))
	}
}

// unchecked lists the targets that failed, and why.
func (c *comment) unchecked(t tier) {
	var causes finding.List
	explained := make(map[string]bool)
	for _, f := range c.r.Findings {
		if c.isCause(f) {
			causes = append(causes, f)
			for _, t := range f.Targets {
				explained[t.ID] = true
			}
		}
	}
	var failed, incomparable []string
	for _, target := range c.r.Targets {
		switch {
		case target.Status == Failed && !explained[target.ID]:
			failed = append(failed, target.ID)
		case target.Status == Rendered && target.Base == Failed:
			incomparable = append(incomparable, target.ID)
		}
	}
	if len(causes)+len(failed)+len(incomparable)+len(c.r.Unchecked) == 0 {
		return
	}
	c.printf("#### Not checked\n\n")
	for i, what := range c.r.Unchecked {
		if t.findings > 0 && i == t.findings {
			c.printf("- … and %s\n", plural(len(c.r.Unchecked)-i, "more thing"))
			break
		}
		c.printf("- %s\n", prose(shorten(what, 1_000)))
	}
	c.list(causes, t)
	if len(failed) > 0 {
		c.printf("- %s could not be rendered\n", c.namedOrCounted(failed))
	}
	if len(incomparable) > 0 {
		c.printf("- %s could not be rendered on base: nothing to compare with, every finding counts as new\n", c.namedOrCounted(incomparable))
	}
	c.printf("\n")
}

// isCause reports whether a finding says why a target failed; those stand above the others.
func (c *comment) isCause(f finding.Finding) bool {
	if f.Severity != finding.Error || !preventsChecking(f.Rule) {
		return false
	}
	for _, t := range f.Targets {
		if t.State != finding.Fixed && c.targets[t.ID].Status == Failed {
			return true
		}
	}
	return false
}

// risks says what the change does that cannot be undone, or that gives power.
func (c *comment) risks(t tier) {
	var risks finding.List
	named := make(map[string]bool)
	for _, f := range c.r.inState(finding.New) {
		if c.isRisk(f) {
			risks = append(risks, f)
			named[f.Rule] = true
		}
	}
	type plain struct {
		risk
		section section
	}
	var others []plain
	for _, s := range c.sections {
		for _, r := range s.risks {
			if !named[r.rule] {
				others = append(others, plain{r, s})
			}
		}
	}
	if len(risks)+len(others) == 0 {
		return
	}
	c.printf("#### Risks\n\n")
	c.list(risks, t)
	for i, o := range others {
		if t.findings > 0 && i >= t.findings {
			c.printf("- … and %s\n", plural(len(others)-i, "more risk"))
			break
		}
		c.printf("- ⚠️ %s %s: %s in %s\n", o.section.action, code(o.section.title()), code(o.rule), c.where(o.targets))
	}
	c.printf("\n")
}

// where names one target, or counts several by environment.
func (c *comment) where(ids []string) string {
	if len(ids) == 1 {
		return code(ids[0])
	}
	return c.r.environmentCounts(ids, code)
}

// named lists targets.
func (c *comment) named(ids []string) string {
	parts := make([]string, len(ids))
	for i, id := range ids {
		parts[i] = code(id)
	}
	return strings.Join(parts, ", ")
}

// namedOrCounted lists targets as long as they are few.
func (c *comment) namedOrCounted(ids []string) string {
	if len(ids) > 10 {
		return plural(len(ids), "target") + " (" + c.r.environmentCounts(ids, code) + ")"
	}
	return c.named(ids)
}

// tail is what ends the comment: notes, coverage, commits.
func (c *comment) tail() string {
	var b strings.Builder
	const maxNotes = 10
	for i, note := range c.r.Notes {
		if i == maxNotes {
			fmt.Fprintf(&b, "> … and %s\n\n", plural(len(c.r.Notes)-i, "more note"))
			break
		}
		fmt.Fprintf(&b, "> %s\n\n", prose(shorten(note, 1_000)))
	}
	said := []string{prose(c.r.CoverageLine())}
	if c.r.Unaffected > 0 {
		said = append(said, plural(c.r.Unaffected, "target")+" out of the change’s reach")
	}
	if c.r.Base != "" {
		said = append(said, code(shortCommit(c.r.Base))+" → "+code(shortCommit(c.r.Head)))
	} else if c.r.Head != "" {
		said = append(said, code(shortCommit(c.r.Head)))
	}
	if c.opts.PageURL != "" {
		said = append(said, "[complete report]("+c.opts.PageURL+")")
	}
	fmt.Fprintf(&b, "<sub>%s</sub>\n", strings.Join(said, " · "))
	return b.String()
}

// shortCommit abbreviates a commit id and leaves other words.
func shortCommit(id string) string {
	if len(id) == 40 && strings.Trim(id, "0123456789abcdef") == "" {
		return id[:9]
	}
	return id
}
