package diff_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-dev/sluice/internal/diff"
	"github.com/sluice-dev/sluice/internal/manifest"
)

const annotatedWorkload = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
%s
spec:
  replicas: %d
  template:
    metadata:
      annotations:
        checksum/config: %s
    spec:
      containers:
      - name: web
        image: web:1
%s`

// Each rule leaves out what it chooses, says how much, and nothing else.
func TestIgnore(t *testing.T) {
	t.Parallel()
	base := fmt.Sprintf(annotatedWorkload, "  labels: {a: a}", 1, "aaa", "")
	cases := []struct {
		name   string
		head   string
		rules  []diff.Rule
		shown  string // lines that change
		counts string // whole, fields
	}{
		{"nothing chosen", fmt.Sprintf(annotatedWorkload, "  labels: {a: a}", 2, "aaa", ""), []diff.Rule{{Paths: []string{"spec.paused"}}}, "-  replicas: 1\n+  replicas: 2\n", ""},
		{"a path", fmt.Sprintf(annotatedWorkload, "  labels: {a: a}", 2, "aaa", ""), []diff.Rule{{Paths: []string{"spec.replicas"}}}, "", "true 1"},
		{"a path of another kind", fmt.Sprintf(annotatedWorkload, "  labels: {a: a}", 2, "aaa", ""), []diff.Rule{{Kinds: []string{"StatefulSet"}, Paths: []string{"spec.replicas"}}}, "-  replicas: 1\n+  replicas: 2\n", ""},
		{"a path, and a change beside it", fmt.Sprintf(annotatedWorkload, "  labels: {a: b}", 2, "aaa", ""), []diff.Rule{{Kinds: []string{"Deployment.apps"}, Paths: []string{"spec.replicas"}}}, "-    a: a\n+    a: b\n", "false 1"},
		{"everything below a path", fmt.Sprintf(annotatedWorkload, "  labels: {a: b, c: d}", 1, "aaa", ""), []diff.Rule{{Paths: []string{"metadata.labels"}}}, "", "true 1"},
		{"a path is no beginning of a name", fmt.Sprintf(annotatedWorkload, "  labels: {a: b}", 1, "aaa", ""), []diff.Rule{{Paths: []string{"metadata.lab"}}}, "-    a: a\n+    a: b\n", ""},
		{"an annotation of the template", fmt.Sprintf(annotatedWorkload, "  labels: {a: a}", 1, "bbb", ""), []diff.Rule{{Annotations: []string{"checksum/*"}}}, "", "true 1"},
		{"the first annotation", fmt.Sprintf(annotatedWorkload, "  labels: {a: a}\n  annotations: {checksum/x: b}", 1, "aaa", ""), []diff.Rule{{Annotations: []string{"checksum/*"}}}, "", "true 1"},
		{"an item of a list that comes", fmt.Sprintf(annotatedWorkload, "  labels: {a: a}", 1, "aaa", "      - name: proxy\n        image: proxy:1\n"), []diff.Rule{{Paths: []string{"**.containers[name=proxy]"}}}, "", "true 1"},
		{"any item", fmt.Sprintf(strings.Replace(annotatedWorkload, "web:1", "web:2", 1), "  labels: {a: a}", 1, "aaa", ""), []diff.Rule{{Paths: []string{"spec.template.spec.containers[*].image"}}}, "", "true 1"},
		{"a kind", fmt.Sprintf(annotatedWorkload, "  labels: {a: b}", 2, "bbb", ""), []diff.Rule{{Kinds: []string{"Deploy*"}}}, "", "true 1"},
		{"a kind that goes", "", []diff.Rule{{Kinds: []string{"Deployment"}}}, "", "true 1"},
		{"a path of an object that goes", "", []diff.Rule{{Paths: []string{"spec"}}}, strings.Repeat("-", 16), ""},
	}
	for _, c := range cases {
		var counts string
		opts := diff.Options{Ignore: c.rules, Context: -1, Ignored: func(_ manifest.ID, whole bool, fields int) { counts += fmt.Sprint(whole, fields) }}
		var shown string
		for _, change := range diff.Sets(parse(t, base), parse(t, c.head), opts) {
			for l := range strings.Lines(change.Diff) {
				switch {
				case c.head == "":
					shown += l[:1]
				case l[0] != '@':
					shown += l
				}
			}
		}
		if d := cmp.Diff(c.shown, shown) + cmp.Diff(c.counts, counts); d != "" {
			t.Errorf("%s:\n%s", c.name, d)
		}
	}
}

// What is sensitive is told by nothing but a token; whether it changed stays visible.
func TestSensitive(t *testing.T) {
	t.Parallel()
	const text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata:\n  url: postgres://shop:%[1]s@db\n  password: %[1]s\n  app.conf: |\n    level=info\n    token=tok_%[1]s\n"
	opts := diff.Options{
		Salt:            []byte("salt"),
		Sensitive:       []diff.Rule{{Kinds: []string{"ConfigMap"}, Paths: []string{"data.password"}}},
		SensitiveValues: []*regexp.Regexp{regexp.MustCompile(`tok_\w+`), regexp.MustCompile(`://[^@\s]*@`)},
	}
	base, head := parse(t, fmt.Sprintf(text, "hunter1")), parse(t, fmt.Sprintf(text, "hunter2"))
	changes := diff.Sets(base, head, opts)
	if len(changes) != 1 || changes[0].Added != 3 || changes[0].Removed != 3 {
		t.Fatalf("%+v", changes)
	}
	for what, got := range map[string]string{"diff": changes[0].Diff, "mask": string(diff.Mask(head[0], opts))} {
		if strings.Contains(got, "hunter") || !strings.Contains(got, "level=info") {
			t.Errorf("%s:\n%s", what, got)
		}
	}
	whole := diff.Options{Sensitive: []diff.Rule{{Kinds: []string{"ConfigMap"}}}}
	if got := diff.Sets(base, head, whole)[0].Diff; strings.Contains(got, "hunter") || strings.Contains(got, "level") || !strings.Contains(got, "name: c") {
		t.Errorf("whole object:\n%s", got)
	}
}
