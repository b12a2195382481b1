package render

import (
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/sluice-dev/sluice/internal/policy"
	"github.com/sluice-dev/sluice/internal/schema"
)

// BenchmarkValidation renders every kustomization of a real repository once and validates what comes out, by schemas and by the
// default policies. It compares the processor time of the two, which a busy machine does not change much. Schemas are compiled
// as their kinds come; Rego was compiled before, as a run does it once.
func BenchmarkValidation(b *testing.B) {
	fsys := os.DirFS(corpus(b, "gitops-catalog"))
	tree := newTestTree(fsys)
	dirs := kustomizations(b, fsys)
	rules, err := policy.Builtin()
	if err != nil {
		b.Fatal(err)
	}
	var rendering, schemas, policies time.Duration
	objects, targets := 0, 0
	for b.Loop() {
		set, err := schema.Kubernetes()
		if err != nil {
			b.Fatal(err)
		}
		engine, _, err := policy.New(b.Context(), policy.Options{}, rules) // a new one: engines remember
		if err != nil {
			b.Fatal(err)
		}
		pool := NewPool(b.Context(), Options{Workers: 1})
		for _, dir := range dirs {
			result, err := pool.Render(b.Context(), tree, target(dir))
			if err != nil {
				b.Fatal(err)
			}
			if result.Failed {
				continue
			}
			rendering += result.Cost.CPU
			targets++
			objects += len(result.Objects)
			began := processorTime(b)
			if _, err := set.Check("", result.Objects, schema.Context{}); err != nil {
				b.Fatal(err)
			}
			half := processorTime(b)
			if _, err := engine.Check(b.Context(), result.Objects); err != nil {
				b.Fatal(err)
			}
			schemas += half - began
			policies += processorTime(b) - half
		}
		pool.Close()
	}
	if rendering == 0 {
		b.Fatal("nothing was rendered, or its cost is not known")
	}
	b.ReportMetric(float64((schemas+policies))/float64(rendering), "of-rendering")
	b.ReportMetric(float64(rendering.Microseconds())/float64(targets), "render-cpu-µs/target")
	b.ReportMetric(float64(schemas.Microseconds())/float64(targets), "schema-cpu-µs/target")
	b.ReportMetric(float64(policies.Microseconds())/float64(targets), "policy-cpu-µs/target")
	b.ReportMetric(float64(objects)/float64(targets), "objects/target")
}

// processorTime is what this process, without its workers, has used so far.
func processorTime(b *testing.B) time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
