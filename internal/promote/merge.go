package promote

import (
	"bytes"
	"cmp"
	"fmt"
	"io/fs"
	"slices"

	"github.com/sluice-dev/sluice/internal/finding"
)

// Merge computes what a promotion along an edge changes in the target. ours and theirs hold all files of the two sides;
// nothing outside edge.Pairs is touched. It fails where the history cannot be read; everything else that is wrong is in the
// result.
func Merge(edge Edge, base Base, ours, theirs Files) (Result, error) {
	if edge.Keep == nil {
		edge.Keep = DefaultKeep
	}
	if edge.Always == nil {
		edge.Always = DefaultAlways
	}
	p := &promotion{edge: &edge, base: base, ours: ours, theirs: theirs, names: newNames(edge.From.Env, edge.To.Env), after: Files{}}
	for name, file := range ours {
		p.after[name] = file
	}
	p.learn()
	p.names.settle()
	var added, removed []Pair
	for _, pair := range edge.Pairs {
		_, mine := ours[pair.To]
		_, other := theirs[pair.From]
		switch {
		case mine && other:
			if err := p.change(pair, pair, ""); err != nil {
				return Result{}, err
			}
		case other:
			added = append(added, pair)
		case mine:
			removed = append(removed, pair)
		}
	}
	added, removed, err := p.renames(added, removed)
	if err != nil {
		return Result{}, err
	}
	// A directory's own kustomization decides about the files below it.
	slices.SortStableFunc(added, func(a, b Pair) int { return cmp.Compare(rank(a.To), rank(b.To)) })
	for _, pair := range added {
		if err := p.add(pair); err != nil {
			return Result{}, err
		}
	}
	for _, pair := range removed {
		if err := p.remove(pair); err != nil {
			return Result{}, err
		}
	}
	if p.bounded > 0 {
		files := "1 file was"
		if p.bounded > 1 {
			files = fmt.Sprintf("%d files were", p.bounded)
		}
		p.result.Findings = append(p.result.Findings, finding.Finding{
			Rule: "promotion/history-bound", Severity: finding.Warning,
			Message: files + " made before the history that was read: values that the source had before count as the target's own. " +
				"Raise promotion.history in .sluice.yaml where that says less than you need",
		})
	}
	p.result.sort()
	return p.result, nil
}

// promotion is one run of Merge.
type promotion struct {
	edge         *Edge
	base         Base
	ours, theirs Files
	after        Files // ours, as promoted so far
	names        *names
	result       Result
	bounded      int // files whose history was cut short
}

// fileBase is the base of a pair of files; was are the source's and target's paths before a rename.
func (p *promotion) fileBase(kind content, pair, was Pair) (*fileBase, error) {
	b := &fileBase{
		kind: kind, from: newReader(p.names, p.names.from, schemes{}), to: newReader(p.names, p.names.to, schemes{}), whole: true, known: p.base,
	}
	if isKustomization(pair.To) && len(p.edge.Copies) > 0 {
		b.from.ways, b.to.ways = waysFrom(pair.From, pair.To, p.edge.Copies), waysFrom(pair.To, pair.To, p.edge.Copies)
	}
	if p.base.recorded != nil {
		f, ok := p.base.recorded[was.From]
		b.recorded = &snapshot{text: f.Data, gone: !ok}
	}
	if part := p.edge.Part; part != nil && part.Before != nil {
		f, ok := part.Before[was.From]
		b.before = &snapshot{text: f.Data, gone: !ok}
		if part.Now != nil {
			f, ok := part.Now[was.From]
			b.now = &snapshot{text: f.Data, gone: !ok}
		}
	}
	if p.base.history == nil {
		b.whole = false
		return b, nil
	}
	var whole bool
	var err error
	if b.source, b.whole, err = p.versions(pair.From, was.From); err != nil {
		return nil, err
	}
	if b.target, whole, err = p.versions(pair.To, was.To); err != nil {
		return nil, err
	}
	if b.whole = b.whole && whole; !b.whole && b.recorded == nil {
		p.bounded++
	}
	if f, ok := p.ours[was.To]; ok && (len(b.target) == 0 || string(b.target[len(b.target)-1].text) != string(f.Data)) {
		b.target = append(b.target, &snapshot{seq: latest, text: f.Data})
	}
	if f, ok := p.theirs[pair.From]; ok && (len(b.source) == 0 || string(b.source[len(b.source)-1].text) != string(f.Data)) {
		b.source = append(b.source, &snapshot{seq: latest, text: f.Data})
	}
	return b, nil
}

