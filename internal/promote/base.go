package promote

import (
	"fmt"
	"math"
	"slices"
	"sort"

	"go.yaml.in/yaml/v3"
)

// Base says what the source and the target had in common. Its zero value knows nothing: every difference is then the
// target's own.
type Base struct {
	recorded Files
	source   string // the commit that the recorded files are of; "" where nobody knows
	history  History
	isBefore func(a, b string) bool
	parts    map[string]string
}

// BaseFiles is a base that a promotion recorded: the source's files as of a commit, by their paths in the source.
func BaseFiles(commit string, files Files) Base { return Base{recorded: files, source: commit} }

// WithHistory adds the history to a recorded base. The base still decides; history only tells where a default of Keep yields.
func (b Base) WithHistory(h History) Base {
	b.history = h
	return b
}

// WithParts adds which commits of the target promoted only a part, and of which commit of the source: what the target got from there is no
// choice of its own, however late it came. isBefore reports whether the history of a commit b holds a commit a, which may be the same.
func (b Base) WithParts(parts map[string]string, isBefore func(a, b string) bool) Base {
	b.parts, b.isBefore = parts, isBefore
	return b
}

// BaseFromHistory finds the base field by field from what the files of both sides once held:
//
//   - a value of the target that the source once had, and has left since, is behind;
//   - one that the source never had is the target's own; so is one that an edit of the target chose when the source already
//     had the value it has now, as in a rollback (what Always names is behind even then, and what a part brought, see WithParts);
//   - what the target never had is new where the source got it after the place for it existed in the target; else the
//     target was made without it, and that is its own;
//   - where both were equal once and both moved on since, the source last, it is a conflict.
func BaseFromHistory(h History) Base { return Base{history: h} }

// snapshot is a version of a file, or of a text inside it.
type snapshot struct {
	seq    int
	commit string
	text   []byte
	gone   bool
	value  *value
	read   bool
}

// fileBase is the base of one file.
type fileBase struct {
	recorded *snapshot   // nil where none is
	before   *snapshot   // the source before the change that alone is promoted; nil where that is not what is asked for
	now      *snapshot   // the source now, where it is that of an earlier change which is promoted; nil as before
	source   []*snapshot // the history, oldest first
	target   []*snapshot
	whole    bool // the history of both goes back to its beginning
	known    Base // what is known besides
	kind     content
	from, to *reader
}

// side says who moved a field.
type side int

const (
	targetsOwn side = iota
	behind
	both
)

type verdict struct {
	side
	why  string
	base string // the common value, where it is known
}

// latest is the place in history of what is not committed.
const latest = math.MaxInt

func (b *fileBase) at(s *snapshot, r *reader, path fieldPath) *value {
	if s.gone {
		return nil
	}
	if !s.read {
		s.read = true
		s.value, _ = b.kind.value(s.text, r) // a version that cannot be read tells nothing
	}
	return s.value.at(path)
}

// judge decides about a field that differs; o or t is nil where a side has none.
func (b *fileBase) judge(path fieldPath, o, t *value, always bool) verdict {
	if b.recorded != nil {
		return b.judgeRecorded(path, o, t)
	}
	source, target := b.runs(b.source, b.from, path), b.runs(b.target, b.to, path)
	moved := since(source)
	set := since(target)
	if o == nil {
		return b.judgeAbsent(path, t, moved, set, target)
	}
	if b.had(path, o) {
		switch {
		case moved >= set || always && t != nil:
			return verdict{side: behind}
		case t == nil && b.cameAsPart(path, o, target):
			return verdict{side: behind}
		case t == nil:
			return verdict{targetsOwn, "the target set it after the source had removed it", ""}
		case slices.ContainsFunc(target[:len(target)-1], func(r run) bool { return r.hash == t.hash }):
			return verdict{targetsOwn, "the target had the source's value and went back", ""}
		case b.cameAsPart(path, o, target):
			return verdict{side: behind}
		case set > b.placeSince(fieldPath{""}):
			return verdict{targetsOwn, "the target chose it when the source already had another value", ""}
		}
		return verdict{side: behind}
	}
	common, ok := b.common(path, set)
	switch {
	case moved > set && (ok || always):
		return verdict{both, "both sides changed it", common}
	case !b.whole:
		return verdict{targetsOwn, "in the history that was read, the source never had the target's value", ""}
	}
	return verdict{targetsOwn, "the source never had the target's value", ""}
}

