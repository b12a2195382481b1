package report

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/sluice-dev/sluice/internal/diff"
	"github.com/sluice-dev/sluice/internal/finding"
)

// TextOptions says how the text view looks. Its zero value is plain text without the list of targets.
type TextOptions struct {
	Color  bool // ANSI colours
	All    bool // list the targets that were found, and the kustomizations that are none, with why
	NoDiff bool // leave out the diffs
}

// Text writes the report for a terminal: what changes, then what is wrong, then the verdict, so that the verdict is
// what stands above the prompt. Everything from the repository has its control characters made visible.
func Text(w io.Writer, r *Report, opts TextOptions) error {
	out := bufio.NewWriter(w)
	t := textWriter{Writer: out, opts: opts}
	if opts.All {
		t.layout(r)
	}
	if !opts.NoDiff {
		t.diffs(r)
	}
	t.targets(r)
	t.findings(r)
	t.waived(r)
	for _, note := range r.Notes {
		fmt.Fprintf(t, "note: %s\n", visible(note, "\n\t"))
	}
	for _, what := range r.Unchecked {
		fmt.Fprintf(t, "%s %s\n", t.color(red, "not checked:"), visible(what, "\n\t"))
	}
	fmt.Fprintln(t, r.CoverageLine())
	if r.Unaffected > 0 {
		fmt.Fprintf(t, "%s cannot be reached by the change\n", plural(r.Unaffected, "target"))
	}
	hue := map[Verdict]string{Pass: green, Fail: red, Incomplete: yellow}[r.Verdict]
	fmt.Fprintf(t, "%s %s\n", t.color(hue, string(r.Verdict)+":"), strings.TrimPrefix(r.Headline(), "Incomplete: "))
	return out.Flush()
}

// ANSI colours of the terminal's own palette.
const (
	bold   = "1"
	faint  = "2"
	red    = "31"
	green  = "32"
	yellow = "33"
	cyan   = "36"
)

type textWriter struct {
	io.Writer
	opts TextOptions
}

func (t textWriter) color(hue, text string) string {
	if !t.opts.Color || hue == "" {
		return text
	}
	return "\x1b[" + hue + "m" + text + "\x1b[0m"
}

func (t textWriter) layout(r *Report) {
	fmt.Fprintf(t, "%s\n", t.color(bold, plural(len(r.Targets), "target")))
	for _, target := range r.Targets {
		fmt.Fprintf(t, "  %s  %s in %s, %s (%s)\n", visible(target.ID, ""), visible(target.App, ""), visible(target.Environment, ""),
			plural(target.Objects, "object"), target.Status)
	}
	if len(r.NonTargets) > 0 {
		fmt.Fprintf(t, "%s\n", t.color(bold, fmt.Sprintf("%s with a kustomization that is no target", plural(len(r.NonTargets), "directory"))))
	}
	for _, n := range r.NonTargets {
		fmt.Fprintf(t, "  %s  %s\n", visible(n.Dir, ""), t.color(faint, visible(n.Why, "")))
	}
	fmt.Fprintln(t)
}

// diffs writes every group of equal changes once.
func (t textWriter) diffs(r *Report) {
	for _, s := range r.sections() {
		fmt.Fprintf(t, "%s %s", t.color(bold, string(s.action)), t.color(bold, visible(s.title(), "")))
		if s.was != "" {
			fmt.Fprintf(t, " (was %s)", visible(s.was, ""))
		}
		fmt.Fprintf(t, "\n")
		for _, p := range s.parts {
			where := "in " + r.where(p.targets)
			if p.against != nil {
				where += ", compared with " + r.where(p.against.targets)
			}
			fmt.Fprintf(t, "%s\n", t.color(faint, where))
			for l := range strings.Lines(p.diff) {
				l = visible(strings.TrimSuffix(l, "\n"), "\t")
				hue := ""
				switch {
				case l == "":
				case l[0] == '+':
					hue = green
				case l[0] == '-':
					hue = red
				case l[0] == '@':
					hue = cyan
				}
				fmt.Fprintf(t, "  %s\n", t.color(hue, l))
			}
		}
		fmt.Fprintln(t)
	}
}

// where names up to three targets, or counts them by environment.
func (r *Report) where(ids []string) string {
	if len(ids) > 3 {
		return plural(len(ids), "target") + " (" + r.environmentCounts(ids, func(e string) string { return visible(e, "") }) + ")"
	}
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = visible(id, "")
	}
	return strings.Join(names, ", ")
}

func (t textWriter) targets(r *Report) {
	counts := make(map[string]map[diff.Action]int)
	for _, c := range r.Changes {
		if counts[c.Target] == nil {
			counts[c.Target] = make(map[diff.Action]int)
		}
		counts[c.Target][shownAction(c)]++
	}
	const shown = 50
	n := 0
	for _, target := range r.Targets {
		what := actionCounts(counts[target.ID])
		switch {
		case target.Status == Failed:
			what = t.color(red, "could not be rendered")
		case target.Status == Removed:
			what = strings.TrimSuffix("removed, "+what, ", ")
		case target.Base == Failed:
			what = "could not be rendered on base, so that nothing is compared"
		case what == "":
			continue
		case target.Base == Absent:
			what = "new, " + what
		}
		if n++; n > shown && target.Status != Failed {
			continue
		}
		fmt.Fprintf(t, "%s: %s\n", visible(target.ID, ""), what)
	}
	if n > shown {
		fmt.Fprintf(t, "and %s with changes\n", plural(n-shown, "more target"))
	}
	if n > 0 {
		fmt.Fprintln(t)
	}
}

// excerpt shows the line that a finding names, with a caret under the column.
func (t textWriter) excerpt(f finding.Finding) {
	if f.Excerpt == "" || f.Line == 0 {
		return
	}
	line := strings.ReplaceAll(f.Excerpt, "\t", " ")
	number := strconv.Itoa(f.Line)
	fmt.Fprintf(t, "  %s %s\n", t.color(faint, number+" |"), visible(line, ""))
	if f.Column > 0 {
		fmt.Fprintf(t, "  %s %s%s\n", t.color(faint, strings.Repeat(" ", len(number))+" |"), strings.Repeat(" ", f.Column-1), t.color(cyan, "^"))
	}
}

// findings writes those that are new, or all that gate, in the form that editors know.
func (t textWriter) findings(r *Report) {
	hues := map[finding.Severity]string{finding.Error: red, finding.Warning: yellow, finding.Notice: cyan}
	quiet := 0
	for _, f := range r.Findings {
		state := ""
		switch {
		case f.Has(finding.New):
		case !f.Has(finding.Existing):
			continue
		case r.Gate.Findings == "new":
			quiet++
			continue
		default:
			state = "existing "
		}
		at := f.Pos.String()
		if at == "" {
			at = f.Object
		}
		if at != "" {
			at = t.color(bold, visible(at, "")+":") + " "
		}
		fmt.Fprintf(t, "%s%s %s %s", at, t.color(hues[f.Severity], state+f.Severity.String()+":"), visible(f.Message, "\n\t"), t.color(faint, "["+visible(f.Rule, "")+"]"))
		if ids := onHead(f); len(ids) > 0 {
			fmt.Fprintf(t, " %s", t.color(faint, "in "+r.where(ids)))
		}
		fmt.Fprintln(t)
		t.excerpt(f)
	}
	if quiet > 0 {
		fmt.Fprintf(t, "%s, not shown (--findings all)\n", plural(quiet, "existing finding"))
	}
	if fixed := len(r.inState(finding.Fixed)); fixed > 0 {
		fmt.Fprintf(t, "%s fixed\n", plural(fixed, "finding"))
	}
}
