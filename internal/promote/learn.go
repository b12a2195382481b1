package promote

import (
	"go.yaml.in/yaml/v3"
)

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
