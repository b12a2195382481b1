package policy_test

import (
	"encoding/json"
	"maps"
	"math/rand"
	"slices"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/sluice-dev/sluice/internal/manifest"
	"github.com/sluice-dev/sluice/internal/policy"
)

// FuzzBuiltin changes the types of fields of a target's objects: whatever stands there, every built-in rule comes to a
// verdict.
func FuzzBuiltin(f *testing.F) {
	random := rand.New(rand.NewSource(2))
	for range 20 {
		f.Add(randomPod(random), int64(random.Intn(1_000)))
	}
	for _, object := range sample(f, 10) {
		f.Add(string(object.Text), int64(7))
	}
	f.Add("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {password: hunter2x, n: 5, l: [1]}\n", int64(3))
	for seed := range int64(20) {
		f.Add(related, seed)
	}
	engine := builtin(f, policy.Options{Bundles: allBundles})
	f.Fuzz(func(t *testing.T, text string, seed int64) {
		var documents []map[string]any
		for _, document := range manifest.Split([]byte(text)) {
			var value map[string]any
			if err := yaml.Unmarshal(document.Text, &value); err != nil || value["kind"] == nil {
				t.Skip()
			}
			documents = append(documents, value)
		}
		random := rand.New(rand.NewSource(seed))
		for range 20 {
			var stream []byte
			for i, value := range documents {
				kind, apiVersion, metadata := value["kind"], value["apiVersion"], value["metadata"]
				if value, _ = mutate(random, value).(map[string]any); value == nil {
					return
				}
				value["kind"], value["apiVersion"] = kind, apiVersion
				if metadata, ok := metadata.(map[string]any); ok && random.Intn(4) > 0 {
					value["metadata"] = metadata
				}
				documents[i] = value
				changed, err := json.Marshal(value)
				if err != nil {
					t.Skip()
				}
				stream = append(append(stream, changed...), "\n---\n"...)
			}
			objects, _ := manifest.Parse("fuzz.yaml", stream)
			result, err := engine.Check(t.Context(), objects)
			if err != nil {
				t.Fatal(err)
			}
			if result.Incomplete {
				t.Fatalf("%s\n%s", result.Findings, stream)
			}
		}
	})
}

// related are objects that refer to one another.
const related = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop, labels: {a: b}}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}, matchExpressions: [{key: tier, operator: In, values: [a]}, {key: x, operator: NotIn, values: [a]}, {key: y, operator: Exists}]}
  template:
    metadata: {labels: {app: web, tier: a}, annotations: {x: y}}
    spec: {containers: [{name: c, image: "x:1"}]}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: job, namespace: shop}
spec: {jobTemplate: {spec: {template: {metadata: {labels: {app: job}}, spec: {containers: [{name: c, image: "x:1"}]}}}}}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {type: ClusterIP, selector: {app: nothing}}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web, namespace: shop}
spec: {selector: {matchLabels: {app: other}, matchExpressions: [{key: tier, operator: DoesNotExist}]}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web, namespace: shop}
spec: {podSelector: {matchLabels: {app: other}}}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web, namespace: shop}
spec: {scaleTargetRef: {kind: Deployment, name: web}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, namespace: shop, annotations: {a: b}}
spec: {tls: [{hosts: [a.example.com]}], rules: [{host: b.example.com}]}
`

// mutate replaces some value within v by one of another type.
func mutate(r *rand.Rand, v any) any {
	if r.Intn(12) == 0 {
		others := []any{nil, true, "text", "", 5.0, []any{}, []any{"x", nil, 1.0}, map[string]any{}, map[string]any{"name": 1.0, "type": []any{}}}
		return others[r.Intn(len(others))]
	}
	switch v := v.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			if r.Intn(2) == 0 {
				v[key] = mutate(r, v[key])
			}
		}
	case []any:
		for i, item := range v {
			if r.Intn(2) == 0 {
				v[i] = mutate(r, item)
			}
		}
	}
	return v
}
