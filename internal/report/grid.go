package report

import (
	"fmt"
	"io"
	"strings"
)

// Grid is a table of texts for people, which may come from the repository: each view escapes them for where it goes.
type Grid struct {
	Title  string
	Header []string
	Rows   [][]string // as many texts as Header has; "" is shown as a dash
	Notes  []string   // below the table
}

// Markdown writes the grid as GitHub shows tables.
func (g Grid) Markdown(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "## %s\n\n| %s |\n|%s\n", prose(g.Title), strings.Join(g.Header, " | "), strings.Repeat("---|", len(g.Header)))
	for _, row := range g.Rows {
		for _, text := range row {
			fmt.Fprintf(&b, "| %s ", orDash(text, cell))
		}
		b.WriteString("|\n")
	}
	for i, note := range g.Notes {
		if i == 0 {
			b.WriteString("\n")
		}
		fmt.Fprintf(&b, "- %s\n", prose(note))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// gridCSS is small, for the page must not need anything else.
const gridCSS = `body{font:15px/1.5 system-ui,sans-serif;margin:2rem;color:#1f2328;background:#fff}
table{border-collapse:collapse}
th,td{text-align:left;vertical-align:top;padding:.3rem .8rem;border-bottom:1px solid #d1d9e0}
th{font-weight:600}
@media(prefers-color-scheme:dark){body{color:#e6edf3;background:#0d1117}th,td{border-color:#3d444d}}
`

// HTML writes the grid as a page in one file, which runs nothing and loads nothing.
func (g Grid) HTML(w io.Writer) error {
	var b strings.Builder
	policy := fmt.Sprintf("default-src 'none'; style-src %s; base-uri 'none'; form-action 'none'", sourceHash(gridCSS))
	fmt.Fprintf(&b, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta http-equiv=\"Content-Security-Policy\" content=\"%s\">\n"+
		"<meta name=\"viewport\" content=\"width=device-width\">\n<title>%s</title>\n<style>%s</style>\n</head>\n<body>\n<h1>%s</h1>\n<table>\n<thead><tr>",
		policy, html(g.Title), gridCSS, html(g.Title))
	for _, name := range g.Header {
		fmt.Fprintf(&b, "<th scope=\"col\">%s</th>", html(name))
	}
	b.WriteString("</tr></thead>\n<tbody>\n")
	for _, row := range g.Rows {
		b.WriteString("<tr>")
		for _, text := range row {
			fmt.Fprintf(&b, "<td>%s</td>", orDash(text, html))
		}
		b.WriteString("</tr>\n")
	}
	b.WriteString("</tbody>\n</table>\n")
	for _, note := range g.Notes {
		fmt.Fprintf(&b, "<p>%s</p>\n", html(note))
	}
	b.WriteString("</body>\n</html>\n")
	_, err := io.WriteString(w, b.String())
	return err
}

func orDash(text string, escape func(string) string) string {
	if text == "" {
		return "–"
	}
	return escape(text)
}
