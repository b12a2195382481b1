package diff

import (
	"slices"
	"sort"

	"github.com/aymanbagabas/go-udiff/lcs"
)

// text compares two texts line by line; prefix is their indentation.
func (w *writer) text(self *path, base, head, prefix string) {
	var b, h []string
	if base != "" {
		b = textLines(base)
	}
	if head != "" {
		h = textLines(head)
	}
	put := func(op byte, text string, row int) {
		w.lines = append(w.lines, line{op: op, text: text, at: self, row: row + 1})
	}
	align(b, h, func(i, iEnd, j, jEnd int, equal bool) {
		if equal {
			for ; j < jEnd; j++ {
				put(same, clip(prefix+h[j]), j)
			}
			return
		}
		was, is := b[i:iEnd], h[j:jEnd]
		wasText, isText := make([]string, len(was)), make([]string, len(is))
		for k := range max(len(was), len(is)) {
			switch {
			case k >= len(is):
				wasText[k] = clip(prefix + was[k])
			case k >= len(was):
				isText[k] = clip(prefix + is[k])
			default:
				wasText[k], isText[k] = clipPair(prefix+was[k], prefix+is[k])
			}
		}
		for _, text := range wasText {
			put(removed, text, j)
		}
		for k, text := range isText {
			put(added, text, j+k)
		}
	})
}

// align cuts two sequences into runs that are equal and runs that are not, and hands them over in order. Sequences that
// are short are compared as they are; in longer ones, the lines that each has once are paired first, so that 400,000 lines take a second, not an hour.
func align(base, head []string, run func(b, bEnd, h, hEnd int, equal bool)) {
	b, h := 0, 0
	emit := func(bTo, hTo int) { // what differs up to an equal run
		if b < bTo || h < hTo {
			run(b, bTo, h, hTo, false)
		}
		b, h = bTo, hTo
	}
	equal := func(n int) {
		if n > 0 {
			run(b, b+n, h, h+n, true)
		}
		b, h = b+n, h+n
	}
	section := func(bEnd, hEnd int) {
		n := 0
		for b+n < bEnd && h+n < hEnd && base[b+n] == head[h+n] {
			n++
		}
		equal(n)
		if b == bEnd || h == hEnd {
			emit(bEnd, hEnd)
			return
		}
		b0, h0 := b, h
		for _, d := range lcs.DiffLines(base[b0:bEnd], head[h0:hEnd]) {
			equal(b0 + d.Start - b)
			emit(b0+d.End, h0+d.ReplEnd)
		}
		equal(bEnd - b)
	}
	for _, a := range anchors(base, head) {
		section(a.base, a.head)
	}
	section(len(base), len(head))
}

// exact is the number of lines, of both sides, up to which sequences are compared without anchors. The library that
// compares what is between them gives up looking for the shortest edit after some 100 differences.
const exact = 400

// anchors gives the longest rising sequence of lines that base and head each have once: the idea of Bram Cohen's
// patience diff. There are none for short sequences.
func anchors(base, head []string) []pair {
	if len(base)+len(head) <= exact {
		return nil
	}
	type seen struct{ inBase, inHead, at int }
	lines := make(map[string]seen, len(base))
	for i, text := range base {
		s := lines[text]
		lines[text] = seen{s.inBase + 1, 0, i}
	}
	for _, text := range head {
		if s, ok := lines[text]; ok {
			s.inHead++
			lines[text] = s
		}
	}
	var once []pair // in head's order
	for j, text := range head {
		if s := lines[text]; s.inBase == 1 && s.inHead == 1 {
			once = append(once, pair{s.at, j})
		}
	}
	// tails[n] is the end of the best rising sequence of n+1 pairs; before links each pair to the one it follows.
	var tails []int
	before := make([]int, len(once))
	for i, p := range once {
		n := sort.Search(len(tails), func(n int) bool { return once[tails[n]].base >= p.base })
		before[i] = -1
		if n > 0 {
			before[i] = tails[n-1]
		}
		if n == len(tails) {
			tails = append(tails, i)
		} else {
			tails[n] = i
		}
	}
	if len(tails) == 0 {
		return nil
	}
	var rising []pair
	for i := tails[len(tails)-1]; i >= 0; i = before[i] {
		rising = append(rising, once[i])
	}
	slices.Reverse(rising)
	return rising
}
