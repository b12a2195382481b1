package report

import (
	"cmp"
	"slices"
	"strings"
)

// Delta compares what a promotion changes in its target, as rendered, with what the same change did in its source: the delta of
// deltas.
type Delta struct {
	Equal   int         // objects whose change is the same on both sides
	Unlike  []DeltaItem // objects whose change is not
	Missing string      // why it could not be computed; "" where it was
}

// DeltaItem is one object whose change differs between the two sides.
type DeltaItem struct {
	Object string   // Kind/name
	Only   []string // lines of the diff: "source +  replicas: 2"
}

// Compare sets two lists of changes against each other. In the lines of both sides, the names of the environments count as the same
// word, and so do the two namespaces and names of an object that hold them.
func Compare(source, target []Change, from, to string) Delta {
	same := func(text string) string {
		for _, env := range []string{from, to} {
			if env != "" {
				text = strings.ReplaceAll(text, env, "\x00")
			}
		}
		return text
	}
	type side struct {
		change Change
		lines  []string
	}
	key := func(c Change) string { return same(strings.Join([]string{c.Group, c.Kind, c.Name}, "\x01")) }
	of := make(map[string][2]*side)
	for i, list := range [][]Change{source, target} {
		for _, c := range list {
			pair := of[key(c)]
			if pair[i] == nil {
				pair[i] = &side{change: c}
			}
			pair[i].lines = append(pair[i].lines, moved(c.Diff)...)
			of[key(c)] = pair
		}
	}
	var out Delta
	for _, pair := range of {
		var lines [2][]string
		var shown Change
		for i, s := range pair {
			if s != nil {
				lines[i], shown = s.lines, s.change
			}
		}
		only := unlike(lines[0], lines[1], same)
		if len(only) == 0 {
			out.Equal++
			continue
		}
		out.Unlike = append(out.Unlike, DeltaItem{Object: shown.Kind + "/" + shown.Name, Only: only})
	}
	slices.SortFunc(out.Unlike, func(a, b DeltaItem) int { return cmp.Compare(a.Object, b.Object) })
	return out
}

// moved gives the lines of a diff that were added or removed.
func moved(diff string) (out []string) {
	for line := range strings.Lines(diff) {
		line = strings.TrimRight(line, "\n")
		if strings.HasPrefix(line, "+++") || strings.HasPrefix(line, "---") {
			continue
		}
		if strings.HasPrefix(line, "+") || strings.HasPrefix(line, "-") {
			out = append(out, line)
		}
	}
	return out
}

// unlike gives the lines that only one side has, each as often as the other has it less.
func unlike(source, target []string, same func(string) string) (out []string) {
	left := make(map[string]int)
	for _, line := range target {
		left[same(line)]++
	}
	for _, line := range source {
		if left[same(line)] > 0 {
			left[same(line)]--
			continue
		}
		out = append(out, "source "+line)
	}
	for _, line := range target {
		if left[same(line)] > 0 {
			left[same(line)]--
			out = append(out, "target "+line)
		}
	}
	return out
}

func (b *promotionBody) delta() {
	d := b.Delta
	switch {
	case d == nil:
		return
	case d.Missing != "":
		b.printf("### Compared with %s\n\nNot compared: %s.\n\n", prose(b.From), prose(d.Missing))
		return
	case len(d.Unlike) == 0 && d.Equal == 0:
		b.printf("### Compared with %s\n\nNothing that is rendered changes, here or there.\n\n", prose(b.From))
		return
	case len(d.Unlike) == 0:
		b.printf("### Compared with %s\n\nThe rendered change in %s equals the rendered change that %s had: %s.\n\n",
			prose(b.From), prose(b.To), prose(b.From), plural(d.Equal, "object"))
		return
	}
	b.printf("### Compared with %s\n\nThe rendered change in %s equals the rendered change that %s had, except for these lines (%s the same):\n\n",
		prose(b.From), prose(b.To), prose(b.From), plural(d.Equal, "object"))
	var text strings.Builder
	rows := 0
	for _, item := range d.Unlike {
		text.WriteString("@@ " + item.Object + " @@\n")
		for _, line := range item.Only {
			if rows++; rows > b.rows {
				break
			}
			where, change, _ := strings.Cut(line, " ")
			env := b.From
			if where == "target" {
				env = b.To
			}
			text.WriteString(change + "   # only in " + env + "\n")
		}
	}
	if rows > b.rows {
		text.WriteString("… and more\n")
	}
	b.printf("%s\n", fence("diff", text.String()))
}
