package report

import (
	"fmt"
	"strings"

	"github.com/sluice-dev/sluice/internal/diff"
)

// maxRows bounds the table of environments.
const maxRows = 30

// environments counts what happens in each, in a table; columns in which nothing happens are left out.
func (c *comment) environments() {
	environments, tallies := c.r.byEnvironment()
	if len(environments) == 0 {
		return
	}
	columns := []struct {
		title string
		right bool
		cell  func(*tally) string
	}{
		{"Changed", true, func(t *tally) string { return some(t.actions[diff.Changed] + t.actions[diff.Renamed]) }},
		{"Added", true, func(t *tally) string { return some(t.actions[diff.Added]) }},
		{"Removed", true, func(t *tally) string { return some(t.actions[diff.Removed]) }},
		{"Restarts", false, (*tally).restartWords},
		{"Requests", false, (*tally).requestWords},
		{"New findings", false, func(t *tally) string { return severities(t.findings) }},
	}
	head, rule := "| Environment | Targets |", "|---|--:|"
	rows := make([]string, 0, len(environments))
	for i, environment := range environments {
		if i == maxRows {
			rows = append(rows, fmt.Sprintf("| … and %s | |", plural(len(environments)-maxRows, "more environment")))
			break
		}
		t := tallies[environment]
		name := environmentCell(environment)
		if environment == c.last && environment != "" {
			name = "**" + name + "**"
		}
		targets := thousands(t.targets)
		if t.failed > 0 {
			targets += fmt.Sprintf(" (**%d failed**)", t.failed)
		}
		if t.added > 0 {
			targets += fmt.Sprintf(" (%d new)", t.added)
		}
		if t.removed > 0 {
			targets += fmt.Sprintf(" (%d removed)", t.removed)
		}
		rows = append(rows, fmt.Sprintf("| %s | %s |", name, targets))
	}
	for _, column := range columns {
		empty := true
		for _, t := range tallies {
			empty = empty && column.cell(t) == ""
		}
		if empty {
			continue
		}
		head += " " + column.title + " |"
		if column.right {
			rule += "--:|"
		} else {
			rule += "---|"
		}
		for i := range rows {
			if i < maxRows {
				rows[i] += " " + column.cell(tallies[environments[i]]) + " |"
			} else {
				rows[i] += " |"
			}
		}
	}
	c.printf("%s\n%s\n%s\n\n", head, rule, strings.Join(rows, "\n"))
}

// some is a number, or nothing for none: zeros hide what matters.
func some(n int) string {
	if n == 0 {
		return ""
	}
	return thousands(n)
}
