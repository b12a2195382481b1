package config

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/sluice-dev/sluice/internal/finding"
)

// decoder fills a Go value from YAML nodes, by the value's type, and notes where everything stood.
type decoder struct {
	file      string
	findings  finding.List
	positions map[string]finding.Pos
}

func (d *decoder) report(pos finding.Pos, rule, format string, args ...any) {
	d.findings = append(d.findings, finding.Finding{
		Rule: rule, Severity: finding.Error, Message: fmt.Sprintf(format, args...), Pos: pos,
	})
}

func (d *decoder) pos(node *yaml.Node) finding.Pos {
	return finding.Pos{File: d.file, Line: max(node.Line, 1), Column: max(node.Column, 1)}
}

// value decodes a node into a settable value; path says where it is, for positions and messages. It reports whether
// the node had the right form.
func (d *decoder) value(node *yaml.Node, into reflect.Value, path []any) bool {
	d.positions[positionKey(path)] = d.pos(node)
	if !d.plain(node) {
		return false
	}
	switch into.Kind() {
	case reflect.Struct:
		if isScalar(into.Type()) {
			return d.scalar(node, into, path)
		}
		return d.structure(node, into, path)
	case reflect.Map:
		return d.mapping(node, into, path)
	case reflect.Slice:
		return d.sequence(node, into, path)
	default:
		return d.scalar(node, into, path)
	}
}

// isScalar reports whether a struct is written as one text, as hours are.
func isScalar(t reflect.Type) bool { return t.Implements(reflect.TypeFor[shaped]()) }

// plain refuses what makes a file say something else than it seems to.
func (d *decoder) plain(node *yaml.Node) bool {
	switch {
	case node.Kind == yaml.AliasNode:
		d.report(d.pos(node), "config/alias", "aliases are not supported here: write the value of %s out", quoted("*"+node.Value))
		return false
	case node.Anchor != "":
		d.report(d.pos(node), "config/alias", "anchors are not supported here: remove %s", quoted("&"+node.Anchor))
	}
	if tag := node.ShortTag(); node.Style&yaml.TaggedStyle != 0 && !strings.HasPrefix(tag, "!!") {
		d.report(d.pos(node), "config/type", "the tag %s is not supported here: remove it", quoted(tag))
		return false
	}
	return true
}

// field is a key of a mapping, as a struct's tags describe it.
type field struct {
	index    int
	key, doc string
	required bool
	min, max *int
}

// fieldsOf reads the tags of a struct. Fields without a yaml tag are not part of the file.
func fieldsOf(t reflect.Type) []field {
	var out []field
	for i := range t.NumField() {
		tag := t.Field(i).Tag
		key := tag.Get("yaml")
		if key == "" {
			continue
		}
		out = append(out, field{
			index: i, key: key, doc: tag.Get("doc"), required: tag.Get("required") == "true",
			min: bound(tag.Get("min")), max: bound(tag.Get("max")),
		})
	}
	return out
}

func bound(text string) *int {
	if n, err := strconv.Atoi(text); err == nil {
		return &n
	}
	return nil
}

// shortened is a mapping of which one key can be written alone: its value stands in place of the mapping.
type shortened interface{ short() (key string) }

func (d *decoder) structure(node *yaml.Node, into reflect.Value, path []any) bool {
	if isNull(node) && !hasRequired(into.Type()) {
		return true
	}
	if s, ok := into.Interface().(shortened); ok && node.Kind == yaml.ScalarNode {
		fields := fieldsOf(into.Type())
		i := slices.IndexFunc(fields, func(f field) bool { return f.key == s.short() })
		return d.scalar(node, into.Field(fields[i].index), path)
	}
	if node.Kind != yaml.MappingNode {
		d.wrongType(node, path, "a mapping of keys and values")
		return false
	}
	fields := fieldsOf(into.Type())
	present := make(map[string]bool)
	for key, value := range d.pairs(node, path) {
		present[key.Value] = true
		i := slices.IndexFunc(fields, func(f field) bool { return f.key == key.Value })
		if i < 0 {
			d.unknownKey(key, fields, path)
			continue
		}
		f := fields[i]
		step := append(slices.Clone(path), f.key)
		target := into.Field(f.index)
		if d.value(value, target, step) && f.min != nil && f.max != nil {
			d.bounds(value, target, f, step)
		}
	}
	for _, f := range fields {
		if f.required && !present[f.key] {
			d.report(d.pos(node), "config/missing-key", "%s needs the key %q: %s", describe(path), f.key, f.doc)
		}
	}
	return true
}

