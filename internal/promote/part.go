package promote

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
)

// Part is what alone is promoted of an edge: some files and fields, or what one change brought. Everything else that would be promoted
// is withheld.
type Part struct {
	Name   string      // as people ask for it: "file=a.yaml", several sorted and joined by line breaks
	Files  []string    // whole files, by their path on either side
	Fields []PartField // single fields
	// Before are the source's files before the change that alone is promoted; the source itself is then as that change left it. Nil
	// where Files and Fields say what is promoted.
	Before Files
	// Now are the source's files as they are now, where the source is that of an earlier change: what has gone back since to what it was
	// Before is not promoted. Nil where nobody knows.
	Now Files
}

// PartField is a field of a file, and everything below it. Path is a pattern as in [ParseRule].
type PartField struct{ File, Path string }

// ParsePart reads what people ask for: file=PATH, or field=PATH#FIELD. Paths are those of either side, from the repository's root.
// However they are written and in whichever order, the same part has the same name.
func ParsePart(texts ...string) (Part, error) {
	var p Part
	var names []string
	for _, text := range texts {
		kind, what, _ := strings.Cut(text, "=")
		switch kind {
		case "file":
			if what == "" {
				return p, errors.New("file= needs the path of a file")
			}
			what = path.Clean(what)
			p.Files, names = append(p.Files, what), append(names, "file="+what)
		case "field":
			file, field, ok := strings.Cut(what, "#")
			if !ok || file == "" || field == "" {
				return p, fmt.Errorf("%q: a field is named by its file and its path in it: field=apps/shop/prod/values.yaml#image.tag", text)
			}
			if _, err := ParseRule("", field, ""); err != nil {
				return p, err
			}
			file = path.Clean(file)
			p.Fields, names = append(p.Fields, PartField{file, field}), append(names, "field="+file+"#"+field)
		default:
			return p, fmt.Errorf("%q is neither file=PATH nor field=PATH#FIELD", text)
		}
	}
	slices.Sort(names)
	p.Name = strings.Join(slices.Compact(names), "\n")
	return p, nil
}

// Named gives the files that a part names.
func (p Part) Named() []string {
	out := slices.Clone(p.Files)
	for _, f := range p.Fields {
		out = append(out, f.File)
	}
	return out
}

// touches reports whether anything of a file may belong to the part.
func (p *Part) touches(theirs Files, pairs ...Pair) bool {
	return p == nil || slices.ContainsFunc(pairs, func(pair Pair) bool {
		if p.Before != nil {
			was, had := p.Before[pair.From]
			is, has := theirs[pair.From]
			return had != has || string(was.Data) != string(is.Data) || was.Mode != is.Mode
		}
		return slices.ContainsFunc(p.Named(), func(name string) bool { return name == pair.From || name == pair.To })
	})
}

// moves reports whether a rename may belong to the part.
func (p *Part) moves(fresh, gone Pair) bool {
	if p == nil || p.Before == nil {
		return p.touches(nil, fresh, gone)
	}
	_, had := p.Before[gone.From]
	_, already := p.Before[fresh.From]
	return had && !already
}

// share says how much of a difference belongs to a part.
type share int

const (
	everything share = iota
	nothing
	something // and the rest of it does not
	undone    // it did, and the source has taken it back
)

// share looks at a difference: t is the source's value, nil for none.
func (m *merger) share(local, path fieldPath, t *value) share {
	part := m.edge.Part
	switch {
	case part == nil:
		return everything
	case part.Before != nil:
		return m.changedShare(local, t)
	}
	most := nothing
	for _, file := range part.Files {
		if slices.Contains(m.files, file) {
			return everything
		}
	}
	for _, f := range part.Fields {
		if !slices.Contains(m.files, f.File) {
			continue
		}
		for _, pattern := range m.patterns(f.Path) {
			switch {
			case covers(pattern, path):
				return everything
			case leadsTo(path, pattern):
				most = something
			}
		}
	}
	return most
}

// patterns gives a field as it was asked for, and with {env} for the name of either environment in the keys of list items, as their paths have it.
func (m *merger) patterns(field string) [][]string {
	out := [][]string{splitPath(field)}
	for _, side := range []*reader{m.base.from, m.base.to} {
		pattern := slices.Clone(out[0])
		for i, segment := range pattern {
			if strings.HasPrefix(segment, "[") {
				pattern[i] = strings.ReplaceAll(side.neutral(segment), placeholder, shownPlaceholder)
			}
		}
		out = append(out, pattern)
	}
	return out
}

// changedShare says how much of the source's value is what the change brought that alone is promoted.
func (m *merger) changedShare(local fieldPath, t *value) share {
	before := m.base.before
	was := m.base.at(before, m.base.from, local)
	switch {
	case !before.gone && before.value == nil:
		return something // it cannot be read as it was
	case hashOrZero(was) == hashOrZero(t):
		return nothing
	case m.undone(local, was):
		return undone
	case was == nil || t == nil || was.kind != t.kind || len(was.children) == 0:
		return everything
	}
	return something
}

// undone reports whether the source has now what it had before the change that alone is promoted.
func (m *merger) undone(local fieldPath, was *value) bool {
	now := m.base.now
	if now == nil {
		return false
	}
	is := m.base.at(now, m.base.from, local)
	return (now.gone || now.value != nil) && hashOrZero(is) == hashOrZero(was)
}

// covers reports whether a pattern selects a path, or what it is in.
func covers(pattern []string, path fieldPath) bool {
	for n := range len(path) + 1 {
		if matchSegments(pattern, path[:n], matchField) {
			return true
		}
	}
	return false
}

// leadsTo reports whether something below a path may be selected by a pattern.
func leadsTo(path fieldPath, pattern []string) bool {
	for i, segment := range path {
		if i == len(pattern) {
			return false
		}
		if pattern[i] == "**" {
			return true
		}
		if ok, err := matchField(pattern[i], segment); !ok || err != nil {
			return false
		}
	}
	return len(path) < len(pattern)
}

// asked reports whether a difference belongs to what is promoted. What does not is withheld; what does in part only is a conflict. o
// and t are what is shown of it.
func (m *merger) asked(part share, path fieldPath, o, t *value) bool {
	switch part {
	case nothing:
		m.withhold(path, o, t, "it was not asked for")
		return false
	case undone:
		m.withhold(path, o, t, "the source has taken it back since")
		return false
	case something:
		m.conflict(path, o, t, verdict{
			why: "only a part of this was asked for, and the target lacks what it belongs to: promote the rest too, or make the change by hand",
		})
		return false
	}
	return true
}
