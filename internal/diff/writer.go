package diff

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// The three kinds of lines.
const (
	same    = ' '
	removed = '-'
	added   = '+'
)

// line is one line of the two documents laid over each other.
type line struct {
	op   byte
	text string // without the operator and the newline
	at   *path  // the field that encloses the line
	row  int    // number of the line within a text, on head where it is there; 0 outside of texts
	told bool   // the same is said of another field, after which it is counted
	note bool   // no line of a document: more fields are counted here
	more int
}

// writer lays two YAML documents over each other.
type writer struct {
	mask   *masker
	rename *yaml.Node // base's metadata.name of a renamed object: its change is said elsewhere
	lines  []line
	ignore *rules // what is left out; nil for nothing
	// ignored counts the fields that differ and are left out.
	ignored int
	// reordered is whether a list in a pod template has its items in another order: it means nothing, and yet replaces
	// the pods, since templates are compared as they stand.
	reordered bool
	generated map[string]string // see Options
	told      map[string]int    // the line after the first field that names one of these, by its name on base
}

func (w *writer) add(op byte, indent int, text string, at *path) {
	w.lines = append(w.lines, line{op: op, text: strings.Repeat(" ", indent) + text, at: at})
}

// document compares two objects; one of them may be nil.
func (w *writer) document(base, head *yaml.Node) {
	switch {
	case base == nil && head == nil:
	case base == nil:
		w.whole(added, head, 0, nil)
	case head == nil:
		w.whole(removed, base, 0, nil)
	default:
		w.mapping(base, head, 0, nil)
	}
}

// mapping compares two mappings in head's order; what only base has stands where base has it.
func (w *writer) mapping(base, head *yaml.Node, indent int, at *path) {
	baseFields, headFields := fieldsOf(base), fieldsOf(head)
	for _, p := range merge(keysOf(baseFields), keysOf(headFields)) {
		var b, h *yaml.Node
		var key string
		if p.base >= 0 {
			key, b = baseFields[p.base].key, baseFields[p.base].value
		}
		if p.head >= 0 {
			key, h = headFields[p.head].key, headFields[p.head].value
		}
		w.field(key, b, h, indent, at)
	}
}

// leftOut reports whether a field is one to ignore, and counts it where it differs. So is a mapping that one side lacks, of
// which all fields are.
func (w *writer) leftOut(key string, base, head *yaml.Node, self *path) bool {
	if w.ignore == nil {
		return false
	}
	if !w.ignore.choose(self, key) && !(base == nil && w.allIgnored(head, self)) && !(head == nil && w.allIgnored(base, self)) {
		return false
	}
	if base == nil || head == nil || w.content(base) != w.content(head) {
		w.ignored++
	}
	return true
}

func (w *writer) allIgnored(node *yaml.Node, self *path) bool {
	fields := fieldsOf(node)
	for _, f := range fields {
		if !w.ignore.choose(self.field(f.key), f.key) {
			return false
		}
	}
	return len(fields) > 0
}

func keysOf(fields []field) []string {
	keys := make([]string, len(fields))
	for i, f := range fields {
		keys[i] = f.key
	}
	return keys
}

// field compares one field of two mappings, one of which may not have it. A field that changed is enclosed by its
// mapping, or by itself at the top of the object.
func (w *writer) field(key string, base, head *yaml.Node, indent int, parent *path) {
	self := parent.field(key)
	at := parent
	if at == nil {
		at = self
	}
	label := plainOrQuoted(key) + ":"
	if w.leftOut(key, base, head, self) {
		w.fieldWhole(same, label, head, indent, at)
		return
	}
	if base == nil || head == nil || base.Kind != head.Kind {
		w.fieldWhole(removed, label, base, indent, at)
		w.fieldWhole(added, label, head, indent, at)
		return
	}
	switch {
	case head.Kind == yaml.ScalarNode:
		w.scalar(label+" ", base, head, indent, at, self)
	case len(base.Content) == 0 || len(head.Content) == 0:
		if len(base.Content) == len(head.Content) {
			w.fieldWhole(same, label, head, indent, at)
			return
		}
		w.fieldWhole(removed, label, base, indent, at)
		w.fieldWhole(added, label, head, indent, at)
	case head.Kind == yaml.MappingNode:
		w.add(same, indent, label, at)
		w.mapping(base, head, indent+2, self)
	default:
		w.add(same, indent, label, at)
		w.list(base, head, indent, self)
	}
}

// fieldWhole writes a field that one side has; nothing for a nil value.
func (w *writer) fieldWhole(op byte, label string, value *yaml.Node, indent int, at *path) {
	switch {
	case value == nil:
	case value.Kind == yaml.ScalarNode:
		w.scalarWhole(op, label+" ", value, indent, at)
	case len(value.Content) == 0:
		w.add(op, indent, label+" "+empty(value), at)
	case value.Kind == yaml.MappingNode:
		w.add(op, indent, label, at)
		w.whole(op, value, indent+2, at)
	default:
		w.add(op, indent, label, at)
		w.whole(op, value, indent, at)
	}
}

func empty(node *yaml.Node) string {
	if node.Kind == yaml.MappingNode {
		return "{}"
	}
	return "[]"
}

// whole writes a value that one side has. Its lines are enclosed by at, however deep they are; at the top of the
// object, by the fields there.
func (w *writer) whole(op byte, node *yaml.Node, indent int, at *path) {
	switch {
	case node.Kind == yaml.ScalarNode:
		w.scalarWhole(op, "", node, indent, at)
	case len(node.Content) == 0:
		w.add(op, indent, empty(node), at)
	case node.Kind == yaml.MappingNode:
		for _, f := range fieldsOf(node) {
			w.fieldWhole(op, plainOrQuoted(f.key)+":", f.value, indent, at)
		}
	default:
		for _, item := range node.Content {
			w.item(func() { w.whole(op, resolve(item), indent+2, at) }, indent)
		}
	}
}

// item writes one item of a list, whose content write puts at indent+2, and marks its first line with a dash: the
// first that head has, and the first that base has where it comes before.
func (w *writer) item(write func(), indent int) {
	start := len(w.lines)
	write()
	dash := func(i int) {
		if text := w.lines[i].text; len(text) >= indent+2 {
			w.lines[i].text = text[:indent] + "- " + text[indent+2:]
		}
	}
	for i := start; i < len(w.lines); i++ {
		if op := w.lines[i].op; op != removed {
			dash(i)
			return
		} else if i == start {
			dash(i)
		}
	}
}
