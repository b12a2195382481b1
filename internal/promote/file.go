package promote

import (
	"fmt"
	"slices"

	"go.yaml.in/yaml/v3"
)

// add promotes a file that the target has not.
func (p *promotion) add(pair Pair) error {
	t := p.theirs[pair.From]
	kind := contentOf(pair.From, t.Data)
	b, err := p.fileBase(kind, pair, pair)
	if err != nil {
		return err
	}
	m := p.merger(b, pair, pair)
	vt, err := kind.value(t.Data, b.from)
	if err != nil {
		if p.edge.Part.touches(p.theirs, pair) {
			p.unmergeable(pair, &sideError{false, err})
		}
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
	if !m.asked(m.share(nil, nil, vt), nil, nil, whole) {
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
	m := p.merger(b, pair, pair)
	vo, err := kind.value(o.Data, b.to)
	if err != nil {
		if p.edge.Part.touches(p.theirs, pair) {
			p.unmergeable(pair, &sideError{true, err})
		}
		return nil
	}
	whole := &value{kind: yaml.ScalarNode, hash: vo.hash, text: fmt.Sprintf("(a file of %d bytes)", len(o.Data)), line: 1}
	v := b.judge(nil, vo, nil, false)
	rule, kept := find(p.edge.Keep, m.below, nil)
	switch {
	case (v.side != targetsOwn || b.everHad()) && !m.asked(m.share(nil, nil, nil), nil, whole, nil):
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
