package manifest

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Kustomization is a kustomization file, parsed for the positions of what it sets in objects. Its zero value sets nothing.
type Kustomization struct {
	file  string
	root  *yaml.Node
	lines []string
	read  func(file string) []byte
}

// FilePlace is a place and the file it is in.
type FilePlace struct {
	File string
	Place
}

// ParseKustomization reads a kustomization file as far as it is YAML. read gives the content of the files that it names, nil for one
// that is not there.
func ParseKustomization(file string, data []byte, read func(file string) []byte) *Kustomization {
	k := &Kustomization{file: file, lines: strings.Split(string(data), "\n"), read: read}
	var document yaml.Node
	if err := yaml.Unmarshal(data, &document); err == nil && len(document.Content) > 0 {
		k.root = document.Content[0]
	}
	return k
}

// Locate finds what in the kustomization, or in the patches that it names with a target, sets a field of a rendered object: the field path of a
// replacement, an entry of images or replicas, the namespace, a label, an operation or line of a patch. others are the
// other objects that are rendered, as for [Source.Locate]. The zero value is no place.
func (k *Kustomization) Locate(object *Object, fieldPath string, others ...ID) FilePlace {
	if k.root == nil || object == nil {
		return FilePlace{}
	}
	steps := splitPath(fieldPath)
	if place := k.replacement(object, steps, others); place.Line > 0 {
		return place
	}
	for _, find := range []func(*Object, []step) *yaml.Node{k.image, k.namespace, k.label} {
		if at := find(object, steps); at != nil {
			return FilePlace{k.file, Place{Line: at.Line, Column: at.Column, Depth: len(steps), Exact: true}}
		}
	}
	if at := k.replicas(object, steps, others); at != nil {
		return FilePlace{k.file, Place{Line: at.Line, Column: at.Column, Depth: len(steps), Exact: true}}
	}
	var best FilePlace
	for _, p := range k.patches() {
		if place := p.locate(object, steps, others); place.Depth > 0 && place.Depth >= best.Depth { // the last of several has the last word
			best = place
		}
	}
	return best
}

// Generator finds the generator of the kustomization that makes an object, and in it what gives a field: a literal, the name of a file, or a
// line of an env file.
func (k *Kustomization) Generator(id ID, fieldPath string) FilePlace {
	list := field(k.rootOrEmpty(), map[string]string{"ConfigMap": "configMapGenerator", "Secret": "secretGenerator"}[id.Kind])
	if list == nil || list.Kind != yaml.SequenceNode {
		return FilePlace{}
	}
	var entry *yaml.Node
	for _, item := range list.Content {
		if name := text(item, "name"); name != "" && strings.Contains(id.Name, name) && (entry == nil || len(name) > len(text(entry, "name"))) {
			entry = item
		}
	}
	if entry == nil {
		return FilePlace{}
	}
	best := FilePlace{k.file, Place{Line: entry.Line, Column: entry.Column}}
	steps := splitPath(fieldPath)
	if len(steps) < 2 || !slices.Contains([]string{"data", "stringData", "binaryData"}, steps[0].name) {
		return best
	}
	key := steps[1].name
	at := func(file string, line, column int) FilePlace {
		return FilePlace{file, Place{Line: line, Column: column, Depth: 2, Exact: true}}
	}
	for _, item := range content(field(entry, "literals")) {
		if strings.HasPrefix(item.Value, key+"=") {
			return at(k.file, item.Line, item.Column)
		}
	}
	for _, item := range content(field(entry, "files")) {
		if name, _, named := strings.Cut(item.Value, "="); named && name == key || !named && path.Base(name) == key {
			return at(k.file, item.Line, item.Column)
		}
	}
	for _, item := range append(content(field(entry, "envs")), fieldNode(entry, "env")...) {
		file := path.Join(path.Dir(k.file), item.Value)
		number := 0
		for line := range strings.Lines(string(k.read(file))) {
			number++
			if rest := strings.TrimLeft(line, " \t"); strings.HasPrefix(rest, key+"=") {
				return at(file, number, 1+len(line)-len(rest))
			}
		}
	}
	return best
}

