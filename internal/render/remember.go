package render

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice/internal/helm"
	"github.com/sluice-dev/sluice/internal/manifest"
	"github.com/sluice-dev/sluice/internal/plan"
)

// Sources is what a target can be rendered from: a superset of its input closure, known without rendering. With the
// options it decides the result.
type Sources struct {
	target plan.Target
	state  map[string]plan.InputKind // each path, and what it is looked at for
	key    Key
}

// SourcesOf digests what a target of a tree can be rendered from; ok is false where the tree does not identify all of
// it. closure is that of the tree's graph ([plan.Graph.TargetClosure]).
func SourcesOf(tree Tree, target plan.Target, closure []plan.Input, options Options) (s Sources, ok bool) {
	s = Sources{target: target, state: make(map[string]plan.InputKind, len(closure))}
	h := sha256.New()
	fmt.Fprintf(h, "kustomize %s\nrestrictor %q\noutput %d\ntarget %q %q %q\n",
		cliVersion, options.LoadRestrictor, options.MaxOutput, target.ID, target.Dir, target.Kind)
	fmt.Fprintf(h, "remote %q\nhelm %t %s\ncharts %q\n", options.Remote, options.Helm, helm.Version, options.Charts)
	for _, input := range closure {
		if !s.add(h, tree, input) {
			return Sources{}, false
		}
	}
	s.key = Key(h.Sum(nil))
	return s, true
}

func (s *Sources) add(h io.Writer, tree Tree, input plan.Input) bool {
	if known, seen := s.state[input.Path]; !seen || known != plan.Subtree {
		s.state[input.Path] = input.Kind
	}
	oid, found := tree.OID(input.Path)
	if !found && input.Kind != plan.Absent {
		return false
	}
	mode := ""
	if info, err := tree.Lstat(input.Path); err == nil && found {
		mode = info.Mode().Type().String()
		if input.Kind == plan.Absent && info.IsDir() {
			oid = "" // that it is a directory counts; what is in it is listed where it matters
		}
	}
	fmt.Fprintf(h, "%d %q %q %q\n", input.Kind, input.Path, mode, oid)
	if found {
		return true
	}
	for dir := path.Dir(input.Path); dir != "."; dir = path.Dir(dir) { // whichever comes into being may change what is found
		info, err := tree.Lstat(dir)
		if err == nil {
			fmt.Fprintf(h, "%q %s\n", dir, info.Mode().Type())
			break
		}
		if _, seen := s.state[dir]; !seen {
			s.state[dir] = plan.Absent
		}
	}
	return true
}

// cover reports whether the digest speaks for all that a rendering has looked at. The graph is meant to name it all;
// where it does not, the result must not be remembered.
func (s Sources) cover(inputs []Input) bool {
	directories := make(map[string]bool)
	for name := range s.state {
		for dir := path.Dir(name); dir != "." && !directories[dir]; dir = path.Dir(dir) {
			directories[dir] = true
		}
	}
	return !slices.ContainsFunc(inputs, func(input Input) bool {
		kind, exact := s.state[input.Path]
		switch {
		case input.Path == ".":
			return input.Use != Directory
		case exact && (kind == plan.Subtree || input.Use != Listing), input.Use == Directory && directories[input.Path]:
			return false
		}
		for dir := path.Dir(input.Path); dir != "."; dir = path.Dir(dir) {
			if kind, known := s.state[dir]; known && kind == plan.Subtree {
				return false
			}
		}
		return true
	})
}

// Remembered gives the result of an earlier rendering from the same sources.
func (c *Cache) Remembered(s Sources) (Result, bool) {
	content, ok := c.Get(s.key)
	if !ok || len(content) < 4 {
		return Result{}, false
	}
	size, content := int(binary.BigEndian.Uint32(content)), content[4:]
	if size > len(content) {
		return Result{}, false
	}
	var meta metaMessage
	decoder := json.NewDecoder(bytes.NewReader(content[:size]))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&meta); err != nil {
		return Result{}, false
	}
	result, err := assemble(meta, content[size:])
	return result, err == nil
}

// Remember stores a result, unless it failed (a limit may have been met by chance), holds a Secret, or depends on more
// than its sources say. stored is false then.
func (c *Cache) Remember(s Sources, r Result) (stored bool, err error) {
	if r.Failed || holdsSecret(r.Objects) || !s.cover(r.Inputs) {
		return false, nil
	}
	meta := metaMessage{Findings: r.Findings, Inputs: r.Inputs, Remotes: r.Remotes}
	for _, o := range r.Objects {
		meta.Objects = append(meta.Objects, objectMessage{ID: o.ID, Version: o.Version, Origin: o.Origin, Size: len(o.Text)})
	}
	encoded, err := json.Marshal(meta)
	if err != nil {
		return false, fmt.Errorf("write to the cache: %w", err)
	}
	content := binary.BigEndian.AppendUint32(nil, uint32(len(encoded)))
	return true, c.Put(s.key, slices.Concat(content, encoded, r.Manifest))
}

// holdsSecret reports whether there is a Secret among objects, also one in a list or of a group of its own (a
// SealedSecret is none: it is made to be public).
func holdsSecret(objects []*manifest.Object) bool {
	return slices.ContainsFunc(objects, func(o *manifest.Object) bool {
		return o.ID.Kind == "Secret" || strings.HasSuffix(o.ID.Kind, "List") && bytes.Contains(o.Text, []byte("Secret"))
	})
}