// versions reads the history of a file under all its names.
func (p *promotion) versions(paths ...string) (out []*snapshot, whole bool, err error) {
	whole = true
	for _, name := range slices.Compact(paths) {
		versions, complete, err := p.base.history.Versions(name)
		if err != nil {
			return nil, false, fmt.Errorf("read the history of %s: %w", name, err)
		}
		whole = whole && complete
		for _, v := range versions {
			out = append(out, &snapshot{seq: v.Seq, commit: v.Commit, text: v.Data, gone: v.Deleted})
		}
	}
	slices.SortStableFunc(out, func(a, b *snapshot) int {
		if a.seq != b.seq {
			return cmp.Compare(a.seq, b.seq)
		}
		return cmp.Compare(btoi(b.gone), btoi(a.gone)) // a rename removes and adds in one commit
	})
	return out, whole, nil
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (p *promotion) merger(b *fileBase, pair, was Pair) *merger {
	rel, _ := relative(was.To, p.edge.To.Dir)
	return &merger{
		names: p.names, edge: p.edge, result: &p.result, base: b, file: was.To, below: rel, files: []string{pair.From, pair.To, was.From, was.To},
	}
}

// change merges a file that both sides have. After a rename, was holds the paths before it.
func (p *promotion) change(pair, was Pair, renamed string) error {
	o, t := p.ours[was.To], p.theirs[pair.From]
	if renamed == "" && string(o.Data) == string(t.Data) && kindOf(o) == kindOf(t) {
		return nil
	}
	kind := contentOf(pair.To, o.Data)
	switch other := contentOf(pair.From, t.Data); {
	case kindOf(o) != kindOf(t) || kindOf(o) == fs.ModeSymlink || kind == binary_ || other == binary_:
		kind = binary_
	case kind != other:
		kind = text
	}
	b, err := p.fileBase(kind, pair, was)
	if err != nil {
		return err
	}
	m := p.merger(b, pair, was)
	if isEncrypted(o.Data) || isEncrypted(t.Data) {
		m.withhold(nil, nil, nil, "the file is encrypted for its environment")
		return nil
	}
	kept := p.result.mark()
	data, err := m.merge(kind, o.Data, t.Data)
	if err != nil {
		p.result.restore(kept)
		if !p.edge.Part.touches(p.theirs, pair, was) {
			m.withhold(nil, nil, nil, "it was not asked for")
			return nil
		}
		p.unmergeable(was, err)
		return nil
	}
	edit := Edit{Path: pair.To, Action: Change, File: File{data, o.Mode}, Source: pair.From}
	if string(data) == string(t.Data) && p.edge.Part.touches(p.theirs, pair, was) {
		edit.Mode = t.Mode
	}
	switch {
	case renamed != "":
		edit.Action, edit.Was = Add, renamed
		p.put(Edit{Path: renamed, Action: Delete})
	case string(data) == string(o.Data) && edit.Mode == o.Mode:
		return nil
	}
	p.put(edit)
	return nil
}

// isEncrypted reports whether a file was encrypted by SOPS: its values are readable with the keys of one environment.
func isEncrypted(data []byte) bool {
	return bytes.Contains(data, []byte("ENC[AES256_GCM,")) && bytes.Contains(data, []byte("sops"))
}

func kindOf(f File) fs.FileMode { return f.Mode & fs.ModeSymlink }

func (p *promotion) put(e Edit) {
	if !slices.ContainsFunc(p.result.Taken, func(t Taken) bool { return t.File == e.Path || t.File == e.Was }) {
		p.result.Taken = append(p.result.Taken, Taken{File: e.Path})
	}
	p.result.Edits = append(p.result.Edits, e)
	if e.Action == Delete {
		delete(p.after, e.Path)
	} else {
		p.after[e.Path] = e.File
	}
}

// unmergeable records a file that stays as it is.
func (p *promotion) unmergeable(pair Pair, err error) {
	message, line := describe(err)
	file := pair.To
	if side, ok := err.(*sideError); ok && !side.target {
		file = pair.From
	}
	p.result.Findings = append(p.result.Findings, finding.Finding{
		Rule: "promotion/unmergeable", Severity: finding.Error, Message: message, Pos: finding.Pos{File: file, Line: line},
	})
	p.result.Conflicts = append(p.result.Conflicts, Conflict{File: pair.To, Line: line, Why: message})
}
