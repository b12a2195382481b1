package pipeline

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice/internal/plan"
)

// kind is a kind of custom resource.
type kind struct{ group, name string }

// changes reports whether what custom resources are held to may differ between the sides.
func (f *facts) changes() bool { return f != nil && f.touched }

// changed gives the kinds whose definitions differ between the sides, sorted.
func (f *facts) changed() []kind {
	f.once.Do(f.read)
	digests := func(definitions []located) map[kind][][sha256.Size]byte {
		all := make(map[kind][][sha256.Size]byte)
		for _, l := range definitions {
			k := l.kind()
			if !slices.Contains(all[k], l.definition.Digest) {
				all[k] = append(all[k], l.definition.Digest)
			}
		}
		for _, list := range all {
			slices.SortFunc(list, func(a, b [sha256.Size]byte) int { return bytes.Compare(a[:], b[:]) })
		}
		return all
	}
	base, head := digests(f.base), digests(f.head)
	different := make(map[kind]bool)
	for k := range head {
		different[k] = !slices.Equal(base[k], head[k])
	}
	for k := range base {
		different[k] = different[k] || len(head[k]) == 0
	}
	maps.DeleteFunc(different, func(_ kind, is bool) bool { return !is })
	return slices.SortedFunc(maps.Keys(different), func(a, b kind) int {
		return strings.Compare(a.group+"/"+a.name, b.group+"/"+b.name)
	})
}

// widen adds the targets with resources whose definition changes: no file of theirs did, and yet the change may break them. amended are
// the kinds whose definitions it changes by patches, by environment.
func (c *Check) widen(selected []plan.Selection, s *scene, f *facts, amended map[string][]kind) []plan.Selection {
	if !c.widens(f) || !f.touched && len(amended) == 0 {
		return selected
	}
	has := make(map[string]bool)
	for _, sel := range selected {
		has[sel.Target.ID] = true
	}
	add := func(k kind, concerns func(plan.Target) bool) {
		for _, sel := range plan.Select(s.base, s.head, filesWith(c.Head.Tree, k)) {
			if has[sel.Target.ID] || !c.Scope.covers(sel.Target) || !concerns(sel.Target) {
				continue
			}
			has[sel.Target.ID] = true
			for i, why := range sel.Why {
				sel.Why[i] = fmt.Sprintf("the definition of %s changes: %s", k.name, why)
			}
			selected = append(selected, sel)
		}
	}
	if f.touched {
		for _, k := range f.changed() {
			add(k, func(plan.Target) bool { return true })
		}
	}
	for _, environment := range slices.Sorted(maps.Keys(amended)) {
		for _, k := range amended[environment] {
			add(k, func(t plan.Target) bool { return t.Environment == environment })
		}
	}
	slices.SortFunc(selected, func(a, b plan.Selection) int { return a.Target.Compare(b.Target) })
	return selected
}

// widens reports whether a run has to look for more targets than those that the change reaches.
func (c *Check) widens(f *facts) bool { return f != nil && c.Base.Tree != nil && !c.Scope.All }

// filesWith gives the YAML files of a tree that hold objects of a kind, as far as their text says.
func filesWith(tree Tree, k kind) []string {
	line := regexp.MustCompile(`(?m)^[ \t]*(?:- )?"?kind"?:[ \t]*["']?` + regexp.QuoteMeta(k.name) + `["']?,?[ \t\r]*(?:#.*)?$`)
	var files []string
	eachYAML(tree, func(file string) bool {
		if data, err := tree.ReadFile(file); err == nil && bytes.Contains(data, []byte(k.group)) && line.Match(data) {
			files = append(files, file)
		}
		return true
	})
	return files
}
