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

// FuzzBuiltin changes the types of fields of an object: whatever stands there, every built-in rule comes to a
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
	engine := builtin(f, policy.Options{Bundles: []string{"default", "baseline", "restricted"}})
	f.Fuzz(func(t *testing.T, text string, seed int64) {
		var value map[string]any
		if err := yaml.Unmarshal([]byte(text), &value); err != nil || value["kind"] == nil {
			t.Skip()
		}
		random := rand.New(rand.NewSource(seed))
		for range 40 {
			kind, apiVersion, metadata := value["kind"], value["apiVersion"], value["metadata"]
			value, _ = mutate(random, value).(map[string]any)
			if value == nil {
				return
			}
			value["kind"], value["apiVersion"], value["metadata"] = kind, apiVersion, metadata
			changed, err := json.Marshal(value)
			if err != nil {
				t.Skip()
			}
			objects, problems := manifest.Parse("fuzz.yaml", changed)
			if len(problems) > 0 {
				t.Skip()
			}
			result, err := engine.Check(t.Context(), objects)
			if err != nil {
				t.Fatal(err)
			}
			if result.Incomplete {
				t.Fatalf("%s\n%s", result.Findings, changed)
			}
		}
	})
}

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
