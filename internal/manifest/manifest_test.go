package manifest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	t.Parallel()
	objects, problems := Parse("shop.yaml", []byte("\uFEFF# a comment\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n  namespace: shop\n"+
		"spec: {replicas: 3, ratio: 0.5, on: true, none: null, when: 2024-01-02, big: 9223372036854775808}\n---\n\n---\nnull\n--- # next\napiVersion: v1\nkind: Service\nmetadata: {name: web}\n"))
	if len(problems) != 0 {
		t.Errorf("problems: %v", problems)
	}
	var got []string
	for _, o := range objects {
		got = append(got, fmt.Sprintf("%s %s line %d", o.APIVersion(), o.ID, o.Line))
	}
	want := []string{"apps/v1 Deployment.apps shop/web line 3", "v1 Service web line 13"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	spec := map[string]any{"replicas": int64(3), "ratio": 0.5, "on": true, "none": nil, "when": "2024-01-02", "big": 9223372036854775808.0}
	if diff := cmp.Diff(spec, objects[0].Value()["spec"]); diff != "" {
		t.Error(diff)
	}
}

func TestParseProblems(t *testing.T) {
	t.Parallel()
	bomb := "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c < 'l'; c++ {
		bomb += fmt.Sprintf("%c: &%c [*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c]\n", c, c, c-1, c-1, c-1, c-1, c-1, c-1, c-1, c-1, c-1, c-1)
	}
	tests := []struct{ name, in, want string }{
		{"syntax", "# one\n---\nkind: B\n  bad: indent\n", "f.yaml:4: this is not valid YAML: mapping values are not allowed in this context [manifest/yaml]"},
		{"no kind", "apiVersion: v1\nmetadata: {name: x}\n", "f.yaml:1:1: this document has no kind, so it is no Kubernetes object [manifest/object]"},
		{"no apiVersion", "kind: Pod\nmetadata: {name: x}\n", "f.yaml:1:1: this Pod has no apiVersion [manifest/object]"},
		{"no name", "---\n\napiVersion: v1\nkind: Pod\n", "f.yaml:3:1: this Pod has no metadata.name [manifest/object]"},
		{"scalar", "hello\n", "f.yaml:1:1: this document is not a mapping, so it is no Kubernetes object [manifest/object]"},
		{"alias bomb", bomb, "f.yaml:1:1: this document expands to more than 2,000,000 values through its aliases [manifest/object]"},
		{"alias in itself", "a: &a [*a]\n", "f.yaml:1:1: this document is nested more than 1,000 levels deep, or an alias contains itself [manifest/object]"},
		{"infinity", "kind: A\nx: .inf\n", `f.yaml:1:1: line 2: ".inf" is not a number that JSON can hold [manifest/object]`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			objects, problems := Parse("f.yaml", []byte(test.in))
			if len(objects) != 0 || len(problems) != 1 || problems[0].String() != test.want {
				t.Errorf("got %d objects and\n%s\nwant\n%s", len(objects), problems, test.want)
			}
		})
	}
}

func TestLazyObjectParsesLikeParse(t *testing.T) {
	t.Parallel()
	eager, _ := Parse("f.yaml", []byte("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: {a: b}\n"))
	lazy := &Object{ID: eager[0].ID, Version: "v1", Text: eager[0].Text}
	if diff := cmp.Diff(eager[0].Value(), lazy.Value()); diff != "" {
		t.Error(diff)
	}
	if lazy.Node() == nil {
		t.Error("no node")
	}
	if broken := (&Object{Text: []byte("a: [")}); broken.Value() != nil || broken.Node() != nil {
		t.Error("broken text has a value")
	}
}

const source = `# two objects
apiVersion: v1
kind: Service
metadata: {name: web}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  annotations:
    example.com/a.b: x
spec:
  template:
    spec:
      containers:
        - name: side
        - image: nginx:latest
          name: web
          args: [a, b]
`

func TestLocate(t *testing.T) {
	t.Parallel()
	deployment := ID{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "prod-web"}
	tests := []struct {
		id   ID
		path string
		want string
	}{
		{deployment, "spec.template.spec.containers[name=web].image", "17:11 true"},
		{deployment, "spec.template.spec.containers[name=web].args[1]", "19:21 true"},
		{deployment, "spec.template.spec.containers[name=web].resources.limits", "17:11 false"},
		{deployment, "spec.template.spec.containers[name=absent].image", "15:7 false"},
		{deployment, `metadata.annotations["example.com/a.b"]`, "11:5 true"},
		{deployment, "", "6:1 true"},
		{ID{Kind: "Service", Name: "web"}, "spec", "2:1 false"},
		{ID{Kind: "Service", Name: "other"}, "spec", "0:0 false"},
		{ID{Kind: "Deployment", Name: "web"}, "spec", "0:0 false"},
		{deployment, "spec.template[", "13:3 true"},
	}
	s := ParseSource([]byte(source))
	for _, test := range tests {
		place := s.Locate(test.id, test.path)
		if got := fmt.Sprintf("%d:%d %v", place.Line, place.Column, place.Exact); got != test.want {
			t.Errorf("Locate(%s, %q) = %s, want %s", test.id, test.path, got, test.want)
		}
	}
}

// Of several objects of one name in a file the one in the namespace is meant; where none is, the one whose namespace others set.
func TestLocateByNamespace(t *testing.T) {
	t.Parallel()
	s := ParseSource([]byte(`{kind: Service, apiVersion: v1, metadata: {name: web, namespace: a}}
---
{kind: Service, apiVersion: v1, metadata: {name: web}}
---
{kind: Service, apiVersion: v1, metadata: {name: web, namespace: b}}
`))
	for namespace, line := range map[string]int{"a": 1, "": 3, "b": 5, "other": 3} {
		if got := s.Locate(ID{Kind: "Service", Namespace: namespace, Name: "web"}, ""); got.Line != line {
			t.Errorf("in %q: line %d, want %d", namespace, got.Line, line)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(source), "spec.template.spec.containers[name=web].image")
	f.Add([]byte("kind: List\nitems: [{kind: A}]\n"), `a["b"][0]`)
	f.Add([]byte("a: &a [*a]\n<<: *a\n--- x\n...\n"), "][=")
	f.Fuzz(func(t *testing.T, data []byte, path string) {
		lines := strings.Count(string(data), "\n") + 1
		objects, problems := Parse("f.yaml", data)
		for _, p := range problems {
			if p.Line < 1 || p.Line > lines+1 {
				t.Errorf("line %d of %d: %s", p.Line, lines, p)
			}
		}
		s := ParseSource(data)
		for _, o := range objects {
			if o.ID.Kind == "" || o.Value() == nil {
				t.Errorf("half an object: %+v", o.ID)
			}
			s.Locate(o.ID, path)
		}
	})
}
