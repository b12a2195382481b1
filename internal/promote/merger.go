package promote

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// merger merges one file, or a text inside one.
type merger struct {
	names  *names
	edge   *Edge
	result *Result
	base   *fileBase
	file   string    // the target's
	files  []string  // its paths on both sides, before and after a rename
	below  string    // the same, below the target's directory: what rules match
	prefix fieldPath // of a text inside a file
	line   int       // 1-based line at which that text begins, less one
}

// takes decides about one difference: true where the target gets the source's value. Else it is recorded as withheld or as
// a conflict. local is the path in the text that is merged, path the one in the file.
func (m *merger) takes(local, path fieldPath, o, t *value) bool {
	rule, always := find(m.edge.Always, m.below, path)
	if keep, found := find(m.edge.Keep, m.below, path); found && !keep.yields && rule.yields {
		always = false // what the configuration keeps, a default does not take
	}
	v := m.base.judge(local, o, t, always)
	newer := v.side != behind && always && m.edge.NewerBuilds && isNewerBuild(o, t)
	if (v.side != targetsOwn || newer) && !m.asked(m.share(local, path, t), path, o, t) {
		return false
	}
	switch {
	case newer:
		return true
	case v.side == both:
		if why, ok := m.kept(local, path, o, t); ok && !always {
			m.withhold(path, o, t, why)
			return false
		}
		m.conflict(path, o, t, v)
		last := &m.result.Conflicts[len(m.result.Conflicts)-1]
		last.Again, last.Commit = m.had(local, t), m.base.since(local)
		return false
	case v.side == targetsOwn:
		m.withhold(path, o, t, v.why)
		return false
	case always:
		return true
	}
	if why, ok := m.kept(local, path, o, t); ok {
		m.withhold(path, o, t, why)
		return false
	}
	return true
}

// build is a tag that a pipeline makes of the time and the commit: 20230503100058-3a49501946d7.
var build = regexp.MustCompile(`^[0-9]{14}-[0-9a-f]{7,40}$`)

// isNewerBuild reports whether both sides are such tags, and the source's is the later one.
func isNewerBuild(o, t *value) bool {
	return o != nil && t != nil && build.MatchString(o.text) && build.MatchString(t.text) && o.text < t.text
}

// kept reports whether the target owns a field, whatever the source did.
func (m *merger) kept(local, path fieldPath, o, t *value) (why string, ok bool) {
	covered := func(path fieldPath) bool {
		rule, found := find(m.edge.Keep, m.below, path)
		if found && !(rule.yields && o != nil && m.base.followed(local, o)) {
			why, ok = orElse(rule.Why, "a keep rule covers it"), true
		}
		return ok
	}
	if covered(path) {
		return why, true
	}
	if len(path) > 0 && isItem(path[len(path)-1]) { // an item whose identity is kept
		key, _, _ := strings.Cut(strings.Trim(path[len(path)-1], "[]"), "=")
		if item := orValue(o, t); item.get(key) != nil && covered(path.child(key)) {
			return why, true
		}
	}
	if pointed := pointed(path); pointed != nil && covered(pointed) {
		return why, true
	}
	if o != nil && o.kind == yaml.ScalarNode && len(path) > 0 && m.names.mentions(o.text, m.names.to) {
		return "the target's value names its environment", true
	}
	return "", false
}

func orValue(a, b *value) *value {
	if a != nil {
		return a
	}
	return b
}

// pointed is the field that an operation of a JSON patch sets: [op=replace,path=/spec/replicas].value is spec.replicas.
func pointed(path fieldPath) fieldPath {
	if len(path) < 2 || path[len(path)-1] != "value" {
		return nil
	}
	_, pointer, ok := strings.Cut(strings.TrimSuffix(path[len(path)-2], "]"), "path=/")
	if !ok {
		return nil
	}
	var out fieldPath
	for _, segment := range strings.Split(pointer, "/") {
		if _, err := strconv.Atoi(segment); err == nil || segment == "-" {
			segment = "[" + segment + "]"
		}
		out = append(out, strings.NewReplacer("~1", "/", "~0", "~").Replace(segment))
	}
	return out
}

func (m *merger) withhold(path fieldPath, o, t *value, why string) {
	m.result.Withheld = append(m.result.Withheld, Withheld{File: m.file, Path: path.String(), Target: show(o), Source: show(t), Why: why})
}

