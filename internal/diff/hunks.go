package diff

import (
	"fmt"
	"slices"
	"strings"
)

// maxHeaderPaths is how many fields a hunk header names.
const maxHeaderPaths = 3

// unified writes the lines that changed, with context, and counts them. Of an object that one side has, all lines are
// written, without header.
func unified(lines []line, opts Options) (text string, plus, minus int) {
	lines = told(lines)
	for _, l := range lines {
		switch l.op {
		case added:
			plus++
		case removed:
			minus++
		}
	}
	if plus+minus == 0 {
		return "", 0, 0
	}
	var b strings.Builder
	whole := plus == len(lines) || minus == len(lines)
	left := 0
	for _, h := range hunks(lines, opts.context()) {
		if left == 0 && !whole {
			fmt.Fprintf(&b, "@@ %s @@\n", header(lines[h.start:h.end]))
		}
		for _, l := range lines[h.start:h.end] {
			if left > 0 || b.Len()+len(l.text)+2 > opts.maxBytes() {
				left++
				continue
			}
			b.WriteByte(l.op)
			b.WriteString(l.text)
			b.WriteByte('\n')
		}
	}
	if left > 0 {
		fmt.Fprintf(&b, "@@ %d more lines are not shown @@\n", left)
	}
	return b.String(), plus, minus
}

// told takes what is counted elsewhere for no change, and says where that is how many fields there are.
func told(lines []line) []line {
	out := make([]line, 0, len(lines))
	for _, l := range lines {
		switch {
		case l.told && l.op == removed:
			continue
		case l.told:
			l.op = same
		case l.note && l.more == 0:
			continue
		case l.note:
			l.text += fmt.Sprintf("# so %s %d more %s", verb(l.more, "does", "do"), l.more, verb(l.more, "field", "fields"))
		}
		out = append(out, l)
	}
	return out
}

func verb(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// hunk is a range of lines.
type hunk struct{ start, end int }

// hunks gives the ranges that hold changes and n lines around them; ranges that touch are one.
func hunks(lines []line, n int) []hunk {
	var out []hunk
	for i, l := range lines {
		if l.op == same {
			continue
		}
		start, end := max(i-n, 0), min(i+n+1, len(lines))
		if last := len(out) - 1; last >= 0 && start <= out[last].end {
			out[last].end = end
		} else {
			out = append(out, hunk{start, end})
		}
	}
	return out
}

// header names the fields that enclose the changes of a hunk: one where they have one in common.
func header(lines []line) string {
	var paths []*path
	row, first := 0, true
	for _, l := range lines {
		if l.op == same {
			continue
		}
		if first {
			row, first = l.row, false
		}
		if len(paths) == 0 || paths[len(paths)-1] != l.at {
			paths = append(paths, l.at)
		}
	}
	if len(paths) == 0 {
		return ""
	}
	shared := paths[0]
	for _, p := range paths[1:] {
		shared = common(shared, p)
	}
	if shared != nil {
		if row > 1 && len(paths) == 1 {
			return fmt.Sprintf("%s line %d", shared, row)
		}
		return shared.String()
	}
	var names []string
	for _, p := range paths {
		if name := p.String(); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if len(names) > maxHeaderPaths {
		names = append(names[:maxHeaderPaths], "…")
	}
	return strings.Join(names, ", ")
}
