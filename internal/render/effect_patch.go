package render

import (
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/sluice-dev/sluice/internal/finding"
	"github.com/sluice-dev/sluice/internal/manifest"
)

// idlePatches finds patches that say only what their object says already. It judges those of which
// the sources alone tell what the object is when the patch comes: nothing below changes objects, and no earlier
// patch of this kustomization did.
func (in *inspection) idlePatches(k *kustomization, objects []origin) {
	if len(items(field(k.root, "components"))) > 0 {
		return
	}
	changed := make(map[manifest.ID]bool)
	judge := func(ref *yaml.Node, src *source) bool {
		for _, document := range src.documents {
			id, _, ok := identity(document)
			if !ok {
				return false // a JSON patch: it may change any object
			}
			object := single(objects, id)
			if object == nil || changed[object.id] || !says(object.node, document, mergesLists(id.Group)) {
				if object != nil {
					changed[object.id] = true
				}
				continue
			}
			in.inVain(finding.Notice, k.at(ref), "this patch changes nothing: %s %s has all of its values already, in %s. Remove the patch, or correct it", id.Kind, id.Name, object.file)
		}
		return true
	}
	for _, ref := range items(field(k.root, "patchesStrategicMerge")) {
		src := parseSource([]byte(text(ref)))
		if src.problem != "" || len(src.documents) == 0 || src.documents[0].Kind != yaml.MappingNode {
			src = in.patchSource(k, ref)
		}
		if src == nil || !judge(ref, src) {
			return
		}
	}
	for _, p := range items(field(k.root, "patches")) {
		src := in.sourceOf(k, p)
		if src != nil && field(p, "target") != nil {
			if !in.idleOperations(k, p, src, objects, changed) {
				return
			}
			continue
		}
		if src == nil || !judge(p, src) {
			return
		}
	}
	// kustomize applies these after it has set names, namespaces, labels and annotations (configureBuiltinTransformers).
	if slices.ContainsFunc([]string{"namespace", "namePrefix", "nameSuffix", "labels", "commonLabels", "commonAnnotations"}, func(name string) bool {
		return field(k.root, name) != nil
	}) {
		return
	}
	for _, p := range items(field(k.root, "patchesJson6902")) {
		if src := in.sourceOf(k, p); src == nil || !in.idleOperations(k, p, src, objects, changed) {
			return
		}
	}
}

// sourceOf reads what an entry of patches says, in a file or in the entry itself.
func (in *inspection) sourceOf(k *kustomization, p *yaml.Node) *source {
	if inline := text(field(p, "patch")); inline != "" {
		return parseSource([]byte(inline))
	}
	return in.patchSource(k, field(p, "path"))
}

func (in *inspection) patchSource(k *kustomization, ref *yaml.Node) *source {
	if _, src, err := in.source(path.Join(k.dir, text(ref))); err == nil && src.problem == "" {
		return src
	}
	return nil
}

// single gives the object that a patch names; nil where the sources hold none or several, or where a generator makes it.
func single(objects []origin, id manifest.ID) *origin {
	var found *origin
	for i := range objects {
		o := &objects[i]
		if o.id.Kind != id.Kind || o.id.Name != id.Name {
			continue
		}
		if found != nil || o.node == nil || o.id != id {
			return nil
		}
		found = o
	}
	return found
}

// mergesLists reports whether kustomize knows the lists of a group's kinds, so that it merges them by name.
func mergesLists(group string) bool {
	return slices.Contains([]string{"", "apps", "batch"}, group)
}

// named are the lists whose elements Kubernetes merges by their name.
var named = []string{"containers", "initContainers", "volumes", "env"}

// says reports whether an object holds all that a patch says, so that merging the patch changes nothing.
func says(object, patch *yaml.Node, merges bool) bool {
	object, patch = resolved(object), resolved(patch)
	if object == nil || patch == nil || object.Kind != patch.Kind || object.ShortTag() != patch.ShortTag() {
		return false
	}
	switch patch.Kind {
	case yaml.ScalarNode:
		return patch.ShortTag() != "!!null" && object.Value == patch.Value
	case yaml.SequenceNode:
		return same(object, patch)
	case yaml.MappingNode:
	default:
		return false
	}
	for i := 0; i+1 < len(patch.Content); i += 2 {
		key, value := patch.Content[i], patch.Content[i+1]
		if strings.HasPrefix(key.Value, "$") || key.ShortTag() == "!!merge" {
			return false // a directive, or more keys than one sees
		}
		mine := exactly(object, key.Value)
		if mine == nil {
			return false
		}
		if merges && slices.Contains(named, key.Value) && saysByName(mine, value) {
			continue
		}
		if !says(mine, value, merges) {
			return false
		}
	}
	return true
}

// saysByName compares lists whose elements are merged by their name. Merging moves the patch's elements to the front.
func saysByName(object, patch *yaml.Node) bool {
	mine := items(object)
	for i, element := range items(patch) {
		name := text(exactly(element, "name"))
		if i >= len(mine) || name == "" || name != text(exactly(mine[i], "name")) || !says(mine[i], element, true) {
			return false
		}
	}
	return len(items(patch)) > 0
}

// same reports whether two nodes stand for the same value.
func same(a, b *yaml.Node) bool {
	a, b = resolved(a), resolved(b)
	if a.Kind != b.Kind || a.ShortTag() != b.ShortTag() || a.Value != b.Value || len(a.Content) != len(b.Content) {
		return false
	}
	for i := range a.Content {
		if a.Kind == yaml.MappingNode {
			if i%2 == 0 && a.Content[i].ShortTag() == "!!merge" {
				return false
			}
			if other := exactly(b, a.Content[i-i%2].Value); other == nil || i%2 == 1 && !same(a.Content[i], other) {
				return false
			}
		} else if !same(a.Content[i], b.Content[i]) {
			return false
		}
	}
	return true
}

// exactly gives the value of a key of a mapping, nil where there is none.
func exactly(n *yaml.Node, name string) *yaml.Node {
	if n = resolved(n); n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			return n.Content[i+1]
		}
	}
	return nil
}
