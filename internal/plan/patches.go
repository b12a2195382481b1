package plan

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	"sigs.k8s.io/kustomize/api/types"
)

// outside is a patch or a replacement that stands in a file of its own. What it does can be told once the file is read.
type outside struct {
	File     string // as the kustomization names it
	Kind     string `json:",omitempty"` // that the patch is for, a regular expression; "" where it does not say
	Chosen   bool   `json:",omitempty"` // the kustomization says what the patch is for; else its text does
	Replaces bool   `json:",omitempty"` // it is a replacement
}

// readPatches notes what the patches and replacements of a kustomization do to names and definitions, as far as that stands in it.
func (n *naming) readPatches(file *types.Kustomization) {
	//lint:ignore SA1019 kustomize still applies them
	for _, p := range slices.Concat(file.Patches, file.PatchesJson6902) {
		o := outside{File: p.Path, Chosen: p.Target != nil}
		if p.Target != nil {
			o.Kind = p.Target.Kind
		}
		n.Opaque = n.Opaque || p.Options != nil && (p.Options.AllowNameChange || p.Options.AllowKindChange)
		n.readPatch(o, p.Patch)
	}
	//lint:ignore SA1019 as above
	for _, p := range file.PatchesStrategicMerge {
		if text := string(p); isInline(text) {
			n.readPatch(outside{}, text)
		} else {
			n.readPatch(outside{File: text}, "")
		}
	}
	for _, r := range file.Replacements {
		if r.Path != "" {
			n.Outside = append(n.Outside, outside{File: r.Path, Replaces: true})
			continue
		}
		n.Opaque = n.Opaque || replacesNames(r.Targets)
		n.Amends = n.Amends || replacesDefinitions(r.Targets)
	}
}

func (n *naming) readPatch(o outside, text string) {
	if o.File != "" {
		n.Outside = append(n.Outside, o)
		return
	}
	n.Opaque = n.Opaque || o.renames(text)
	n.Amends = n.Amends || o.amends(text)
}

var (
	// movesObjects is an operation of a JSON patch on what identifies an object. A strategic merge patch cannot change that: kustomize puts
	// it back, unless an option of the patch allows names or kinds to change.
	movesObjects = regexp.MustCompile(`(?m)["'\s]/(?:metadata(?:/name(?:space)?)?|kind|apiVersion)(?:["'\s,}]|$)`)
	setsSpec     = regexp.MustCompile(`(?m)["'\s]/spec\b|(?:^|[\s{,])["']?spec["']?\s*:`)
)

const definitionKind = "CustomResourceDefinition"

// renames reports whether a patch, or replacement, with a text may give objects other names, namespaces or kinds.
func (o outside) renames(text string) bool {
	if o.Replaces {
		targets, ok := replacementsIn(text)
		return !ok || replacesNames(targets)
	}
	return movesObjects.MatchString(text)
}

// amends reports whether it may change what a CustomResourceDefinition says of objects.
func (o outside) amends(text string) bool {
	switch {
	case o.Replaces:
		targets, ok := replacementsIn(text)
		return !ok || replacesDefinitions(targets)
	case o.Kind != "":
		kind, err := regexp.Compile("^(?:" + o.Kind + ")$")
		if err == nil && !kind.MatchString(definitionKind) {
			return false
		}
	case !o.Chosen && !strings.Contains(text, definitionKind):
		return false
	}
	return setsSpec.MatchString(text)
}

// replacementsIn gives the targets of a file of replacements, which holds one or a list of them; ok is false for what is neither.
func replacementsIn(text string) (targets []*types.TargetSelector, ok bool) {
	type replacement struct {
		Targets []*types.TargetSelector `yaml:"targets"`
	}
	var many []replacement
	if err := yaml.Unmarshal([]byte(text), &many); err != nil {
		var one replacement
		if err := yaml.Unmarshal([]byte(text), &one); err != nil {
			return nil, false
		}
		many = []replacement{one}
	}
	for _, r := range many {
		targets = append(targets, r.Targets...)
	}
	return targets, true
}

// replacesNames reports whether a replacement may give an object another name or namespace: kustomize sets the name where none of the
// targets' fields is named.
func replacesNames(targets []*types.TargetSelector) bool {
	return slices.ContainsFunc(targets, func(t *types.TargetSelector) bool {
		return t != nil && (len(t.FieldPaths) == 0 || slices.ContainsFunc(t.FieldPaths, func(field string) bool {
			return field == "metadata" || strings.HasPrefix(field, "metadata.name")
		}))
	})
}

func replacesDefinitions(targets []*types.TargetSelector) bool {
	return slices.ContainsFunc(targets, func(t *types.TargetSelector) bool {
		return t != nil && t.Select != nil && t.Select.Kind == definitionKind
	})
}

// anyOutside reports whether a patch or replacement of a node's kustomization that stands in a file is so. A file that cannot be read is
// not: rendering says what is wrong with it.
func (s *Sources) anyOutside(n *node, is func(o outside, text string) bool) bool {
	return slices.ContainsFunc(n.kust.naming.Outside, func(o outside) bool {
		at, ok := s.graph.locate(path.Dir(n.file), o.File)
		if !ok || !at.isFile() {
			return false
		}
		text, known := s.texts[at.path]
		if !known {
			data, _ := s.graph.tree.ReadFile(at.path)
			text = string(data)
			s.texts[at.path] = text
		}
		return is(o, text)
	})
}
