package schema

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"

	"github.com/sluice-dev/sluice/internal/manifest"
)

// Definition is one CustomResourceDefinition: the schemas of the versions that it serves, each compiled when an object first
// needs it. It is safe for concurrent use.
type Definition struct {
	Group, Kind string
	// Source names where the definition is from, for messages: a file of the repository, or the release of the bundle.
	Source string
	// Digest is equal where what the definition says of objects is equal.
	Digest [sha256.Size]byte

	plural   string
	versions []*customVersion
	webhook  bool // that converts between versions
}

// ParseDefinition reads a CustomResourceDefinition of apiextensions.k8s.io/v1. An error says what keeps it from being one;
// mistakes within its schemas show in [Definition.Problems].
func ParseDefinition(o *manifest.Object, source string) (*Definition, error) {
	if !isDefinition(o) {
		return nil, fmt.Errorf("%s %s is no CustomResourceDefinition of apiextensions.k8s.io/v1", o.APIVersion(), o.ID.Kind)
	}
	text, err := json.Marshal(o.Value()["spec"])
	if err != nil {
		return nil, err
	}
	return newDefinition(text, source)
}

// isDefinition reports whether an object is a CustomResourceDefinition that a cluster serves objects by.
func isDefinition(o *manifest.Object) bool {
	return o.ID.Kind == "CustomResourceDefinition" && o.APIVersion() == "apiextensions.k8s.io/v1"
}

// newDefinition reads the spec of a CustomResourceDefinition, as JSON.
func newDefinition(text []byte, source string) (*Definition, error) {
	var spec apiextensionsv1.CustomResourceDefinitionSpec
	if err := json.Unmarshal(text, &spec); err != nil {
		return nil, fmt.Errorf("the specification cannot be read: %w", err)
	}
	if spec.Group == "" || spec.Names.Kind == "" {
		return nil, errors.New("the specification names no group or no kind")
	}
	d := &Definition{Group: spec.Group, Kind: spec.Names.Kind, plural: spec.Names.Plural, Source: source, Digest: sha256.Sum256(text)}
	d.webhook = spec.Conversion != nil && spec.Conversion.Strategy == apiextensionsv1.WebhookConverter
	for i := range spec.Versions {
		v := &spec.Versions[i]
		custom := &customVersion{
			name: v.Name, index: i, served: v.Served, keepsUnknown: spec.PreserveUnknownFields,
			hasStatus: v.Subresources != nil && v.Subresources.Status != nil,
		}
		if v.Deprecated {
			custom.deprecation = "deprecated"
			if v.DeprecationWarning != nil {
				custom.deprecation = *v.DeprecationWarning
			}
		}
		if v.Schema != nil {
			custom.source = v.Schema.OpenAPIV3Schema
		}
		d.versions = append(d.versions, custom)
	}
	return d, nil
}

// version gives a version by its name, nil where the definition has none, and the names of those that are served.
func (d *Definition) version(name string) (*customVersion, []string) {
	var found *customVersion
	var served []string
	for _, v := range d.versions {
		if v.name == name {
			found = v
		}
		if v.served {
			served = append(served, v.name)
		}
	}
	return found, served
}

// customVersion is one version of a CustomResourceDefinition.
type customVersion struct {
	name         string
	index        int // in the list of versions
	served       bool
	hasStatus    bool // status is a subresource: what a manifest says of it is dropped
	keepsUnknown bool // the definition says preserveUnknownFields
	deprecation  string
	source       *apiextensionsv1.JSONSchemaProps

	once     sync.Once
	compiled *customSchema
	problems []problem // of the schema; with any, compiled is nil
}

// schema gives the compiled schema, or what is wrong with it. The paths start at the version.
func (v *customVersion) schema() (*customSchema, []problem) {
	v.once.Do(func() {
		defer func() {
			if r := recover(); r != nil { // the libraries are not ours, and the schema is anybody's
				v.compiled, v.problems = nil, []problem{{"schema", fmt.Sprintf("this schema cannot be compiled: %v", r)}}
			}
		}()
		if v.source == nil {
			v.problems = []problem{{"schema", "there is no schema: schema.openAPIV3Schema is required"}}
			return
		}
		var props apiextensions.JSONSchemaProps
		if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(v.source, &props, nil); err != nil {
			v.problems = []problem{{"schema.openAPIV3Schema", err.Error()}}
			return
		}
		v.compiled, v.problems = compileCustom(&props)
		v.source = nil
	})
	return v.compiled, v.problems
}

// Problems says what the API server would refuse about the definition's schemas: ones that are not structural, defaults
// that do not fit, CEL that does not compile or may cost too much.
func (d *Definition) Problems() []string {
	var texts []string
	for _, p := range d.problems() {
		texts = append(texts, p.message)
	}
	return texts
}

func (d *Definition) problems() []problem {
	var out []problem
	for _, v := range d.versions {
		_, found := v.schema()
		for _, p := range found {
			out = append(out, problem{fmt.Sprintf("spec.versions[%d].%s", v.index, p.path), p.message})
		}
	}
	return out
}

// Custom is the definitions that the custom resources of one target are held to. Its zero value has none.
type Custom struct {
	byKind map[groupKind]*Definition
}

type groupKind struct{ group, kind string }

// NewCustom joins definitions. Of several for one kind the first wins.
func NewCustom(definitions ...*Definition) *Custom {
	c := &Custom{byKind: make(map[groupKind]*Definition)}
	for _, d := range definitions {
		if key := (groupKind{d.Group, d.Kind}); c.byKind[key] == nil {
			c.byKind[key] = d
		}
	}
	return c
}

// And gives these definitions and others; of several for one kind these win. c may be nil.
func (c *Custom) And(others ...*Definition) *Custom {
	joined := NewCustom(others...)
	if c != nil {
		maps.Copy(joined.byKind, c.byKind)
	}
	return joined
}

// Digest is equal where the definitions are: what they say of objects, and where messages say that they are from.
func (c *Custom) Digest() [sha256.Size]byte {
	if c == nil {
		return [sha256.Size]byte{}
	}
	kinds := slices.SortedFunc(maps.Keys(c.byKind), func(a, b groupKind) int {
		return cmp.Or(strings.Compare(a.group, b.group), strings.Compare(a.kind, b.kind))
	})
	h := sha256.New()
	for _, kind := range kinds {
		d := c.byKind[kind]
		fmt.Fprintf(h, "%q %q %q %x\n", kind.group, kind.kind, d.Source, d.Digest)
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// find gives the definition of a kind; nil where there is none.
func (c *Custom) find(g gvk) *Definition {
	if c == nil {
		return nil
	}
	return c.byKind[groupKind{g.group(), g.kind}]
}

// newest orders version names as Kubernetes does and gives the first.
func newest(versions []string) string {
	return slices.MaxFunc(versions, func(a, b string) int { return priority(a) - priority(b) })
}