func hasRequired(t reflect.Type) bool {
	return slices.ContainsFunc(fieldsOf(t), func(f field) bool { return f.required })
}

func (d *decoder) mapping(node *yaml.Node, into reflect.Value, path []any) bool {
	if isNull(node) {
		return true
	}
	if node.Kind != yaml.MappingNode {
		d.wrongType(node, path, "a mapping of keys and values")
		return false
	}
	out := reflect.MakeMap(into.Type())
	for key, value := range d.pairs(node, path) {
		name := reflect.New(into.Type().Key()).Elem()
		step := append(slices.Clone(path), key.Value)
		keyGood := d.scalar(key, name, step)
		element := reflect.New(into.Type().Elem()).Elem()
		if d.value(value, element, step) && keyGood {
			out.SetMapIndex(name, element)
		}
		d.positions[positionKey(step)] = d.pos(key)
	}
	into.Set(out)
	return true
}

// pairs gives the keys and values of a mapping, each key once; a doubled or merged one is reported.
func (d *decoder) pairs(node *yaml.Node, path []any) func(yield func(key, value *yaml.Node) bool) {
	return func(yield func(key, value *yaml.Node) bool) {
		first := make(map[string]int)
		for i := 0; i+1 < len(node.Content); i += 2 {
			key, value := node.Content[i], node.Content[i+1]
			switch line, seen := first[key.Value]; {
			case key.ShortTag() == "!!merge":
				d.report(d.pos(key), "config/alias", `"<<" is not supported here: write the keys out`)
			case key.Kind != yaml.ScalarNode:
				d.report(d.pos(key), "config/type", "a key of %s must be text", describe(path))
			case seen:
				d.report(d.pos(key), "config/duplicate-key", "the key %s is already in line %d: keep one of them", quoted(key.Value), line)
			default:
				first[key.Value] = key.Line
				if !yield(key, value) {
					return
				}
			}
		}
	}
}

func (d *decoder) sequence(node *yaml.Node, into reflect.Value, path []any) bool {
	if isNull(node) {
		return true
	}
	items := node.Content
	if into.Type() == reflect.TypeFor[Stage]() && node.Kind == yaml.ScalarNode {
		items = []*yaml.Node{node} // a stage of one environment is written without brackets
	} else if node.Kind != yaml.SequenceNode {
		d.wrongType(node, path, "a list")
		return false
	}
	out := reflect.MakeSlice(into.Type(), len(items), len(items))
	for i, item := range items {
		d.value(item, out.Index(i), append(slices.Clone(path), i))
	}
	into.Set(out)
	return true
}

