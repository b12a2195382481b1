package manifest

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
	"sigs.k8s.io/kustomize/kyaml/utils"
)

// replacement finds the field path of an entry of replacements, here or in a file that is named here, which sets a field of an object: kustomize
// replaces after all else that a kustomization does. The last one has the last word; one that names the object as it is goes before
// one that may mean it by an earlier name.
func (k *Kustomization) replacement(object *Object, steps []step, others []ID) FilePlace {
	pointer := pointerOf(object.Value(), steps)
	if len(pointer) < len(steps) || valueAt(object.Value(), steps) == nil {
		return FilePlace{}
	}
	var named, meant FilePlace
	for _, r := range k.replacements() {
		for _, target := range content(field(r.node, "targets")) {
			chosen := field(target, "select")
			if chosen == nil || !selects(chosen, object.ID, others) || rejected(target, object.ID) {
				continue
			}
			at := setter(target, object, pointer)
			if at == nil {
				continue
			}
			meant = FilePlace{r.file, Place{Line: at.Line, Column: at.Column, Depth: len(steps), Exact: true}}
			if matchesName(chosen, object.ID) {
				named = meant
			}
		}
	}
	if named.Line > 0 {
		return named
	}
	return meant
}

// replacing is an entry of replacements, and the file it stands in.
type replacing struct {
	file string
	node *yaml.Node
}

// replacements gives the entries of replacements in their order. A file that one names holds one entry or a list of them.
func (k *Kustomization) replacements() (out []replacing) {
	for _, entry := range content(field(k.root, "replacements")) {
		name := text(entry, "path")
		if name == "" {
			out = append(out, replacing{k.file, entry})
			continue
		}
		file := path.Join(path.Dir(k.file), name)
		for _, document := range ParseSource(k.read(file)).documents {
			list := content(document)
			if document.Kind == yaml.MappingNode {
				list = []*yaml.Node{document}
			}
			for _, entry := range list {
				out = append(out, replacing{file, entry})
			}
		}
	}
	return out
}

// setter finds the path of a replacement's target that leads to a field, or to something around it; nil where none does.
func setter(target *yaml.Node, object *Object, pointer []string) (at *yaml.Node) {
	paths := content(field(target, "fieldPaths"))
	if len(paths) == 0 && slices.Equal(pointer, []string{"metadata", "name"}) { // kustomize's default
		return key(target, "select")
	}
	for _, item := range paths {
		if item.Value != "" && leadsTo(object.Value(), utils.SmarterPathSplitter(item.Value, "."), pointer) {
			at = item
		}
	}
	return at
}

// leadsTo reports whether a path as kustomize reads it (sigs.k8s.io/kustomize/kyaml/yaml, PathMatcher) leads to a field, or to something
// around it. pointer is where the field is: names, and the numbers of items.
func leadsTo(value any, parts, pointer []string) bool {
	if len(parts) > len(pointer) {
		return false
	}
	for i, part := range parts {
		switch at := value.(type) {
		case map[string]any:
			if part != pointer[i] && part != "*" {
				return false
			}
			value = at[pointer[i]]
		case []any:
			n, err := strconv.Atoi(pointer[i])
			if err != nil || n >= len(at) || part != pointer[i] && part != "*" && !identifies(part, at[n]) {
				return false
			}
			value = at[n]
		default:
			return false
		}
	}
	return true
}

// identifies reports whether a part of a path, such as [name=web], means an item of a list.
func identifies(part string, item any) bool {
	name, pattern, ok := strings.Cut(strings.TrimSuffix(strings.TrimPrefix(part, "["), "]"), "=")
	if !ok || !strings.HasPrefix(part, "[") {
		return false
	}
	if name != "" {
		object, _ := item.(map[string]any)
		if item = object[name]; item == nil {
			return false
		}
	}
	re, err := regexp.Compile(pattern)
	return err == nil && re.MatchString(fmt.Sprint(item))
}

// rejected reports whether a target of a replacement leaves an object out, by its name as it is.
func rejected(target *yaml.Node, id ID) bool {
	return slices.ContainsFunc(content(field(target, "reject")), func(reject *yaml.Node) bool {
		return text(reject, "kind")+text(reject, "name") != "" && matchesName(reject, id) && selects(reject, id, nil)
	})
}

// matchesName reports whether the target of a patch or replacement names an object as it is, or names none.
func matchesName(target *yaml.Node, id ID) bool { return matches(text(target, "name"), id.Name) }

// matches reports whether a value is as a selector of kustomize wants it: by a regular expression; "" fits all.
func matches(pattern, value string) bool {
	re, err := regexp.Compile(`^(?:` + pattern + `)$`)
	return pattern == "" || err == nil && re.MatchString(value)
}
