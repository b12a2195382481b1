package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice/internal/finding"
)

// Code makes a Markdown code span of any text: nothing in it is a mention, a link or markup.
func Code(text string) string { return code(text) }

// Cell is Code for a table.
func Cell(text string) string { return cell(text) }

// Prose makes a sentence safe in Markdown: no markup, link or mention comes out of it.
func Prose(text string) string { return prose(text) }

// Fence makes a code block of any text, in a language such as "yaml".
func Fence(language, text string) string { return fence(language, text) }

// maxSuggested is how many targets are named where one was asked for that there is not.
const maxSuggested = 30

// TargetDiff gives all that changes in one target, as Markdown in falling sizes like [Comment]. Where the change does not reach the
// target, or there is none of that id, it says so and which there are.
func TargetDiff(r *Report, id string, opts MarkdownOptions) []string {
	if opts.Limit == (Limit{}) {
		opts.Limit = CommentLimit
	}
	i := slices.IndexFunc(r.Targets, func(t Target) bool { return t.ID == id })
	if i < 0 {
		return []string{r.noTarget(id)}
	}
	only := *r
	only.Targets = r.Targets[i : i+1]
	only.Changes = slices.DeleteFunc(slices.Clone(r.Changes), func(c Change) bool { return c.Target != id })
	only.Findings = slices.DeleteFunc(slices.Clone(r.Findings), func(f finding.Finding) bool { return !concerns(f, id) })
	only.Notes, only.Unaffected = nil, 0
	c := newComment(&only, opts)
	var out []string
	for _, t := range tiers {
		t.room = opts.Limit
		if body := c.writeTarget(t); opts.Limit.Fits(body) && (len(out) == 0 || len(body) < len(out[len(out)-1])) {
			out = append(out, body)
		}
	}
	c.Reset()
	c.printf("### What changes in %s\n\n**This is too large for a comment.** %s\n", code(id), c.elsewhere())
	return append(out, c.String())
}

func (c *comment) writeTarget(t tier) string {
	target := c.r.Targets[0]
	c.Reset()
	c.printf("### What changes in %s\n\n", code(target.ID))
	switch {
	case target.Status == Failed:
		c.unchecked(t)
	case len(c.r.Changes) == 0:
		c.printf("Nothing: the change reaches it, and it renders to the same.\n\n")
	}
	c.images(t)
	said := code(shortCommit(c.r.Base)) + " → " + code(shortCommit(c.r.Head))
	tail := fmt.Sprintf("<sub>%s</sub>\n", said)
	c.changes(t, tail)
	c.WriteString(tail)
	return c.String()
}

// noTarget answers the question for a target that is not among those of the report.
func (r *Report) noTarget(id string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "### What changes in %s\n\n", code(id))
	if len(r.Targets) == 0 {
		return b.String() + "Nothing: the change reaches no target.\n"
	}
	fmt.Fprintf(&b, "The change reaches no target of this name. It reaches:\n\n")
	for i, t := range r.Targets {
		if i == maxSuggested {
			fmt.Fprintf(&b, "- … and %s\n", plural(len(r.Targets)-i, "more target"))
			break
		}
		fmt.Fprintf(&b, "- %s\n", code(t.ID))
	}
	return b.String()
}

func concerns(f finding.Finding, id string) bool {
	return slices.ContainsFunc(f.Targets, func(t finding.TargetState) bool { return t.ID == id })
}
