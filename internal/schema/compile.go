package schema

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// compiler compiles the schemas of one Kubernetes version, each when it is first needed. It is safe for concurrent use.
type compiler struct {
	release *release
	base    string // URL under which the definitions refer to each other

	mutex    sync.Mutex // the library's compiler is not safe for concurrent use
	library  *jsonschema.Compiler
	compiled map[gvk]compiled
}

// compiled is the outcome of a compilation.
type compiled struct {
	schema *jsonschema.Schema
	err    error
}

func newCompiler(r *release) *compiler {
	c := &compiler{release: r, base: "kubernetes://" + r.name, compiled: make(map[gvk]compiled)}
	c.library = newLibrary(c)
	return c
}

// newLibrary sets the library's compiler up as kubeconform does (pkg/validator/validator.go, downloadSchema), but for the
// format "duration", which no type of Kubernetes has, and our own format of quantities.
func newLibrary(loader jsonschema.URLLoader) *jsonschema.Compiler {
	library := jsonschema.NewCompiler()
	library.DefaultDraft(jsonschema.Draft4)
	library.UseLoader(loader)
	library.RegisterFormat(quantityFormat)
	return library
}

// errNotServed is what schemaOf returns for a kind that the Kubernetes version does not serve.
var errNotServed = errors.New("no schema")

// schemaOf gives the compiled schema of a kind. The error is errNotServed when there is none; any other says that there
// is one and it cannot be used, which must never pass for the first.
func (c *compiler) schemaOf(g gvk) (*jsonschema.Schema, error) {
	name, ok := c.release.kinds[g]
	if !ok {
		return nil, errNotServed
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if done, ok := c.compiled[g]; ok {
		return done.schema, done.err
	}
	var done compiled
	done.schema, done.err = c.library.Compile(c.base + "/definition/" + name)
	c.compiled[g] = done
	return done.schema, done.err
}

// Load implements [jsonschema.URLLoader] over the store: no other place is ever read.
func (c *compiler) Load(url string) (any, error) {
	path, ok := strings.CutPrefix(url, c.base)
	if !ok {
		return nil, fmt.Errorf("a schema refers to %s, which is outside of the built-in schemas", url)
	}
	name, isDefinition := strings.CutPrefix(path, "/definition/")
	name, isNullable := strings.CutPrefix(name, "/nullable/")
	text, ok := c.release.definitions[name]
	if !ok || isDefinition == isNullable {
		return nil, fmt.Errorf("there is no schema %s", path)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil || isDefinition {
		return doc, err
	}
	return allowNull(doc), nil
}

// allowNull widens a definition for a field that need not be set: Kubernetes takes null for not set.
func allowNull(doc any) any {
	schema, ok := doc.(map[string]any)
	if !ok {
		return doc
	}
	if name, ok := schema["type"].(string); ok {
		schema["type"] = []any{name, "null"}
	}
	return schema
}
