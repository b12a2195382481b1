package promote

import (
	"path"
	"slices"
)

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
			if !p.edge.Part.moves(fresh, gone) {
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
