package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice/internal/finding"
)

// waivedCounts says for the coverage line how many findings do not count; "" for none.
func (r *Report) waivedCounts() string {
	counts := make(map[finding.WaiverKind]int)
	for _, f := range r.Waived {
		counts[f.Waiver.Kind]++
	}
	var b strings.Builder
	for _, kind := range []struct {
		kind finding.WaiverKind
		how  string
	}{{finding.ByException, "by exceptions"}, {finding.ByComment, "by comments"}, {finding.ByPolicy, "by policies"}} {
		if n := counts[kind.kind]; n > 0 {
			fmt.Fprintf(&b, "; %s accepted %s", plural(n, "finding"), kind.how)
		}
	}
	return b.String()
}

// waivedBy says who accepts a finding, and why. It is not escaped.
func waivedBy(w finding.Waiver) string {
	switch w.Kind {
	case finding.ByException:
		return fmt.Sprintf("%s accepts it until %s: %s", w.Owner, w.Until, w.Reason)
	case finding.ByPolicy:
		return fmt.Sprintf("%s accepts it (%s)", w.Reason, w.Pos)
	default:
		return fmt.Sprintf("a comment in line %d accepts it: %s", w.Line, w.Reason)
	}
}

// waivedSentence is a finding that does not count, with why, in one line without markup.
func (r *Report) waivedSentence(f finding.Finding) string {
	text := f.String()
	if f.Pos.String() == "" && f.Object != "" {
		text = f.Object + ": " + text
	}
	text = visible(shorten(text, 1_000), "")
	if ids := onHead(f); len(ids) > 0 {
		text += " in " + r.where(ids)
	}
	return text + "; " + visible(waivedBy(*f.Waiver), "")
}

func (t textWriter) waived(r *Report) {
	for _, f := range r.Waived {
		fmt.Fprintf(t, "%s %s\n", t.color(faint, "accepted:"), r.waivedSentence(f))
	}
}

// waived lists the findings that do not count, folded; in a comment that has no room for them they are counted by its last line.
func (c *comment) waived(t tier) {
	if len(c.r.Waived) == 0 || t.waived == 0 {
		return
	}
	c.printf("<details><summary>%s accepted by exceptions, comments and policies</summary>\n\n", plural(len(c.r.Waived), "finding"))
	for i, f := range c.r.Waived {
		if i == t.waived {
			c.printf("- … and %s\n", thousands(len(c.r.Waived)-i)+" more")
			break
		}
		at := append([]string{prose(shorten(waivedBy(*f.Waiver), 500))}, c.place(f)...)
		if ids := onHead(f); len(ids) > 0 {
			at = append(at, "in "+c.where(ids))
		}
		c.printf("- %s %s %s<br>%s\n", severityMarks[f.Severity], prose(shorten(f.Message, 1_000)), code(f.Rule), strings.Join(at, " · "))
	}
	c.printf("\n</details>\n\n")
}

// waivedCase is a finding that does not count as a test that was skipped.
func waivedCase(class string, f finding.Finding) junitCase {
	return junitCase{
		Class: visible(class, ""), Name: visible(strings.TrimSpace(f.Rule+" "+f.Object), ""), File: visible(f.File, ""), Line: f.Line,
		Skipped: &junitSkipped{Message: visible(f.Message, "\n\t") + "; " + visible(waivedBy(*f.Waiver), "\n\t")},
	}
}

func validWaiver(w finding.Waiver) bool {
	return slices.Contains([]finding.WaiverKind{finding.ByException, finding.ByComment, finding.ByPolicy}, w.Kind) && w.Line >= 0 && w.Column >= 0
}

// ValidWaivers reports whether every finding that is waived says so in a known way, and no other has a waiver: a report that has passed
// through other hands may be made up.
func (r *Report) ValidWaivers() bool {
	for _, f := range r.Waived {
		if f.Waiver == nil || !validWaiver(*f.Waiver) {
			return false
		}
	}
	counting, _ := r.Findings.Split()
	return len(counting) == len(r.Findings)
}