func (m *merger) conflict(path fieldPath, o, t *value, v verdict) {
	line := 0
	if o != nil {
		line = m.line + o.line
	}
	m.result.Conflicts = append(m.result.Conflicts, Conflict{File: m.file, Path: path.String(), Line: line, Base: v.base, Ours: show(o), Theirs: show(t), Why: v.why})
}

// took records what the target gets. local is the path in the text that is merged.
func (m *merger) took(local fieldPath, o, t *value) {
	m.result.Taken = append(m.result.Taken, Taken{File: m.file, Path: m.path(local).String(), Was: show(o), Is: show(t), Again: m.had(local, t), Commit: m.base.since(local)})
}

// had reports whether the target once had a value of the source.
func (m *merger) had(local fieldPath, t *value) bool {
	return slices.ContainsFunc(m.base.runs(m.base.target, m.base.to, local)[1:], func(r run) bool { return r.hash == hashOrZero(t) })
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

func quote(s string) string { return strconv.Quote(s) }

// merge merges two texts of the same kind.
func (m *merger) merge(kind content, ours, theirs []byte) ([]byte, error) {
	switch kind {
	case structured:
		return m.mergeStructured(ours, theirs)
	case settings:
		return m.mergeSettings(ours, theirs), nil
	case text:
		return m.mergeText(ours, theirs), nil
	}
	return m.mergeWhole(kind, ours, theirs), nil
}

// mergeWhole takes the source's file or leaves the target's.
func (m *merger) mergeWhole(kind content, ours, theirs []byte) []byte {
	o, _ := kind.value(ours, m.base.to)
	t, _ := kind.value(theirs, m.base.from)
	if o.hash == t.hash || !m.takes(nil, m.prefix, o, t) {
		return ours
	}
	return theirs
}

// mergeText merges line by line. The base is the version of the source that the target is nearest to.
func (m *merger) mergeText(ours, theirs []byte) []byte {
	if !m.askedWhole(ours, theirs) {
		return ours
	}
	o, t := splitLines(string(ours)), splitLines(string(theirs))
	if in, unknown := m.names.translate(string(theirs)); unknown == "" {
		t = splitLines(in)
	}
	was := m.nearest(o)
	if was == nil {
		return m.mergeWhole(text, ours, theirs)
	}
	merged, conflicts := mergeLines(was, o, t)
	for _, c := range conflicts {
		m.result.Conflicts = append(m.result.Conflicts, Conflict{
			File: m.file, Path: m.prefix.String(), Line: m.line + c.o0 + 1, Why: "both sides changed these lines",
			Base: strings.Join(was[c.b0:c.b1], ""), Ours: strings.Join(o[c.o0:c.o1], ""), Theirs: strings.Join(t[c.t0:c.t1], ""),
		})
	}
	return []byte(strings.Join(merged, ""))
}

// askedWhole reports whether a text belongs to what is promoted. Of lines nobody can ask for one.
func (m *merger) askedWhole(ours, theirs []byte) bool {
	if m.edge.Part == nil {
		return true
	}
	o, _ := text.value(ours, m.base.to)
	t, _ := text.value(theirs, m.base.from)
	size := func(v *value) *value {
		return &value{kind: v.kind, text: fmt.Sprintf("(a text of %d bytes)", len(v.text)), line: 1}
	}
	return o.hash == t.hash || m.asked(m.share(nil, m.prefix, t), m.prefix, size(o), size(t))
}

// nearest is the recorded base, or the source's version that differs least from the target, the newest of several; in the
// target's words. It is nil where there is none.
func (m *merger) nearest(ours []string) (lines []string) {
	least, versions := -1, m.base.source
	if m.base.recorded != nil {
		versions = []*snapshot{m.base.recorded}
	}
	if m.base.before != nil { // of the lines, those that the change brought
		versions = []*snapshot{m.base.before}
	}
	for _, s := range slices.Backward(versions) {
		if s.gone {
			continue
		}
		version := string(s.text)
		if in, unknown := m.names.translate(version); unknown == "" {
			version = in
		}
		candidate := splitLines(version)
		if d := distance(ours, candidate); least < 0 || d < least {
			least, lines = d, candidate
		}
	}
	return lines
}
