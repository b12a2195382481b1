package schema

import (
	"strings"
	"testing"
)

func TestFieldPath(t *testing.T) {
	t.Parallel()
	object := map[string]any{
		"spec": map[string]any{
			"containers": []any{
				map[string]any{"name": "web", "ports": []any{map[string]any{"containerPort": 80}}},
				map[string]any{"image": "x"},
				map[string]any{"name": "a]b"},
				map[string]any{"name": 7},
			},
			"args": []any{"a"},
		},
		"metadata": map[string]any{"annotations": map[string]any{"example.com/a": "b"}},
	}
	for steps, want := range map[string]string{
		"":                                   "",
		"spec":                               "spec",
		"spec/containers/0/ports/0":          "spec.containers[name=web].ports[0]",
		"spec/containers/1/image":            "spec.containers[1].image",
		"spec/containers/2":                  "spec.containers[2]",
		"spec/containers/3":                  "spec.containers[3]",
		"spec/containers/9/name":             "spec.containers",
		"spec/containers/x":                  "spec.containers",
		"spec/args/0/deeper":                 "spec.args[0].deeper",
		"spec/missing/field":                 "spec.missing.field",
		"metadata/annotations/example.com|a": `metadata.annotations["example.com/a"]`,
		"a.b":                                `["a.b"]`,
	} {
		var pointer []string
		if steps != "" {
			pointer = strings.Split(steps, "/")
		}
		for i := range pointer {
			pointer[i] = strings.ReplaceAll(pointer[i], "|", "/")
		}
		if got := fieldPath(object, pointer); got != want {
			t.Errorf("%s: got %s, want %s", steps, got, want)
		}
	}
}

func TestPriority(t *testing.T) {
	t.Parallel()
	best := []string{"apps/v2", "v1", "example.com/v2beta1", "v1beta2", "v1beta1", "v2alpha1", "v1alpha1", "foo1"}
	for i := range len(best) - 1 {
		if priority(best[i]) <= priority(best[i+1]) {
			t.Errorf("%s does not come before %s", best[i], best[i+1])
		}
	}
}
