package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/sluice-dev/sluice/internal/pipeline"
	"github.com/sluice-dev/sluice/internal/plan"
	"github.com/sluice-dev/sluice/internal/report"
)

// explainFormats are the forms of an explanation.
var explainFormats = []string{"text", "json"}

// explain writes why a target is rendered, or whom a path reaches. It renders nothing.
func (c *Command) explain(s sides, scope pipeline.Scope, name string, outputs []output) error {
	check := pipeline.Check{Base: s.base, Head: s.head, Changed: s.changed, Scope: scope}
	explanation, err := check.Explain(filepath.ToSlash(filepath.Clean(name)))
	if unknown := new(pipeline.UnknownNameError); errors.As(err, &unknown) {
		return usage(err)
	}
	if err != nil {
		return err
	}
	return c.writeOutputs(outputs, func(w io.Writer, out output) error {
		if out.format == "json" {
			encoder := json.NewEncoder(w)
			encoder.SetEscapeHTML(false)
			encoder.SetIndent("", "  ")
			return encoder.Encode(explanation)
		}
		writeExplanation(w, explanation)
		return nil
	})
}

func writeExplanation(w io.Writer, e *pipeline.Explanation) {
	if e.Target != nil {
		writeTargetExplanation(w, e.Target)
		return
	}
	p := e.Path
	state := "did not change"
	if p.Changed {
		state = "changed"
	}
	fmt.Fprintf(w, "%s %s. It reaches %s.\n", report.Visible(p.Path), state, counted(len(p.Reaches), "target"))
	writeReached(w, p.Reaches)
	if len(p.Was) > 0 {
		fmt.Fprintf(w, "On base it also reached %s.\n", counted(len(p.Was), "target"))
		writeReached(w, p.Was)
	}
	if p.NotTarget != "" {
		fmt.Fprintf(w, "It is no target itself: it %s.\n", report.Visible(p.NotTarget))
	}
}

func writeReached(w io.Writer, list []plan.Reached) {
	for _, r := range list {
		fmt.Fprintf(w, "  %s\n    %s\n", report.Visible(r.Target.ID), report.Visible(r.Text()))
	}
}

func writeTargetExplanation(w io.Writer, t *pipeline.TargetExplanation) {
	fmt.Fprintf(w, "%s is %s in %s.\n", report.Visible(t.ID), report.Visible(t.App), report.Visible(t.Environment))
	if t.Rendered {
		fmt.Fprintln(w, "It is rendered:")
	} else {
		fmt.Fprintln(w, "It is not rendered: nothing that it is built from differs between the sides.")
	}
	for _, why := range t.Why {
		fmt.Fprintf(w, "  %s\n", report.Visible(why))
	}
	fmt.Fprintf(w, "It is built from %s:\n", counted(len(t.Inputs), "path"))
	for _, name := range t.Inputs {
		fmt.Fprintf(w, "  %s\n", report.Visible(name))
	}
	if len(t.Absent) > 0 {
		fmt.Fprintln(w, "These are looked for and are not there:")
	}
	for _, name := range t.Absent {
		fmt.Fprintf(w, "  %s\n", report.Visible(name))
	}
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