func (k *Kustomization) rootOrEmpty() *yaml.Node {
	if k.root == nil {
		return &yaml.Node{}
	}
	return k.root
}

func content(list *yaml.Node) []*yaml.Node {
	if list == nil || list.Kind != yaml.SequenceNode {
		return nil
	}
	return list.Content
}

func fieldNode(node *yaml.Node, name string) []*yaml.Node {
	if value := field(node, name); value != nil {
		return []*yaml.Node{value}
	}
	return nil
}

// key gives the key of a field, where a reader looks for it.
func key(node *yaml.Node, names ...string) *yaml.Node {
	for _, name := range names {
		if at, _ := child(node, step{name: name}); at != nil {
			return at
		}
	}
	return nil
}

// image finds the entry of images that makes a container's image what it is.
func (k *Kustomization) image(object *Object, steps []step) *yaml.Node {
	if len(steps) == 0 || steps[len(steps)-1].name != "image" {
		return nil
	}
	image, _ := valueAt(object.Value(), steps).(string)
	repository, _, _ := strings.Cut(image, "@")
	if i := strings.LastIndexByte(repository, ':'); i > strings.LastIndexByte(repository, '/') {
		repository = repository[:i]
	}
	for _, entry := range content(field(k.root, "images")) {
		name := text(entry, "newName")
		if name == "" {
			name = text(entry, "name")
		}
		if name == repository && name != "" {
			return key(entry, "newTag", "digest", "newName", "name")
		}
	}
	return nil
}

func (k *Kustomization) replicas(object *Object, steps []step, others []ID) *yaml.Node {
	if len(steps) != 2 || steps[0].name != "spec" || steps[1].name != "replicas" {
		return nil
	}
	for _, entry := range content(field(k.root, "replicas")) {
		if name := text(entry, "name"); name != "" && mayMean(name, object.ID, others) && text(entry, "count") == fmt.Sprint(valueAt(object.Value(), steps)) {
			return key(entry, "count")
		}
	}
	return nil
}

func (k *Kustomization) namespace(object *Object, steps []step) *yaml.Node {
	if len(steps) == 2 && steps[0].name == "metadata" && steps[1].name == "namespace" && text(k.root, "namespace") == object.ID.Namespace {
		return key(k.root, "namespace")
	}
	return nil
}

// label finds a label or annotation that the kustomization adds.
func (k *Kustomization) label(object *Object, steps []step) *yaml.Node {
	if len(steps) < 3 {
		return nil
	}
	last := steps[len(steps)-1].name
	value, _ := valueAt(object.Value(), steps).(string)
	var sets []*yaml.Node
	switch steps[len(steps)-2].name {
	case "labels", "matchLabels", "selector":
		sets = fieldNode(k.root, "commonLabels")
		for _, entry := range content(field(k.root, "labels")) {
			sets = append(sets, fieldNode(entry, "pairs")...)
		}
	case "annotations":
		sets = fieldNode(k.root, "commonAnnotations")
	}
	for _, set := range sets {
		if at := key(set, last); at != nil && text(set, last) == value {
			return at
		}
	}
	return nil
}

// patch is one patch of a kustomization: its text, where that stands, and what it is for.
type patch struct {
	file   string
	text   []byte
	target *yaml.Node // nil without one
	place  func(Place) Place
}

// patches gives the patches of the kustomization, in the order in which kustomize applies them.
func (k *Kustomization) patches() (out []patch) {
	for _, item := range content(field(k.root, "patchesStrategicMerge")) {
		if strings.ContainsAny(item.Value, "\n{") {
			out = append(out, k.inlined(item, nil))
		}
	}
	for _, list := range []string{"patches", "patchesJson6902"} {
		for _, item := range content(field(k.root, list)) {
			target := field(item, "target")
			if inline := field(item, "patch"); inline != nil {
				out = append(out, k.inlined(inline, target))
			} else if name := text(item, "path"); name != "" && target != nil {
				file := path.Join(path.Dir(k.file), name)
				out = append(out, patch{file: file, text: k.read(file), target: target, place: func(p Place) Place { return p }})
			}
		}
	}
	return out
}

