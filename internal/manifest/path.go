package manifest

import (
	"strconv"
	"strings"
)

// FieldPath writes the place of a value in an object, step by step, as people write it and findings name it, list items by name
// where they have one: spec.containers[name=web].ports[0], metadata.annotations["example.com/owner"]. [Source.Locate] reads it. The
// zero value is the object itself.
type FieldPath struct{ text strings.Builder }

// Field adds the step into a field of a mapping.
func (p *FieldPath) Field(name string) {
	switch {
	case name == "" || strings.ContainsAny(name, `.[]"`):
		p.text.WriteString(`["` + name + `"]`)
	case p.text.Len() == 0:
		p.text.WriteString(name)
	default:
		p.text.WriteString("." + name)
	}
}

// Item adds the step into an item of a list. item is its value, in which the name is looked for.
func (p *FieldPath) Item(index int, item any) {
	fields, _ := item.(map[string]any)
	if name, _ := fields["name"].(string); name != "" && !strings.ContainsAny(name, "[]=\n") {
		p.text.WriteString("[name=" + name + "]")
		return
	}
	p.text.WriteString("[" + strconv.Itoa(index) + "]")
}

// String gives the path; "" for the object itself.
func (p *FieldPath) String() string { return p.text.String() }
