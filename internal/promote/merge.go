package promote

import (
	"bytes"
	"cmp"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice/internal/finding"
	"go.yaml.in/yaml/v3"
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
		p.result.Findings = append(p.result.Findings, finding.Finding{
			Rule: "promotion/history-bound", Severity: finding.Warning,
			Message: fmt.Sprintf("the history of %d files was not read to its beginning: values that the source had before count as the target's own. Fetch more history (fetch-depth: 0), or raise the bound", p.bounded),
		})
	}
	p.result.sort()
	return p.result, nil
}

// rank sorts by depth, kustomizations before what stands beside them.
func rank(name string) int {
	depth := 2 * strings.Count(name, "/")
	if isKustomization(name) {
		depth--
	}
	return depth
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

// learn collects how the two sides call their environments, from everything that stands in the same place.
func (p *promotion) learn() {
	plain := newReader(&names{}, nil, schemes{})
	for _, pair := range p.edge.Pairs {
		o, mine := p.ours[pair.To]
		t, other := p.theirs[pair.From]
		if !mine || !other {
			continue
		}
		f, _ := relative(pair.From, p.edge.From.Dir)
		if g, ok := relative(pair.To, p.edge.To.Dir); ok {
			p.names.learn(g, f)
		}
		kind := contentOf(pair.To, o.Data)
		if kind == binary_ || kind != contentOf(pair.From, t.Data) || string(o.Data) == string(t.Data) {
			continue
		}
		vo, errO := kind.value(o.Data, plain)
		vt, errT := kind.value(t.Data, plain)
		if errO == nil && errT == nil {
			p.compare(vo, vt)
		}
	}
}

// compare learns from two values in the same place. Items of lists that have no counterpart are tried in their order.
func (p *promotion) compare(o, t *value) {
	if o.kind == yaml.ScalarNode && t.kind == yaml.ScalarNode {
		a, b := splitLines(o.text), splitLines(t.text)
		if len(a) == len(b) {
			for i := range a {
				p.names.learn(a[i], b[i])
			}
		}
		return
	}
	var restO, restT []*value
	for _, c := range t.children {
		if mine := o.get(c.segment); mine != nil {
			p.compare(mine, c.value)
		} else {
			restT = append(restT, c.value)
		}
	}
	for _, c := range o.children {
		if t.get(c.segment) == nil {
			restO = append(restO, c.value)
		}
	}
	if t.kind == yaml.SequenceNode || t.kind == yaml.DocumentNode {
		for _, vt := range restT {
			for _, vo := range restO {
				if vo.kind == vt.kind && len(restO)*len(restT) < 1000 {
					p.compareWhole(vo, vt)
				}
			}
		}
	}
}

// compareWhole learns from two values that may be counterparts: only where they are the same but for the names.
func (p *promotion) compareWhole(o, t *value) {
	trial := newNames(p.edge.From.Env, p.edge.To.Env)
	to, from := newReader(trial, trial.to, schemes{}), newReader(trial, trial.from, schemes{})
	if o.node == nil || t.node == nil {
		return
	}
	vo, errO := to.read(o.node, nil)
	vt, errT := from.read(t.node, nil)
	if errO == nil && errT == nil && vo.hash == vt.hash && len(vo.children) == len(vt.children) {
		if vo.kind == yaml.ScalarNode {
			p.names.learn(vo.text, vt.text)
			return
		}
		for i := range vo.children {
			p.compare(vo.children[i].value, vt.children[i].value)
		}
	}
}

// fileBase is the base of a pair of files; was are the source's and target's paths before a rename.
func (p *promotion) fileBase(kind content, pair, was Pair) (*fileBase, error) {
	b := &fileBase{kind: kind, from: newReader(p.names, p.names.from, schemes{}), to: newReader(p.names, p.names.to, schemes{}), whole: true}
	if p.base.recorded != nil {
		f, ok := p.base.recorded[was.From]
		b.recorded = &snapshot{text: f.Data, gone: !ok}
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

func (p *promotion) merger(b *fileBase, to string) *merger {
	rel, _ := relative(to, p.edge.To.Dir)
	return &merger{names: p.names, edge: p.edge, result: &p.result, base: b, file: to, below: rel}
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
	m := p.merger(b, was.To)
	if isEncrypted(o.Data) || isEncrypted(t.Data) {
		m.withhold(nil, &value{}, &value{}, "the file is encrypted for its environment")
		return nil
	}
	kept := p.result.mark()
	data, err := m.merge(kind, o.Data, t.Data)
	if err != nil {
		p.result.restore(kept)
		p.unmergeable(was, err)
		return nil
	}
	edit := Edit{Path: pair.To, Action: Change, File: File{data, o.Mode}, Source: pair.From}
	if string(data) == string(t.Data) {
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

// add promotes a file that the target has not.
func (p *promotion) add(pair Pair) error {
	t := p.theirs[pair.From]
	kind := contentOf(pair.From, t.Data)
	b, err := p.fileBase(kind, pair, pair)
	if err != nil {
		return err
	}
	m := p.merger(b, pair.To)
	vt, err := kind.value(t.Data, b.from)
	if err != nil {
		p.unmergeable(pair, &sideError{false, err})
		return nil
	}
	whole := &value{kind: yaml.ScalarNode, hash: vt.hash, text: fmt.Sprintf("(a file of %d bytes)", len(t.Data))}
	switch used, wanted := p.referenced(p.after, p.edge.To.Dir, pair.To), p.referenced(p.theirs, p.edge.From.Dir, pair.From); {
	case used: // what the target names must be there
	case wanted:
		m.withhold(nil, nil, whole, "the target's kustomization does not use it")
		return nil
	default:
		if v := b.judge(nil, nil, vt, false); v.side != behind {
			m.withhold(nil, nil, whole, v.why)
			return nil
		}
	}
	if rule, ok := find(p.edge.Keep, m.below, nil); ok {
		m.withhold(nil, nil, whole, orElse(rule.Why, "a keep rule covers the file"))
		return nil
	}
	if isEncrypted(t.Data) {
		m.conflict(nil, nil, whole, verdict{why: "the new file is encrypted for the source's environment: encrypt one for the target"})
		return nil
	}
	if kind == binary_ {
		p.put(Edit{Path: pair.To, Action: Add, File: t, Source: pair.From})
		return nil
	}
	if unknown := m.unknownName(vt); unknown != "" {
		m.conflict(nil, nil, whole, verdict{why: "the new file names the environment " + quote(unknown) + ", and the files do not show what the target says instead"})
		return nil
	}
	p.put(Edit{Path: pair.To, Action: Add, File: File{[]byte(p.names.replace(string(t.Data))), t.Mode}, Source: pair.From})
	return nil
}

// remove promotes that the source removed a file.
func (p *promotion) remove(pair Pair) error {
	o := p.ours[pair.To]
	kind := contentOf(pair.To, o.Data)
	b, err := p.fileBase(kind, pair, pair)
	if err != nil {
		return err
	}
	if had := func(s *snapshot) bool { return s != nil && !s.gone }; !had(b.recorded) && (b.recorded != nil || !slices.ContainsFunc(b.source, had)) {
		return nil // the source never had such a file
	}
	m := p.merger(b, pair.To)
	vo, err := kind.value(o.Data, b.to)
	if err != nil {
		p.unmergeable(pair, &sideError{true, err})
		return nil
	}
	whole := &value{kind: yaml.ScalarNode, hash: vo.hash, text: fmt.Sprintf("(a file of %d bytes)", len(o.Data)), line: 1}
	v := b.judge(nil, vo, nil, false)
	rule, kept := find(p.edge.Keep, m.below, nil)
	switch {
	case kept:
		m.withhold(nil, whole, nil, orElse(rule.Why, "a keep rule covers the file"))
	case v.side == behind && p.referenced(p.after, p.edge.To.Dir, pair.To):
		m.conflict(nil, whole, nil, verdict{why: "the source removed the file, but the target's kustomization still uses it"})
	case v.side == behind:
		p.put(Edit{Path: pair.To, Action: Delete})
	case v.side == both || b.everHad():
		m.conflict(nil, whole, nil, verdict{why: "the source removed the file, and the target's differs from what the source had"})
	default:
		m.withhold(nil, whole, nil, v.why)
	}
	return nil
}

// everHad reports whether the source had the file and removed it, rather than never having it.
func (b *fileBase) everHad() bool {
	return len(b.source) > 1 && b.source[len(b.source)-1].gone && b.recorded == nil
}

func isKustomization(name string) bool {
	switch path.Base(name) {
	case "kustomization.yaml", "kustomization.yml", "Kustomization":
		return true
	}
	return false
}

// referenced reports whether a kustomization at or above a file, within the side's directory, names it: the file, or its
// directory for the kustomization in it.
func (p *promotion) referenced(files Files, top, name string) bool {
	if isKustomization(name) {
		name = path.Dir(name)
	}
	for dir := path.Dir(name); ; dir = path.Dir(dir) {
		if _, ok := relative(dir, top); !ok && path.Clean(dir) != path.Clean(top) {
			return false
		}
		rel, _ := relative(name, dir)
		for _, base := range []string{"kustomization.yaml", "kustomization.yml", "Kustomization"} {
			f, ok := files[path.Join(dir, base)]
			if !ok {
				continue
			}
			docs, err := decode(f.Data)
			return err == nil && slices.ContainsFunc(docs, func(doc *yaml.Node) bool { return namesFile(root(doc), rel) })
		}
		if dir == "." || dir == "/" {
			return false
		}
	}
}

// namesFile reports whether a scalar anywhere below n is a path to a file, or KEY=path as in generators.
func namesFile(n *yaml.Node, rel string) bool {
	if n.Kind == yaml.ScalarNode {
		s := n.Value
		if i := strings.LastIndexByte(s, '='); i >= 0 {
			s = s[i+1:]
		}
		return s != "" && !strings.ContainsAny(s, "\n ") && path.Clean(s) == rel
	}
	return slices.ContainsFunc(n.Content, func(c *yaml.Node) bool { return namesFile(c, rel) })
}

// renames finds files that the source moved: it removed one that the target still has, and has a new one much like it.
func (p *promotion) renames(added, removed []Pair) (restAdded, restRemoved []Pair, err error) {
	moved := map[Pair]bool{}
	for _, gone := range removed {
		last, when, err := p.lastOf(gone.From)
		if err != nil {
			return nil, nil, err
		}
		if last == nil {
			continue
		}
		for _, fresh := range added {
			if moved[fresh] || path.Ext(fresh.From) != path.Ext(gone.From) {
				continue
			}
			first, since, err := p.firstOf(fresh.From)
			if err != nil {
				return nil, nil, err
			}
			if first == nil || (p.base.history != nil && since != when) || !alike(first, last) {
				continue
			}
			moved[fresh], moved[gone] = true, true
			if err := p.change(fresh, Pair{gone.From, gone.To}, gone.To); err != nil {
				return nil, nil, err
			}
			break
		}
	}
	was := func(p Pair) bool { return moved[p] }
	return slices.DeleteFunc(added, was), slices.DeleteFunc(removed, was), nil
}

// lastOf is what a file of the source held before it was removed, and when that was.
func (p *promotion) lastOf(name string) ([]byte, int, error) {
	if p.base.recorded != nil {
		f, ok := p.base.recorded[name]
		if !ok {
			return nil, 0, nil
		}
		return f.Data, 0, nil
	}
	if p.base.history == nil {
		return nil, 0, nil
	}
	versions, _, err := p.base.history.Versions(name)
	if n := len(versions); err != nil || n < 2 || !versions[n-1].Deleted {
		return nil, 0, err
	}
	return versions[len(versions)-2].Data, versions[len(versions)-1].Seq, nil
}

// firstOf is what a file of the source held when it came, and when that was.
func (p *promotion) firstOf(name string) ([]byte, int, error) {
	if p.base.recorded != nil || p.base.history == nil {
		if _, ok := p.base.recorded[name]; ok {
			return nil, 0, nil
		}
		return p.theirs[name].Data, 0, nil
	}
	versions, _, err := p.base.history.Versions(name)
	for i := len(versions) - 1; i >= 0; i-- {
		if i == 0 || versions[i-1].Deleted {
			return versions[i].Data, versions[i].Seq, err
		}
	}
	return nil, 0, err
}

// alike reports whether two files share three lines of five.
func alike(a, b []byte) bool {
	x, y := splitLines(string(a)), splitLines(string(b))
	return len(x)+len(y) > 0 && distance(x, y)*5 <= (len(x)+len(y))*2
}

// marks are the lengths of a result's lists.
type marks struct{ withheld, conflicts, findings int }

func (r *Result) mark() marks { return marks{len(r.Withheld), len(r.Conflicts), len(r.Findings)} }

func (r *Result) restore(m marks) {
	r.Withheld, r.Conflicts, r.Findings = r.Withheld[:m.withheld], r.Conflicts[:m.conflicts], r.Findings[:m.findings]
}

func (r *Result) sort() {
	slices.SortStableFunc(r.Edits, func(a, b Edit) int { return strings.Compare(a.Path, b.Path) })
	slices.SortStableFunc(r.Withheld, func(a, b Withheld) int {
		return cmp.Or(strings.Compare(a.File, b.File), strings.Compare(a.Path, b.Path))
	})
	slices.SortStableFunc(r.Conflicts, func(a, b Conflict) int {
		return cmp.Or(strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), strings.Compare(a.Path, b.Path))
	})
	r.Findings.Sort()
}