// inlined gives a patch that stands in a text of the kustomization. The lines of a literal block (|) are those of the file; of any other
// form of text only the beginning is known.
func (k *Kustomization) inlined(node, target *yaml.Node) patch {
	p := patch{file: k.file, text: []byte(node.Value), target: target}
	indent := 0
	if node.Line < len(k.lines) {
		first := k.lines[node.Line]
		indent = len(first) - len(strings.TrimLeft(first, " "))
	}
	p.place = func(inner Place) Place {
		if node.Style&yaml.LiteralStyle != 0 {
			inner.Line, inner.Column = node.Line+inner.Line, inner.Column+indent
		} else {
			inner.Line, inner.Column = node.Line, node.Column
		}
		return inner
	}
	return p
}

// locate finds what in the patch sets a field.
func (p patch) locate(object *Object, steps []step, others []ID) FilePlace {
	source := ParseSource(p.text)
	if len(source.documents) == 0 || p.target != nil && !selects(p.target, object.ID, others) {
		return FilePlace{}
	}
	var place Place
	switch root := source.documents[0]; {
	case root.Kind == yaml.SequenceNode && p.target != nil:
		place = operation(root.Content, object, steps)
	case root.Kind == yaml.SequenceNode:
	case p.target != nil:
		place = follow(root, steps, Place{Line: root.Line, Column: root.Column})
	default:
		if root = source.find(object.ID, others); root != nil {
			place = follow(root, steps, Place{Line: root.Line, Column: root.Column})
		}
	}
	if place.Line == 0 {
		return FilePlace{}
	}
	return FilePlace{p.file, p.place(place)}
}

// operation finds the operation of a JSON patch (RFC 6902) that sets a field, or what is nearest around it.
func operation(operations []*yaml.Node, object *Object, steps []step) (best Place) {
	pointer := pointerOf(object.Value(), steps)
	for _, op := range operations {
		if text(op, "op") == "remove" || text(op, "op") == "test" {
			continue
		}
		tokens := strings.Split(strings.TrimPrefix(text(op, "path"), "/"), "/")
		if len(tokens) > len(pointer) || !slices.EqualFunc(tokens, pointer[:len(tokens)], sameToken) {
			continue
		}
		at := key(op, "value", "path")
		place := Place{Line: at.Line, Column: at.Column, Depth: len(tokens)}
		place = follow(field(op, "value"), steps[len(tokens):], place)
		if place.Depth >= best.Depth {
			best = place
		}
	}
	return best
}

var unescape = strings.NewReplacer("~1", "/", "~0", "~")

// sameToken compares a token of an operation with that of a field; "-" is an item that was appended.
func sameToken(operation, token string) bool {
	if operation == "-" {
		_, err := strconv.Atoi(token)
		return err == nil
	}
	return unescape.Replace(operation) == token
}

// pointerOf gives the tokens of a path in an object: the items of lists by their index. It ends before an item that is not there.
func pointerOf(value any, steps []step) (tokens []string) {
	for _, s := range steps {
		next, token, ok := enter(value, s)
		if !ok {
			return tokens
		}
		tokens, value = append(tokens, token), next
	}
	return tokens
}

// enter follows a step into a value. A field that is not there has a token all the same.
func enter(value any, s step) (next any, token string, ok bool) {
	if s.name != "" {
		object, _ := value.(map[string]any)
		return object[s.name], s.name, true
	}
	list, _ := value.([]any)
	for i, item := range list {
		object, _ := item.(map[string]any)
		if s.key == "" && i == s.index || s.key != "" && object != nil && fmt.Sprint(object[s.key]) == s.value {
			return item, strconv.Itoa(i), true
		}
	}
	return nil, "", false
}

func valueAt(value any, steps []step) any {
	for _, s := range steps {
		var ok bool
		if value, _, ok = enter(value, s); !ok {
			return nil
		}
	}
	return value
}

// selects reports whether the target of a patch may choose an object. Prefixes and suffixes that were added since are passed over, and
// so are label and annotation selectors.
func selects(target *yaml.Node, id ID, others []ID) bool {
	return matches(text(target, "kind"), id.Kind) && matches(text(target, "group"), id.Group) &&
		(matchesName(target, id) || mayMean(text(target, "name"), id, others))
}