func (b *fileBase) judgeRecorded(path fieldPath, o, t *value) verdict {
	was := b.at(b.recorded, b.from, path)
	switch {
	case hashOrZero(was) == hashOrZero(o):
		return verdict{side: behind}
	case hashOrZero(was) == hashOrZero(t) && b.takenBack(path, o):
		return verdict{side: behind}
	case hashOrZero(was) == hashOrZero(t):
		return verdict{targetsOwn, "the source has not changed it since the last promotion", ""}
	case o != nil && b.hadSince(path, o):
		return verdict{side: behind}
	}
	return verdict{both, "both sides changed it since the last promotion", show(was)}
}

// hadSince reports whether the source came to a value, or to none, after the recorded base. Where it has left that since, the target has it
// from there, by a promotion of a part or by hand, and is behind.
func (b *fileBase) hadSince(path fieldPath, v *value) bool {
	if b.known.source == "" || b.known.isBefore == nil {
		return false // nobody knows when anything was
	}
	return slices.ContainsFunc(b.source, func(s *snapshot) bool {
		was := b.at(s, b.from, path)
		return (s.gone || s.value != nil) && hashOrZero(was) == hashOrZero(v) && (s.commit == "" || !b.known.isBefore(s.commit, b.known.source))
	})
}

// takenBack reports whether the source, which has what was recorded, had the target's value in between, and went back after the target had
// got it.
func (b *fileBase) takenBack(path fieldPath, o *value) bool {
	return since(b.runs(b.source, b.from, path)) > since(b.runs(b.target, b.to, path)) && b.hadSince(path, o)
}

// cameAsPart reports whether the target's value, or that it has none, came with a promotion of a part: the source of that had it so.
func (b *fileBase) cameAsPart(path fieldPath, o *value, target []run) bool {
	source := b.known.parts[target[len(target)-1].commit]
	if source == "" || b.known.isBefore == nil {
		return false
	}
	for _, s := range slices.Backward(b.source) {
		if s.commit != "" && b.known.isBefore(s.commit, source) {
			was := b.at(s, b.from, path)
			return (s.gone || s.value != nil) && hashOrZero(was) == hashOrZero(o)
		}
	}
	return false
}

// judgeAbsent decides about a field that the target has not.
func (b *fileBase) judgeAbsent(path fieldPath, t *value, moved, set int, target []run) verdict {
	first := b.firstSeen(path)
	if slices.ContainsFunc(target, func(r run) bool { return r.hash != 0 }) {
		if moved > set || b.cameAsPart(path, nil, target) {
			return verdict{side: behind}
		}
		return verdict{targetsOwn, "the target removed it", ""}
	}
	place := b.placeSince(path)
	if first > place {
		return verdict{side: behind}
	}
	return verdict{targetsOwn, "the target was made without it", ""}
}

// firstSeen is when the source first had a path, -1 for before all known history.
func (b *fileBase) firstSeen(path fieldPath) int {
	for i, s := range b.source {
		if b.at(s, b.from, path) != nil {
			if i == 0 && !b.whole {
				return -1
			}
			return s.seq
		}
	}
	return latest
}

// placeSince is when the target got the container that a path belongs into, without a break until now.
func (b *fileBase) placeSince(path fieldPath) int {
	if len(path) == 0 {
		return -1 // a file: its directory is always there
	}
	place := path[:len(path)-1]
	seq := latest
	for i := len(b.target) - 1; i >= 0; i-- {
		s := b.target[i]
		if b.at(s, b.to, place) == nil && (s.gone || s.value != nil) {
			break
		}
		seq = s.seq
	}
	return seq
}

// run is a stretch of history in which a field had one value; hash 0 says that it was not there.
type run struct {
	seq    int
	hash   uint64
	commit string // with which it began; "" where nobody knows
}

func (b *fileBase) runs(list []*snapshot, r *reader, path fieldPath) []run {
	out := []run{{seq: -1}}
	for i, s := range list {
		v := b.at(s, r, path)
		if s.value == nil && !s.gone {
			continue
		}
		h := hashOrZero(v)
		if i == 0 && !b.whole {
			out[0].hash = h
			continue
		}
		if out[len(out)-1].hash != h {
			out = append(out, run{s.seq, h, s.commit})
		}
	}
	return out
}

