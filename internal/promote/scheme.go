package promote

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// A scheme says what identifies the items of a list.
type scheme struct {
	kind   schemeKind
	fields []string // byFields: all must be there; byTarget: of a patch
}

type schemeKind int

const (
	byContent schemeKind = iota // nothing does: an item is its content
	byValue                     // a scalar is itself
	byFlag                      // "--level=info" is --level, "KEY=value" is KEY
	byFields                    // the fields named
	byTarget                    // a kustomize patch: what it patches, or its file
)

// schemes are agreed between the two sides of a merge, and used for all versions in history too: an item must not get
// another name because its list was shorter once.
type schemes struct {
	lists     map[string]scheme // by the list's path
	documents bool              // the file is a stream of named documents
}

// identities are the fields that identify items of Kubernetes' lists and of those that configurations hold, tried in
// order. The first that all items have, each with another value, is it.
var identities = [][]string{
	{"name"}, {"name", "namespace"}, {"kind", "name"}, {"mountPath"}, {"containerPort"}, {"containerPort", "protocol"}, {"port"}, {"name", "port"},
	{"id"}, {"host"}, {"op", "path"}, {"path"}, {"ip"}, {"topologyKey"}, {"key"}, {"key", "operator"}, {"key", "effect"}, {"key", "value"},
	{"objectName"}, {"secretName"}, {"repoURL", "path"}, {"repoURL", "chart"}, {"url"}, {"kind", "metadata.name"}, {"type"},
}

// agree walks two trees side by side and settles a scheme for each list that both have.
func (s *schemes) agree(o, t *yaml.Node, ro, rt *reader, at fieldPath, depth int) {
	if o == nil || t == nil || o.Kind != t.Kind || depth > 200 {
		return
	}
	switch o.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(o.Content); i += 2 {
			key := o.Content[i].Value
			s.agree(o.Content[i+1], field(t, key), ro, rt, at.child(segmentOf(key)), depth+1)
		}
	case yaml.SequenceNode:
		chosen := choose(o.Content, t.Content)
		s.lists[at.String()] = chosen
		if chosen.kind != byFields && chosen.kind != byTarget {
			return
		}
		theirs := map[string]*yaml.Node{}
		for _, item := range t.Content {
			theirs[chosen.name(rt, item)] = item
		}
		for _, item := range o.Content {
			name := chosen.name(ro, item)
			s.agree(item, theirs[name], ro, rt, at.child(name), depth+1)
		}
	}
}

var setting = regexp.MustCompile(`^-{0,2}[A-Za-z_][\w./-]*=`)

// choose finds the scheme that identifies the items of all given lists.
func choose(lists ...[]*yaml.Node) scheme {
	scalars, maps := true, true
	for _, list := range lists {
		for _, item := range list {
			scalars = scalars && item.Kind == yaml.ScalarNode
			maps = maps && (item.Kind == yaml.MappingNode || item.Kind == yaml.AliasNode && item.Alias.Kind == yaml.MappingNode)
		}
	}
	r := &reader{names: &names{}}
	if scalars {
		if s := (scheme{kind: byFlag}); s.identifies(r, lists) {
			return s
		}
		return scheme{kind: byValue}
	}
	if !maps {
		return scheme{kind: byContent}
	}
	for _, fields := range identities {
		if s := (scheme{byFields, fields}); s.identifies(r, lists) {
			return s
		}
	}
	if s := (scheme{kind: byTarget}); s.identifies(r, lists) {
		return s
	}
	return scheme{kind: byContent}
}

// identifies reports whether each item of each list has a name of its own.
func (s scheme) identifies(r *reader, lists [][]*yaml.Node) bool {
	for _, list := range lists {
		seen := map[string]bool{}
		for _, item := range list {
			name := s.name(r, item)
			if seen[name] || name == "" || !s.complete(item) {
				return false
			}
			seen[name] = true
		}
	}
	return true
}

// complete reports whether an item has what its scheme needs.
func (s scheme) complete(item *yaml.Node) bool {
	switch s.kind {
	case byFields:
		return !slices.ContainsFunc(s.fields, func(f string) bool { return scalarAt(item, strings.Split(f, ".")...) == "" })
	case byTarget:
		return field(item, "target") != nil || scalarAt(item, "path") != ""
	}
	return true
}

// name is the segment of an item.
func (s scheme) name(r *reader, item *yaml.Node) string {
	switch s.kind {
	case byValue:
		if item.Kind == yaml.ScalarNode {
			return "[" + r.neutral(withoutRef(item.Value)) + "]"
		}
	case byFlag:
		if item.Kind == yaml.ScalarNode {
			if name := setting.FindString(item.Value); name != "" && !strings.Contains(name, "://") {
				return "[" + r.neutral(strings.TrimSuffix(name, "=")) + "]"
			}
			return "[" + r.neutral(withoutRef(item.Value)) + "]"
		}
	case byFields:
		parts := make([]string, len(s.fields))
		for i, f := range s.fields {
			parts[i] = f + "=" + r.neutral(scalarAt(item, strings.Split(f, ".")...))
		}
		return "[" + strings.Join(parts, ",") + "]"
	case byTarget:
		var parts []string
		if target := field(item, "target"); target != nil {
			for i := 0; i+1 < len(target.Content); i += 2 {
				parts = append(parts, target.Content[i].Value+"="+r.neutral(target.Content[i+1].Value))
			}
			slices.Sort(parts)
		} else {
			parts = append(parts, "path="+r.neutral(scalarAt(item, "path")))
		}
		return "[" + strings.Join(parts, ",") + "]"
	}
	v, err := r.fresh().read(item, nil)
	if err != nil {
		return "[]"
	}
	return "[~" + strconv.FormatUint(v.hash, 36) + "]"
}

// fresh is a reader for one item alone.
func (r *reader) fresh() *reader { return r.with(schemes{}) }

// with is a reader for the same side, and other schemes.
func (r *reader) with(s schemes) *reader {
	out := newReader(r.names, r.words, s)
	out.ways = r.ways
	return out
}

var remoteRef = regexp.MustCompile(`[?&](ref|version)=[^&]*`)

// withoutRef is a remote base without its version: "…//config?ref=v1" and "…//config?ref=v2" are one entry.
func withoutRef(s string) string {
	if !strings.Contains(s, "ref=") && !strings.Contains(s, "version=") {
		return s
	}
	return remoteRef.ReplaceAllString(s, "")
}
