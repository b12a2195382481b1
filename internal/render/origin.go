package render

import (
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/sluice-dev/sluice/internal/finding"
	"github.com/sluice-dev/sluice/internal/manifest"
)

// origin is a place that defines an object, and what the kustomizations above it do to its name.
//
// kustomize can annotate objects with their origins, but an annotation is part of the object while it renders:
// patches, selectors and replacements see it, and can copy or drop it. So origins are found afterwards, by identity.
type origin struct {
	id             manifest.ID
	version        string     // of its API
	node           *yaml.Node // as the source has it; nil for one that is generated
	prefix, suffix string
	namespace      string // set by a kustomization above; "" when none does
	file           string
	kustomization  string // the file whose generator makes the object; file is "" then
	pos            finding.Pos
}

// generated notes an object that a generator makes. One that merges into another's leaves it that other's; one that
// replaces it makes it its own.
func (in *inspection) generated(s scope, kind string, n *yaml.Node, file string, pos finding.Pos) {
	name := text(field(n, "name"))
	switch text(field(n, "behavior")) {
	case "merge":
		return
	case "replace":
		for i := range in.origins {
			if o := &in.origins[i]; o.id.Kind == kind && o.id.Name == name {
				o.file, o.kustomization, o.pos = "", file, pos
			}
		}
		return
	}
	in.origins = append(in.origins, origin{
		id:      manifest.ID{Kind: kind, Namespace: text(field(n, "namespace")), Name: name},
		version: "v1",
		prefix:  s.prefix, suffix: s.suffix, namespace: s.namespace, kustomization: file, pos: pos,
	})
}

// hashSuffix is what kustomize appends to the names of generated objects.
var hashSuffix = regexp.MustCompile(`^-[0-9a-z]{10}$`)

// How well an origin fits an object.
const (
	noFit    = iota
	partFit  // a patch can have changed its group, or have renamed it to something that holds the old name
	fit      // the names are as the kustomizations make them, or unchanged
	exactFit // and so is the namespace
)

func (o *origin) fits(id manifest.ID) int {
	if o.id.Kind != id.Kind || o.id.Name == "" {
		return noFit
	}
	full := o.prefix + o.id.Name + o.suffix
	rest, prefixed := strings.CutPrefix(id.Name, full)
	switch {
	case id.Kind == "Namespace" && id.Group == "" && id.Name == o.namespace: // the namespace field renames these
		return exactFit
	case id.Name == full, id.Name == o.id.Name, prefixed && o.kustomization != "" && hashSuffix.MatchString(rest):
	case strings.Contains(id.Name, o.id.Name):
		return partFit
	default:
		return noFit
	}
	if o.id.Group != id.Group {
		return partFit
	}
	if o.namespace == id.Namespace || o.namespace == "" && o.id.Namespace == id.Namespace {
		return exactFit
	}
	return fit
}

// origin gives what is told of it.
func (o *origin) origin() manifest.Origin {
	if o.file != "" {
		return manifest.Origin{File: o.file}
	}
	return manifest.Origin{Kustomization: o.kustomization, Line: o.pos.Line, Column: o.pos.Column}
}

// assign finds the origin of each object; objects without one keep the zero value. The better fits choose first.
func assign(objects []objectMessage, origins []origin) {
	free := make(map[string][]*origin) // by kind, which hardly anything changes
	for i := range origins {
		free[origins[i].id.Kind] = append(free[origins[i].id.Kind], &origins[i])
	}
	without := make(map[string][]*objectMessage)
	for i := range objects {
		without[objects[i].ID.Kind] = append(without[objects[i].ID.Kind], &objects[i])
	}
	for kind, waiting := range without {
		left := free[kind]
		for need := exactFit; need > noFit; need-- {
			waiting = slices.DeleteFunc(waiting, func(object *objectMessage) bool {
				at := slices.IndexFunc(left, func(o *origin) bool { return o.fits(object.ID) >= need })
				if at < 0 {
					return false
				}
				object.Origin = left[at].origin()
				left = slices.Delete(left, at, at+1)
				return true
			})
		}
		// What is left was renamed beyond recognition; where one file alone can have made it, it did.
		elsewhere := func(o *origin) bool { return o.file != left[0].file || o.kustomization != left[0].kustomization }
		if len(left) < len(waiting) || slices.ContainsFunc(left, elsewhere) {
			continue
		}
		for _, object := range waiting {
			object.Origin = left[0].origin()
		}
	}
}
