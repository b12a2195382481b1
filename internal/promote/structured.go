package promote

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/sluice-dev/sluice/internal/yamledit"
	"go.yaml.in/yaml/v3"
)

// sourceError is a file of the source or of the target that cannot be merged as it is.
type sideError struct {
	target bool
	err    error
}

func (e *sideError) Error() string { return e.err.Error() }
func (e *sideError) Unwrap() error { return e.err }

// structure is the merge of two YAML or JSON texts.
type structure struct {
	*merger
	ours       *yamledit.File
	theirs     *yamledit.File
	translated map[*yaml.Node]yamledit.Fragment // nodes of theirs in the target's words
}

// mergeStructured merges field by field, and edits ours in place.
func (m *merger) mergeStructured(ours, theirs []byte) ([]byte, error) {
	of, err := yamledit.Parse(ours)
	if err != nil {
		return nil, &sideError{true, err}
	}
	tf, err := yamledit.Parse(theirs)
	if err != nil {
		return nil, &sideError{false, err}
	}
	if len(of.Docs()) == 0 || len(tf.Docs()) == 0 {
		return m.mergeWhole(text, ours, theirs), nil
	}
	o, t, err := m.readBoth(of.Docs(), tf.Docs())
	if err != nil {
		return nil, err
	}
	s := structure{merger: m, ours: of, theirs: tf}
	s.translate(string(theirs))
	s.merge(o, t, nil)
	if !of.Edited() {
		return ours, nil
	}
	out, err := of.Bytes()
	if err != nil {
		return nil, &sideError{true, err}
	}
	return m.layout(ours, theirs, out), nil
}

// readBoth reads both sides with the same names for the items of their lists.
func (m *merger) readBoth(ours, theirs []*yaml.Node) (o, t *value, err error) {
	s := schemes{lists: map[string]scheme{}, documents: len(ours) > 1 || len(theirs) > 1}
	m.base.from, m.base.to = m.base.from.with(s), m.base.to.with(s)
	if s.documents {
		byName := map[string]*yaml.Node{}
		for _, doc := range theirs {
			byName[m.base.from.document(root(doc))] = root(doc)
		}
		for _, doc := range ours {
			name := m.base.to.document(root(doc))
			s.agree(root(doc), byName[name], m.base.to, m.base.from, fieldPath{name}, 0)
		}
	} else {
		s.agree(root(ours[0]), root(theirs[0]), m.base.to, m.base.from, nil, 0)
	}
	if o, err = m.base.to.stream(ours); err != nil {
		return nil, nil, &sideError{true, err}
	}
	if t, err = m.base.from.stream(theirs); err != nil {
		return nil, nil, &sideError{false, err}
	}
	return o, t, nil
}

// translate prepares the source's nodes in the target's words: the whole text is translated, parsed, and paired with the
// original node by node.
func (s *structure) translate(theirs string) {
	in := s.names.replace(theirs)
	if in == theirs {
		return
	}
	f, err := yamledit.Parse([]byte(in))
	if err != nil || len(f.Docs()) != len(s.theirs.Docs()) {
		return
	}
	pairs := map[*yaml.Node]yamledit.Fragment{}
	var pair func(a, b *yaml.Node) bool
	pair = func(a, b *yaml.Node) bool {
		if a.Kind != b.Kind || len(a.Content) != len(b.Content) {
			return false
		}
		pairs[a] = yamledit.From(f, b)
		for i := range a.Content {
			if !pair(a.Content[i], b.Content[i]) {
				return false
			}
		}
		return true
	}
	for i, doc := range s.theirs.Docs() {
		if !pair(doc, f.Docs()[i]) {
			return
		}
	}
	s.translated = pairs
}

func (s *structure) fragment(n *yaml.Node) yamledit.Fragment {
	if in, ok := s.translated[n]; ok {
		return in
	}
	return yamledit.From(s.theirs, n)
}

// merge merges two values that stand in the same place.
func (s *structure) merge(o, t *value, at fieldPath) {
	switch {
	case o.hash == t.hash || o.exact == t.exact:
	case isAlias(o) && isAlias(t) && o.node.Value == t.node.Value: // what changed stands at the anchor
	case o.kind == yaml.DocumentNode, o.kind == t.kind && o.kind != yaml.ScalarNode && !isAlias(o) && !isAlias(t):
		s.mergeParts(o, t, at)
	case o.kind == yaml.ScalarNode && t.kind == yaml.ScalarNode && strings.Contains(o.text, "\n") && strings.Contains(t.text, "\n"):
		s.mergeInside(o, t, at)
	case s.takes(at, s.path(at), o, t) && s.known(at, o, t) && s.editable(o.node, at, o, t):
		s.ours.Set(o.node, s.fragment(t.node))
		s.took(at, o, t)
	}
}

func isAlias(v *value) bool { return v.node != nil && v.node.Kind == yaml.AliasNode }

// path is a path in this text as a path in the file.
func (m *merger) path(at fieldPath) fieldPath {
	return append(m.prefix[:len(m.prefix):len(m.prefix)], at...)
}

// known is false, and a conflict recorded, where a value names the source's environment and nothing shows what the target
// says instead.
func (s *structure) known(at fieldPath, o, t *value) bool {
	unknown := s.unknownName(t)
	if unknown != "" {
		s.conflict(s.path(at), o, t, verdict{why: "the value names the environment " + quote(unknown) + ", and the files do not show what the target says instead"})
	}
	return unknown == ""
}

