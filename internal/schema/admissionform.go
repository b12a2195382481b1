package schema

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	kubeschema "k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/sluice-dev/sluice/internal/manifest"
)

// form is a version that the API server serves a resource in. A policy with the match policy Equivalent, which is the default, sees an
// object in the version that its rules name, whatever the version that it is written in.
type form struct {
	kind     kubeschema.GroupVersionKind
	resource kubeschema.GroupVersionResource
	// untold says why nobody can tell what a policy sees that names the resource in another version; "" for a form that is served.
	untold string
	served bool // the versions that are served are known, and untold is for a policy that names another by mistake
}

func (f form) gvk() gvk {
	apiVersion, kind := f.kind.ToAPIVersionAndKind()
	return gvk{apiVersion, kind}
}

// forms gives the form in which an object is written, and the others of its resource. (Events, which two groups serve, stand in no
// repository.)
func (c checker) forms(o *manifest.Object) (written form, others []form) {
	kinds := c.release().sorted(func(g gvk) bool { return g.kind == o.ID.Kind && g.group() == o.ID.Group })
	var d *Definition
	if len(kinds) == 0 {
		d = c.definitionOf(o)
	}
	of := func(version string) form {
		f := form{kind: kubeschema.GroupVersionKind{Group: o.ID.Group, Version: version, Kind: o.ID.Kind}}
		f.resource, _ = meta.UnsafeGuessKindToResource(f.kind)
		if d != nil && d.plural != "" {
			f.resource.Resource = d.plural
		}
		return f
	}
	written = of(o.Version)
	switch {
	case len(kinds) > 0:
		for _, g := range kinds {
			if _, version := manifest.SplitAPIVersion(g.apiVersion); version != o.Version {
				others = append(others, of(version))
			}
		}
		others = append(others, of("").beyond("Kubernetes "+c.release().name))
	case d != nil:
		for _, v := range d.versions {
			if v.served && v.name != o.Version {
				others = append(others, of(v.name))
			}
		}
		others = append(others, of("").beyond(d.Source))
	default:
		unknown := of(o.Version)
		unknown.untold = fmt.Sprintf("its rules name another version than that of %s, and nothing says which there are", written.gvk())
		others = []form{unknown}
	}
	return written, others
}

// beyond is the form of any version that who serves the others does not serve.
func (f form) beyond(who string) form {
	f.untold, f.served = fmt.Sprintf("its rules name a version of %s that %s does not serve, so it looks at none", f.kind.GroupKind(), who), true
	return f
}

// definitionOf gives the definition of an object's kind; nil where there is none.
func (c checker) definitionOf(o *manifest.Object) *Definition {
	if d := c.custom.find(gvk{o.APIVersion(), o.ID.Kind}); d != nil {
		return d
	}
	b, err := popular()
	if err != nil {
		return nil
	}
	if entry := b.entries[groupKind{o.ID.Group, o.ID.Kind}]; entry != nil {
		d, _ := entry()
		return d
	}
	return nil
}

// convert gives a request as a policy sees it that looks at another form. unknown says why only a cluster can tell.
func (c checker) convert(r *admissionRequest, to form) (converted *admissionRequest, unknown string) {
	changed := *r
	changed.form = to
	if to.untold != "" {
		return nil, to.untold
	}
	for _, object := range []**unstructured.Unstructured{&changed.now, &changed.old} {
		if *object == nil {
			continue
		}
		from := gvk{(*object).GetAPIVersion(), to.kind.Kind}
		if from == to.gvk() {
			continue
		}
		if !c.alike(from, to.gvk(), r.object) {
			return nil, fmt.Sprintf("it looks at %s as %s, which only a cluster can convert it to", from, to.gvk().apiVersion)
		}
		*object = (*object).DeepCopy()
		(*object).SetAPIVersion(to.gvk().apiVersion)
	}
	return &changed, ""
}

// alike reports whether an object of one version is one of another when its apiVersion is changed, and nothing else: the types of
// Kubernetes have the same fields, or the definition of a custom resource converts so.
func (c checker) alike(from, to gvk, o *manifest.Object) bool {
	r := c.release()
	a, served := r.kinds[from]
	b, serves := r.kinds[to]
	if served && serves {
		return r.alike(a, b, make(map[[2]string]bool))
	}
	d := c.definitionOf(o)
	return d != nil && !d.webhook
}

// alike reports whether two definitions say the same of objects, but for the apiVersion. seen are the pairs that are being compared.
func (r *release) alike(a, b string, seen map[[2]string]bool) bool {
	if a == b || seen[[2]string{a, b}] {
		return true
	}
	seen[[2]string{a, b}] = true
	var documents [2]map[string]any
	for i, name := range []string{a, b} {
		if json.Unmarshal(r.definitions[name], &documents[i]) != nil {
			return false
		}
		if properties, ok := documents[i]["properties"].(map[string]any); ok {
			delete(properties, "apiVersion")
		}
	}
	var same func(x, y any) bool
	same = func(x, y any) bool {
		switch x := x.(type) {
		case map[string]any:
			y, ok := y.(map[string]any)
			if !ok || len(x) != len(y) {
				return false
			}
			for key, value := range x {
				if other, ok := y[key]; !ok || !same(value, other) {
					return false
				}
			}
			return true
		case string:
			y, ok := y.(string)
			name, isReference := strings.CutPrefix(x, "/definition/")
			other, isToo := strings.CutPrefix(y, "/definition/")
			if !isReference {
				name, isReference = strings.CutPrefix(x, "/nullable/")
				other, isToo = strings.CutPrefix(y, "/nullable/")
			}
			return ok && (x == y || isReference && isToo && r.alike(name, other, seen))
		default:
			return reflect.DeepEqual(x, y)
		}
	}
	return same(documents[0], documents[1])
}
