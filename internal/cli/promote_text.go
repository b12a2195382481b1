package cli

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/sluice-dev/sluice/internal/pipeline"
	"github.com/sluice-dev/sluice/internal/promote"
	"github.com/sluice-dev/sluice/internal/report"
)

// writePlanText writes a plan for a terminal: edge by edge, then what a pull request with it would be told.
func writePlanText(w io.Writer, planned *pipeline.PromotionPlan, written bool, opts report.TextOptions) error {
	for i, e := range planned.Edges {
		if i > 0 {
			fmt.Fprintln(w)
		}
		writeEdge(w, e, written)
	}
	for _, f := range planned.Findings {
		fmt.Fprintf(w, "%s: %s\n", f.Severity, report.Visible(f.String()))
	}
	for _, note := range planned.Notes {
		fmt.Fprintf(w, "note: %s\n", report.Visible(note))
	}
	if len(planned.Edges) == 0 {
		fmt.Fprintln(w, "nothing to promote: no application is in both environments")
	}
	if planned.Check == nil {
		return nil
	}
	fmt.Fprint(w, "\nA pull request with this promotion would be told:\n\n")
	return report.Text(w, planned.Check, opts)
}

func writeEdge(w io.Writer, e pipeline.PromotionEdge, written bool) {
	fmt.Fprintf(w, "%s: %s → %s: %s\n", report.Visible(e.App), report.Visible(e.From), report.Visible(e.To), summary(e, written))
	fmt.Fprintf(w, "  from %s at %.10s to %s\n", report.Visible(e.FromTarget), e.Source, report.Visible(strings.Join(e.ToTargets, ", ")))
	if e.Only != "" {
		fmt.Fprintf(w, "  %s\n", tellPart(e.Only))
	}
	for _, f := range e.Files {
		rest := ""
		if f.Was != "" {
			rest = ", was " + f.Was
		}
		if f.Conflict {
			rest += ", except what is in conflict"
		}
		fmt.Fprintf(w, "  %-8s %s\n", f.Action, report.Visible(f.Path+rest))
	}
	for _, conflict := range e.Conflicts {
		writeConflict(w, conflict)
	}
	for _, held := range e.Withheld {
		fmt.Fprintf(w, "  withheld %s: %s here, %s in %s: %s\n", report.Visible(place(held.File, 0, held.Path)),
			brief(held.Target), brief(held.Source), report.Visible(e.From), report.Visible(held.Why))
	}
	for _, g := range e.Gates {
		state := "closed"
		if g.Open {
			state = "open"
		}
		fmt.Fprintf(w, "  gate %-6s %s: %s\n", state, report.Visible(g.Name), report.Visible(g.Reason))
	}
	if e.PullRequest.Number > 0 {
		fmt.Fprintf(w, "  pull request #%d (%s) %s\n", e.PullRequest.Number, e.PullRequest.State, report.Visible(e.PullRequest.URL))
	}
	if len(e.Shared) > 0 {
		fmt.Fprintf(w, "  not promoted, for it is shared and reaches every environment that uses it: %s\n", report.Visible(strings.Join(e.Shared, ", ")))
	}
}

func summary(e pipeline.PromotionEdge, written bool) string {
	ready := len(e.Files)
	verb := "to change"
	if written {
		verb = "changed"
	}
	parts := []string{"nothing to promote"}
	if ready > 0 || len(e.Conflicts) > 0 {
		parts[0] = counted(ready, "file") + " " + verb
	}
	if e.Held() {
		parts[0] = "held"
	}
	if n := len(e.Conflicts); n > 0 {
		parts = append(parts, counted(n, "conflict"))
	}
	if n := len(e.Withheld); n > 0 {
		parts = append(parts, fmt.Sprintf("%d withheld", n))
	}
	return strings.Join(parts, ", ")
}

func writeConflict(w io.Writer, conflict promote.Conflict) {
	fmt.Fprintf(w, "  conflict %s: %s\n", report.Visible(place(conflict.File, conflict.Line, conflict.Path)), report.Visible(conflict.Why))
	for _, side := range [][2]string{{"base", conflict.Base}, {"ours", conflict.Ours}, {"theirs", conflict.Theirs}} {
		fmt.Fprintf(w, "    %-7s%s\n", side[0], brief(side[1]))
	}
}

// place is file:line and the field in it.
func place(file string, line int, field string) string {
	if line > 0 {
		file = fmt.Sprintf("%s:%d", file, line)
	}
	if field != "" {
		file += " " + field
	}
	return file
}

// brief is a value on one line, cut where it is long.
func brief(value string) string {
	const most = 100
	if value == "" {
		return "nothing"
	}
	value = report.Visible(strings.TrimRight(value, "\n"))
	if utf8.RuneCountInString(value) > most {
		return string([]rune(value)[:most]) + "…"
	}
	return value
}