// editable is false, and a conflict recorded, where the target's text is repeated elsewhere by aliases.
func (s *structure) editable(n *yaml.Node, at fieldPath, o, t *value) bool {
	if n == nil || !s.ours.Shared(n) {
		return true
	}
	s.conflict(s.path(at), o, t, verdict{why: "the target's text stands behind an anchor, so a change would reach other places too"})
	return false
}

// mergeParts merges maps, lists and streams of documents.
func (s *structure) mergeParts(o, t *value, at fieldPath) {
	for i, c := range t.children {
		path := at.child(c.segment)
		if mine := o.get(c.segment); mine != nil {
			s.merge(mine, c.value, path)
			continue
		}
		if !s.takes(path, s.path(path), nil, c.value) || !s.known(path, nil, c.value) || !s.editable(o.node, path, nil, c.value) {
			continue
		}
		s.took(path, nil, c.value)
		index := place(o, t, i)
		switch o.kind {
		case yaml.DocumentNode:
			s.ours.InsertDoc(index, s.fragment(c.node))
		case yaml.MappingNode:
			s.ours.InsertEntry(o.node, index, s.fragment(c.key), s.fragment(c.node))
		default:
			s.ours.InsertItem(o.node, index, s.fragment(c.node))
		}
	}
	for i, c := range o.children {
		path := at.child(c.segment)
		if t.get(c.segment) != nil || !s.takes(path, s.path(path), c.value, nil) || !s.editable(o.node, path, c.value, nil) {
			continue
		}
		s.took(path, c.value, nil)
		switch o.kind {
		case yaml.DocumentNode:
			s.ours.DeleteDoc(i)
		case yaml.MappingNode:
			s.ours.Delete(c.key)
		default:
			s.ours.Delete(c.node)
		}
	}
}

// place is where the i'th part of t goes among those of o: behind the nearest part above it that o has too, else before
// the nearest below it, else at the end.
func place(o, t *value, i int) int {
	for j := i - 1; j >= 0; j-- {
		if k, ok := o.index[t.children[j].segment]; ok {
			return k + 1
		}
	}
	for j := i + 1; j < len(t.children); j++ {
		if k, ok := o.index[t.children[j].segment]; ok {
			return k
		}
	}
	return len(o.children)
}

// mergeInside merges texts that fields hold: configuration files in ConfigMaps, patches in kustomizations.
func (s *structure) mergeInside(o, t *value, at fieldPath) {
	kind := sniff([]byte(o.text))
	if other := sniff([]byte(t.text)); other != kind {
		kind = text
	}
	sub := *s.merger
	sub.prefix, sub.line, sub.base = s.path(at), s.line+o.line, s.base.inside(at, kind)
	before := *s.result
	merged, err := sub.merge(kind, []byte(o.text), []byte(t.text))
	if err != nil {
		*s.result = before
		sub.base = s.base.inside(at, text)
		merged = sub.mergeText([]byte(o.text), []byte(t.text))
	}
	if string(merged) != o.text && s.editable(o.node, at, o, t) {
		s.ours.Set(o.node, yamledit.Scalar(string(merged)))
	}
}

// layout prefers the result of a merge line by line where it says the same: it keeps the source's own way to make the
// change, comments and order included. It must not touch more lines than the edit by structure does, comments apart.
func (m *merger) layout(ours, theirs, edited []byte) []byte {
	if m.edge.Part != nil && m.edge.Part.Before == nil {
		return edited // the source's lines hold more than was asked for
	}
	o := splitLines(string(ours))
	was := m.nearest(o)
	if was == nil {
		return edited
	}
	merged, conflicts := mergeLines(was, o, splitLines(m.names.replace(string(theirs))))
	if len(conflicts) > 0 {
		return edited
	}
	out := []byte(strings.Join(merged, ""))
	if touched(o, merged) > touched(o, splitLines(string(edited)))+2 || !m.sameValue(out, edited) {
		return edited
	}
	return out
}

// touched counts the lines that were added and removed, comments and blanks apart.
func touched(a, b []string) int {
	return distance(withoutComments(a), withoutComments(b))
}

func withoutComments(lines []string) []string {
	var out []string
	for _, line := range lines {
		if s := strings.TrimSpace(line); s != "" && s[0] != '#' {
			out = append(out, s)
		}
	}
	return out
}

// sameValue reports whether two texts hold the same documents.
func (m *merger) sameValue(a, b []byte) bool {
	plain := newReader(&names{}, nil, schemes{})
	va, errA := structured.value(a, plain)
	vb, errB := structured.value(b, plain)
	return errA == nil && errB == nil && va.exact == vb.exact
}

// describe says what is wrong with a file that cannot be merged.
func describe(err error) (message string, line int) {
	var duplicate *yamledit.DuplicateKeyError
	var unsafe *yamledit.UnsafeError
	switch {
	case errors.As(err, &duplicate):
		return fmt.Sprintf("the key %q is already in line %d, so the file cannot be merged: keep one of them", duplicate.Key, duplicate.First), duplicate.Line
	case errors.As(err, &unsafe):
		return "the change cannot be made in place: " + unsafe.Why + ". Make it by hand", unsafe.Line
	}
	why := err.Error()
	if m := atLine.FindStringSubmatch(why); m != nil {
		line, _ = strconv.Atoi(m[1])
		why = m[2]
	}
	return "the file cannot be read, so nothing of it is promoted: " + why, line
}

var atLine = regexp.MustCompile(`^line (\d+): (.*)`)
