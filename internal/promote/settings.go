package promote

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// mergeSettings merges KEY=value files key by key, in place.
func (m *merger) mergeSettings(ours, theirs []byte) []byte {
	o, t := parseSettings(ours), parseSettings(theirs)
	vo, vt := o.value(m.base.to), t.value(m.base.from)
	eol := "\n"
	if strings.Contains(string(ours), "\r\n") || (!strings.Contains(string(ours), "\n") && strings.Contains(string(theirs), "\r\n")) {
		eol = "\r\n"
	}
	final := len(ours) == 0 || ours[len(ours)-1] == '\n'
	set, insert := map[int]string{}, map[int][]string{}
	gone := map[int]bool{}
	lineOf := func(v *value) int { return v.line - 1 }
	for i, c := range vt.children {
		mine, path := vo.get(c.segment), m.prefix.child(c.segment)
		if mine != nil && (mine.hash == c.hash || mine.exact == c.value.exact) {
			continue
		}
		if !m.takes(fieldPath{c.segment}, path, mine, c.value) {
			continue
		}
		line := t[lineOf(c.value)]
		translated, ok := m.translated(path, mine, c.value)
		if !ok {
			continue
		}
		m.took(fieldPath{c.segment}, mine, c.value)
		if mine != nil {
			set[lineOf(mine)] = translated
			continue
		}
		at := len(o)
		for j := i - 1; j >= 0; j-- { // behind the nearest key above it that the target has too
			if above := vo.get(vt.children[j].segment); above != nil {
				at = lineOf(above) + 1
				break
			}
		}
		insert[at] = append(insert[at], line.key+line.middle+translated)
	}
	for _, c := range vo.children {
		if vt.get(c.segment) == nil && m.takes(fieldPath{c.segment}, m.prefix.child(c.segment), c.value, nil) {
			gone[lineOf(c.value)] = true
			m.took(fieldPath{c.segment}, c.value, nil)
		}
	}
	if len(set)+len(insert)+len(gone) == 0 {
		return ours
	}
	var b strings.Builder
	for i := 0; i <= len(o); i++ {
		for _, line := range insert[i] {
			if s := b.String(); s != "" && !strings.HasSuffix(s, "\n") {
				b.WriteString(eol)
			}
			b.WriteString(line + eol)
		}
		if i == len(o) || gone[i] {
			continue
		}
		raw := o[i].raw
		if to, ok := set[i]; ok {
			body := strings.TrimRight(raw, "\r\n")
			head := body[:len(body)-len(o[i].value)]
			raw = head + to + raw[len(body):]
		}
		b.WriteString(raw)
	}
	out := b.String()
	if !final {
		out = strings.TrimSuffix(out, eol)
	}
	return []byte(out)
}

// translated is a scalar of the source in the target's words. It is false, and a conflict, where the source's environment
// is named and nothing shows what the target says instead.
func (m *merger) translated(path fieldPath, o, t *value) (string, bool) {
	out, unknown := m.names.translate(t.text)
	if unknown != "" {
		m.conflict(path, o, t, verdict{why: "the value names the environment " + quote(unknown) + ", and the files do not show what the target says instead"})
		return "", false
	}
	return out, true
}

// unknownName looks for the name of the source's environment, untranslatable, anywhere in a value.
func (m *merger) unknownName(v *value) string {
	if v.kind == yaml.ScalarNode {
		if _, ok := m.base.from.ways.same(v.text); ok {
			return ""
		}
		_, unknown := m.names.translate(v.text)
		return unknown
	}
	for _, c := range v.children {
		if unknown := m.unknownName(c.value); unknown != "" {
			return unknown
		}
	}
	return ""
}
