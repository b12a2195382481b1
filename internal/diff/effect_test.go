package diff_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-dev/sluice/internal/diff"
	"github.com/sluice-dev/sluice/internal/manifest"
)

func workload(kind, replicas, image, cpu, memory string) string {
	return fmt.Sprintf(`apiVersion: apps/v1
kind: %s
metadata: {name: web}
spec:
  %s
  template:
    spec:
      initContainers: [{name: setup, image: "setup:1"}]
      containers:
      - {name: web, image: "%s", resources: {requests: {cpu: %s, memory: %s}}}
      - {name: proxy, image: "proxy:1"}
`, kind, replicas, image, cpu, memory)
}

func TestEffectOf(t *testing.T) {
	t.Parallel()
	base := workload("Deployment", "replicas: 2", "web:1", "100m", "128Mi")
	for name, c := range map[string]struct {
		base, head string
		want       diff.Effect
	}{
		"an image": {base, workload("Deployment", "replicas: 2", "web:2", "100m", "128Mi"),
			diff.Effect{Images: []diff.ImageChange{{Container: "web", Old: "web:1", New: "web:2"}}, Restarts: true, Pods: 2}},
		"replicas restart nothing": {base, workload("Deployment", "replicas: 5", "web:1", "100m", "128Mi"),
			diff.Effect{CPU: 300, Memory: 3 * 128 << 20}},
		"requests and replicas": {base, workload("Deployment", "replicas: 1", "web:1", "0.5", "1Gi"),
			diff.Effect{Restarts: true, Pods: 1, CPU: 300, Memory: 1<<30 - 256<<20}},
		"one replica where none are given": {workload("StatefulSet", "x: 1", "web:1", "1", "1"), workload("StatefulSet", "x: 1", "web:1", "2", "1"),
			diff.Effect{Restarts: true, Pods: 1, CPU: 1000}},
		"a spelling": {base, workload("Deployment", "replicas: 2", "web:1", "0.1", "128Mi") + "  minReadySeconds: 1\n",
			diff.Effect{}},
		"a job's pods end by themselves": {workload("Job", "x: 1", "web:1", "1", "1"), workload("Job", "x: 1", "web:2", "1", "1"),
			diff.Effect{Images: []diff.ImageChange{{Container: "web", Old: "web:1", New: "web:2"}}}},
		"numbers beyond reason": {base, workload("Deployment", "replicas: 99999999999999999999", "web:1", "100m", "9e99"),
			diff.Effect{Restarts: true, Pods: 1, CPU: -100, Memory: -256 << 20}},
	} {
		t.Run(name, func(t *testing.T) {
			changes := diff.Sets(parse(t, c.base), parse(t, c.head), diff.Options{})
			if len(changes) != 1 {
				t.Fatalf("%d changes", len(changes))
			}
			if d := cmp.Diff(c.want, diff.EffectOf(changes[0])); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
		})
	}
}

func TestEffectOfWholeObjects(t *testing.T) {
	t.Parallel()
	objects := parse(t, workload("Deployment", "replicas: 3", "web:1", "1", "1Ki"))
	added := diff.EffectOf(diff.Sets(nil, objects, diff.Options{})[0])
	if added.Restarts || added.CPU != 3000 || added.Memory != 3072 || len(added.Images) != 3 {
		t.Errorf("added: %+v", added)
	}
	removed := diff.EffectOf(diff.Sets(objects, nil, diff.Options{})[0])
	if removed.Restarts || removed.CPU != -3000 || removed.Images[0].New != "" {
		t.Errorf("removed: %+v", removed)
	}
}

// What differs in form only is no change, and is counted.
func TestEqual(t *testing.T) {
	t.Parallel()
	base := parse(t, "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  template:\n    volumes: [{name: a}, {name: b}]\n---\napiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {ports: [{port: 1}, {port: 2}]}\n---\napiVersion: v1\nkind: Service\nmetadata: {name: t}\n")
	head := parse(t, "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  template:\n    volumes: [{name: b}, {name: a}]\n---\napiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {ports: [{port: 2}, {port: 1}]}\n---\napiVersion: v1\nkind: Service\nmetadata: {name: t}\n")
	got := make(map[string]bool)
	changes := diff.Sets(base, head, diff.Options{Equal: func(id manifest.ID, restarts bool) { got[id.Name] = restarts }})
	if d := cmp.Diff(map[string]bool{"p": true, "s": false}, got); d != "" || len(changes) != 0 {
		t.Errorf("%d changes; equal (-want +got):\n%s", len(changes), d)
	}
}
