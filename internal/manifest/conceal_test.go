package manifest_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-dev/sluice/internal/manifest"
)

func object(t *testing.T, text string) *manifest.Object {
	t.Helper()
	objects, problems := manifest.Parse("f.yaml", []byte(text))
	if len(problems) > 0 || len(objects) != 1 {
		t.Fatalf("%d objects: %s", len(objects), problems)
	}
	return objects[0]
}

func TestConcealed(t *testing.T) {
	t.Parallel()
	const hidden, changed = "aGlkZGVuIGJ5IHNsdWljZQ==", "aGlkZGVuIGJ5IHNsdWljZSwgY2hhbmdlZA=="
	head := "apiVersion: v1\nkind: Secret\nmetadata: {name: s, annotations: {a: b, kubectl.kubernetes.io/last-applied-configuration: copy}}\ntype: Opaque\n" +
		"data: {same: YQ==, changed: Yg==, new: YQ==, broken: 'no base64', pin: 1234, nothing: null}\nstringData: {text: hunter2, list: [hunter2, {deep: hunter2}]}\n"
	base := "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {same: YQ==, changed: YQ==}\n"
	want := map[string]any{
		"apiVersion": "v1", "kind": "Secret", "type": "Opaque",
		"metadata": map[string]any{"name": "s", "annotations": map[string]any{"a": "b", "kubectl.kubernetes.io/last-applied-configuration": "hidden by sluice"}},
		"data":     map[string]any{"same": hidden, "changed": changed, "new": hidden, "broken": "hidden by sluice", "pin": int64(0), "nothing": nil},
		"stringData": map[string]any{
			"text": "hidden by sluice", "list": []any{"hidden by sluice", map[string]any{"deep": "hidden by sluice"}},
		},
	}
	secret := object(t, head)
	if d := cmp.Diff(want, secret.Concealed(object(t, base))); d != "" {
		t.Error(d)
	}
	if got := secret.Value()["stringData"].(map[string]any)["text"]; got != "hunter2" {
		t.Errorf("the object itself was changed: %v", got)
	}
	other := object(t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a: b}\n")
	if d := cmp.Diff(other.Value(), other.Concealed(nil)); d != "" {
		t.Error(d)
	}
}