// since is when the last run began.
func since(runs []run) int { return runs[len(runs)-1].seq }

// since gives the commit with which the source came to what it has at a path; "" where nobody knows.
func (b *fileBase) since(path fieldPath) string {
	runs := b.runs(b.source, b.from, path)
	return runs[len(runs)-1].commit
}

// followed reports whether the two sides came to a value one after the other: one took it from the other, so the target
// does not hold it by its own choice alone. Where both got it in one commit, or nobody knows, it is false.
func (b *fileBase) followed(path fieldPath, o *value) bool {
	set := since(b.runs(b.target, b.to, path))
	for _, r := range b.runs(b.source, b.from, path) {
		if r.hash == o.hash && r.seq != set && r.seq >= 0 && set >= 0 {
			return true
		}
	}
	return b.inStep(path)
}

// inStep reports whether the target's value was changed in the commits that changed the source's, to the same, and never
// otherwise: at least once after it was made. People then change it for all environments together, and the target does not own it.
func (b *fileBase) inStep(path fieldPath) bool {
	source, target := b.runs(b.source, b.from, path)[1:], b.runs(b.target, b.to, path)[1:]
	return len(target) >= 2 && len(source) >= len(target) && slices.Equal(target, source[:len(target)])
}

// had reports whether the source once had a value, or each part of it.
func (b *fileBase) had(path fieldPath, v *value) bool {
	for _, s := range b.source {
		if was := b.at(s, b.from, path); was != nil && was.hash == v.hash {
			return true
		}
	}
	if len(v.children) == 0 {
		return false
	}
	for _, c := range v.children {
		if !b.had(path.child(c.segment), c.value) {
			return false
		}
	}
	return true
}

// common is the last value that both sides had at the same time, before the target moved away at the given place.
func (b *fileBase) common(path fieldPath, before int) (string, bool) {
	source := b.source
	for i := len(b.target) - 1; i >= 0; i-- {
		t := b.target[i]
		if t.seq >= before {
			continue
		}
		until := before
		if i+1 < len(b.target) {
			until = b.target[i+1].seq
		}
		mine := b.at(t, b.to, path)
		if mine == nil {
			continue
		}
		next := sort.Search(len(source), func(j int) bool { return source[j].seq >= until })
		for j := next - 1; j >= 0; j-- {
			if v := b.at(source[j], b.from, path); v != nil && v.hash == mine.hash {
				return show(v), true
			}
			if source[j].seq <= t.seq {
				break
			}
		}
	}
	return "", false
}

// inside is the base of a text that a field holds.
func (b *fileBase) inside(path fieldPath, kind content) *fileBase {
	sub := &fileBase{whole: b.whole, known: b.known, kind: kind, from: b.from.fresh(), to: b.to.fresh()}
	part := func(list []*snapshot, r *reader) (out []*snapshot) {
		for _, s := range list {
			v := b.at(s, r, path)
			switch {
			case v != nil && v.kind == yaml.ScalarNode:
				out = append(out, &snapshot{seq: s.seq, commit: s.commit, text: []byte(v.text)})
			case s.gone || s.value != nil:
				out = append(out, &snapshot{seq: s.seq, commit: s.commit, gone: true})
			}
		}
		return out
	}
	sub.source, sub.target = part(b.source, b.from), part(b.target, b.to)
	single := func(s *snapshot) *snapshot {
		if s == nil {
			return nil
		}
		if list := part([]*snapshot{s}, b.from); len(list) > 0 {
			return list[0]
		}
		return &snapshot{gone: true}
	}
	sub.recorded, sub.before, sub.now = single(b.recorded), single(b.before), single(b.now)
	return sub
}

func hashOrZero(v *value) uint64 {
	if v == nil {
		return 0
	}
	return v.hash
}

// show is a value for a person: the text of a scalar, the size of anything else.
func show(v *value) string {
	switch {
	case v == nil:
		return ""
	case v.kind == yaml.ScalarNode:
		return v.text
	case v.kind == yaml.SequenceNode:
		return fmt.Sprintf("[%d items]", len(v.children))
	}
	return fmt.Sprintf("{%d fields}", len(v.children))
}