func (d *decoder) scalar(node *yaml.Node, into reflect.Value, path []any) bool {
	if node.Kind != yaml.ScalarNode {
		d.wrongType(node, path, scalarName(into.Type()))
		return false
	}
	tag := node.ShortTag()
	if tag == "!!timestamp" && into.Type() == reflect.TypeFor[Date]() {
		tag = "!!str" // a day is written without quotes
	}
	if into.Type() == reflect.TypeFor[int]() {
		n, err := strconv.Atoi(node.Value)
		if tag != "!!int" || err != nil {
			d.wrongType(node, path, scalarName(into.Type()))
			return false
		}
		into.SetInt(int64(n))
		return true
	}
	if into.Type() == reflect.TypeFor[bool]() {
		truth := strings.ToLower(node.Value) // YAML 1.2 knows true, True and TRUE
		if tag != "!!bool" || truth != "true" && truth != "false" {
			d.wrongType(node, path, scalarName(into.Type()))
			return false
		}
		into.SetBool(truth == "true")
		return true
	}
	s := into.Interface().(shaped).shape()
	if s.timestamp && tag == "!!timestamp" {
		tag = "!!str"
	}
	switch {
	case tag != "!!str" && tag != "!!null" && s.fits(node.Value):
		d.report(d.pos(node), "config/type", "%s must be text: put it in quotes, %s", describe(path), quoted(node.Value))
		return false
	case tag != "!!str":
		d.wrongType(node, path, s.String())
		return false
	}
	return d.text(node, s, into, path)
}

func (d *decoder) text(node *yaml.Node, s shape, into reflect.Value, path []any) bool {
	switch {
	case s.enum != nil && !s.fits(node.Value):
		d.report(d.pos(node), "config/value", "%s cannot be %s%s Use %s", describe(path), quoted(node.Value),
			didYouMean(node.Value, s.enum), alternatives(s.enum))
		return false
	case !s.fits(node.Value):
		d.report(d.pos(node), "config/value", "%s is %s: it must be %s", describe(path), quoted(node.Value), s.what)
		return false
	}
	if p, ok := into.Addr().Interface().(parsed); ok {
		if err := p.parse(node.Value); err != nil {
			d.report(d.pos(node), "config/value", "%s is %s: it must be %s", describe(path), quoted(node.Value), s.what)
			return false
		}
		return true
	}
	into.SetString(node.Value)
	return true
}

func (d *decoder) bounds(node *yaml.Node, value reflect.Value, f field, path []any) {
	if n := int(value.Int()); n < *f.min || n > *f.max {
		d.report(d.pos(node), "config/value", "%s is %d: it must be from %d to %d", describe(path), n, *f.min, *f.max)
	}
}

func (d *decoder) wrongType(node *yaml.Node, path []any, want string) {
	got := map[yaml.Kind]string{yaml.MappingNode: "a mapping", yaml.SequenceNode: "a list"}[node.Kind]
	switch {
	case isNull(node):
		got = "empty"
	case got == "":
		got = quoted(node.Value)
	}
	d.report(d.pos(node), "config/type", "%s is %s: it must be %s", describe(path), got, want)
}

func (d *decoder) unknownKey(key *yaml.Node, fields []field, path []any) {
	expected := make([]string, len(fields))
	for i, f := range fields {
		expected[i] = f.key
	}
	d.report(d.pos(key), "config/unknown-key", "unknown key %s in %s%s Its keys are: %s",
		quoted(key.Value), describe(path), didYouMean(key.Value, expected), strings.Join(expected, ", "))
}

func scalarName(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[int]():
		return "a whole number"
	case reflect.TypeFor[bool]():
		return "true or false"
	}
	return reflect.Zero(t).Interface().(shaped).shape().String()
}

// plainKey holds what a key in a message may be made of without quotes.
const plainKey = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_/*"

// describe names a place for messages: "targets[0].path", or "the file" for its root.
func describe(path []any) string {
	if len(path) == 0 {
		return "the file"
	}
	var b strings.Builder
	for i, step := range path {
		switch step := step.(type) {
		case int:
			fmt.Fprintf(&b, "[%d]", step)
		default:
			if i > 0 {
				b.WriteByte('.')
			}
			text := fmt.Sprint(step)
			if strings.ContainsFunc(text, func(r rune) bool { return !strings.ContainsRune(plainKey, r) }) {
				text = quoted(text)
			}
			b.WriteString(text)
		}
	}
	return b.String()
}

func isNull(node *yaml.Node) bool {
	return node.Kind == yaml.ScalarNode && node.ShortTag() == "!!null"
}
