package schema

import "testing"

// TestPopularCompile compiles every definition in the binary: one that the API server would refuse would leave its kind
// unvalidated.
func TestPopularCompile(t *testing.T) {
	t.Parallel()
	b, err := popular()
	if err != nil {
		t.Fatal(err)
	}
	if len(b.entries) < 200 {
		t.Errorf("the bundle has %d kinds", len(b.entries))
	}
	for key, entry := range b.entries {
		t.Run(key.group+"/"+key.kind, func(t *testing.T) {
			t.Parallel()
			d, err := entry()
			if err != nil {
				t.Fatal(err)
			}
			for _, problem := range d.Problems() {
				t.Errorf("%s: %s", d.Source, problem)
			}
		})
	}
}

func BenchmarkReadBundle(b *testing.B) {
	for b.Loop() {
		if _, err := readBundle(crds); err != nil {
			b.Fatal(err)
		}
	}
}
