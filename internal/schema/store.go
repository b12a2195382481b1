package schema

import (
	"bytes"
	"cmp"
	_ "embed"
	"fmt"
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"
)

//go:embed kubernetes.zst
var kubernetes []byte

// maxStore bounds the decompressed store, in bytes.
const maxStore = 64 << 20

// store is the decoded text of definitions (see the package documentation): where each stands, by version.
type store struct {
	versions []*release // oldest first
}

// release is what one Kubernetes version serves.
type release struct {
	name        string            // "1.37"
	patch       string            // "v1.37.1"
	definitions map[string][]byte // name → JSON schema
	kinds       map[gvk]string    // what may stand in a manifest → name of its definition
	groups      map[string]bool   // API groups
}

// gvk is an API version, with its group, and a kind.
type gvk struct{ apiVersion, kind string }

func (g gvk) String() string { return g.apiVersion + " " + g.kind }

func (g gvk) group() string {
	if group, _, ok := strings.Cut(g.apiVersion, "/"); ok {
		return group
	}
	return ""
}

// readStore decodes a compressed store.
func readStore(compressed []byte) (*store, error) {
	decoder, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxStore))
	if err != nil {
		return nil, err
	}
	defer decoder.Close()
	text, err := decoder.DecodeAll(compressed, nil)
	if err != nil {
		return nil, fmt.Errorf("decompress the schemas: %w", err)
	}
	head, rest, _ := bytes.Cut(text, []byte("\n"))
	list, ok := bytes.CutPrefix(head, []byte("sluice schemas 1\t"))
	if !ok {
		return nil, fmt.Errorf("the schemas are not in the format of this program: %.40q", head)
	}
	s := &store{}
	byName := make(map[string]*release)
	for _, field := range strings.Fields(string(list)) {
		minor, patch, _ := strings.Cut(field, "=")
		r := &release{name: minor, patch: patch, definitions: make(map[string][]byte), kinds: make(map[gvk]string), groups: make(map[string]bool)}
		byName[minor] = r
		s.versions = append(s.versions, r)
	}
	for number := 2; len(rest) > 0; number++ {
		var line []byte
		line, rest, _ = bytes.Cut(rest, []byte("\n"))
		fields := bytes.SplitN(line, []byte("\t"), 4)
		if len(fields) != 4 {
			return nil, fmt.Errorf("the schemas are damaged: line %d has %d fields", number, len(fields))
		}
		name := string(fields[0])
		apiVersion, kind, isKind := strings.Cut(string(fields[1]), " ")
		for _, minor := range strings.Fields(string(fields[2])) {
			r := byName[minor]
			if r == nil {
				return nil, fmt.Errorf("the schemas are damaged: line %d names version %q", number, minor)
			}
			r.definitions[name] = fields[3]
			if isKind {
				g := gvk{apiVersion, kind}
				r.kinds[g] = name
				r.groups[g.group()] = true
			}
		}
	}
	return s, nil
}

// index gives the position of a version among those of the store; ok is false when it has no such version.
func (s *store) index(version string) (i int, ok bool) {
	for i, r := range s.versions {
		if r.name == version {
			return i, true
		}
	}
	return 0, false
}

// sorted gives the kinds that a release serves and for which keep holds, in a fixed order: stable versions first,
// later ones before earlier ones.
func (r *release) sorted(keep func(gvk) bool) []gvk {
	var found []gvk
	for g := range r.kinds {
		if keep(g) {
			found = append(found, g)
		}
	}
	slices.SortFunc(found, func(a, b gvk) int {
		return cmp.Or(cmp.Compare(priority(b.apiVersion), priority(a.apiVersion)), strings.Compare(a.String(), b.String()))
	})
	return found
}
