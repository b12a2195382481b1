package render

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/sluice-dev/sluice/internal/finding"
	"github.com/sluice-dev/sluice/internal/manifest"
)

// idleOperations finds a JSON patch (RFC 6902) whose operations leave its object as it is. It judges those that select one
// object by kind and name. known is false where it cannot tell what the patch changes, so that nothing can be said of those
// that come after it.
func (in *inspection) idleOperations(k *kustomization, p *yaml.Node, src *source, objects []origin, changed map[manifest.ID]bool) (known bool) {
	if len(src.documents) != 1 || src.documents[0].Kind != yaml.SequenceNode {
		return false
	}
	object, known := selected(objects, field(p, "target"))
	if !known {
		return false
	}
	if object == nil {
		return true // idleSelectors says so
	}
	operations := items(src.documents[0])
	if changed[object.id] || len(operations) == 0 || slices.ContainsFunc(operations, func(o *yaml.Node) bool { return !isIdle(object.node, o) }) {
		changed[object.id] = true
		return true
	}
	in.inVain(finding.Notice, k.at(p), "this patch changes nothing: %s %s has all of its values already, in %s. Remove the patch, or correct it", object.id.Kind, object.id.Name, object.file)
	return true
}

// plainName is a selector that is a name: kustomize takes selectors for regular expressions.
var plainName = regexp.MustCompile(`^[A-Za-z0-9-]+$`)

// selected gives the object that a target selects; nil for none. known is false where it may select several, or where the
// sources do not show what it is.
func selected(objects []origin, target *yaml.Node) (object *origin, known bool) {
	kind, name := text(field(target, "kind")), text(field(target, "name"))
	if !plainName.MatchString(kind) || !plainName.MatchString(name) {
		return nil, false
	}
	for i := 0; target.Kind == yaml.MappingNode && i < len(target.Content); i += 2 {
		switch target.Content[i].Value {
		case "kind", "name", "group", "version":
		default:
			return nil, false // selectors of labels, annotations, namespaces
		}
	}
	for i := range objects {
		o := &objects[i]
		if o.id.Kind != kind || o.id.Name != name {
			continue
		}
		if object != nil || o.node == nil {
			return nil, false
		}
		object = o
	}
	return object, true
}

// isIdle reports whether an operation surely leaves an object as it is: it sets a key of a mapping, or replaces an element of a
// list, by what is there already; or it tests that.
func isIdle(object, operation *yaml.Node) bool {
	value := field(operation, "value")
	at, inList, found := pointed(object, text(field(operation, "path")))
	if !found || value == nil {
		return false
	}
	switch text(field(operation, "op")) {
	case "replace", "test":
		return same(at, value)
	case "add":
		return !inList && same(at, value)
	default:
		return false
	}
}

var unescape = strings.NewReplacer("~1", "/", "~0", "~")

// pointed gives what a JSON pointer (RFC 6901) points to, and whether that is an element of a list.
func pointed(n *yaml.Node, pointer string) (at *yaml.Node, inList, found bool) {
	rest, ok := strings.CutPrefix(pointer, "/")
	if !ok {
		return nil, false, false
	}
	for _, step := range strings.Split(rest, "/") {
		n = resolved(n)
		if n == nil {
			return nil, false, false
		}
		if inList = n.Kind == yaml.SequenceNode; inList {
			i, err := strconv.Atoi(step)
			if err != nil || i < 0 || i >= len(n.Content) {
				return nil, false, false
			}
			n = n.Content[i]
		} else {
			n = exactly(n, unescape.Replace(step))
		}
	}
	return n, inList, n != nil
}
