//go:build unix

package render

import (
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"sigs.k8s.io/kustomize/api/resource"
	"sigs.k8s.io/kustomize/kyaml/kio"
)

// BenchmarkCatalog renders every kustomization of the largest corpus with new workers: cold, with a worker per CPU.
func BenchmarkCatalog(b *testing.B) {
	fsys := os.DirFS(corpus(b, "gitops-catalog"))
	tree := newTestTree(fsys)
	tree.OID(".") // git knows its identities
	dirs := kustomizations(b, fsys)
	for b.Loop() {
		pool := NewPool(b.Context(), Options{})
		renderAll(b, pool, tree, dirs)
		pool.Close()
	}
	b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N*len(dirs)), "ms/target")
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_CHILDREN, &used); err == nil {
		cpu := time.Duration(used.Utime.Nano() + used.Stime.Nano())
		b.ReportMetric(float64(cpu.Milliseconds())/float64(b.N*len(dirs)), "worker-cpu-ms/target")
		b.ReportMetric(float64(used.Maxrss)/1024, "worker-peak-MB")
	}
}

// BenchmarkWarmTarget renders one target again and again with a worker that has seen its files.
func BenchmarkWarmTarget(b *testing.B) {
	tree := newTestTree(os.DirFS(corpus(b, "podinfo-deploy")))
	pool := newPool(b, Options{Workers: 1})
	for b.Loop() {
		if result, err := pool.Render(b.Context(), tree, target("overlays/production")); err != nil || result.Failed {
			b.Fatal(err, result.Findings)
		}
	}
}

// BenchmarkStart starts a worker and waits until it is ready for its first target.
func BenchmarkStart(b *testing.B) {
	tree := newTestTree(os.DirFS(corpus(b, "podinfo-deploy")))
	var startup time.Duration
	for b.Loop() {
		pool := NewPool(b.Context(), Options{Workers: 1})
		began := time.Now()
		if _, err := pool.Render(b.Context(), tree, target("there/is/nothing")); err != nil {
			b.Fatal(err)
		}
		startup += time.Since(began)
		pool.Close()
	}
	b.ReportMetric(float64(startup.Microseconds())/float64(b.N)/1000, "ms/start")
}

// BenchmarkEncode serialises the objects of a real application, the short way and kustomize's.
func BenchmarkEncode(b *testing.B) {
	files, err := filepath.Glob(filepath.Join(corpus(b, "bank-of-anthos"), "kubernetes-manifests", "*.yaml"))
	if err != nil || len(files) == 0 {
		b.Fatal(err, "no manifests")
	}
	var objects []*resource.Resource
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			b.Fatal(err)
		}
		nodes, err := kio.FromBytes(content)
		if err != nil {
			b.Fatal(err)
		}
		for _, node := range nodes {
			objects = append(objects, &resource.Resource{RNode: *node})
		}
	}
	for name, write := range map[string]func(*resource.Resource) ([]byte, error){"short": encode, "kustomize": (*resource.Resource).AsYAML} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				for _, object := range objects {
					if _, err := write(object); err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*len(objects)), "µs/object")
		})
	}
}

func renderAll(t testing.TB, pool *Pool, tree Tree, dirs []string) []Result {
	t.Helper()
	results := make([]Result, len(dirs))
	var all sync.WaitGroup
	for i, dir := range dirs {
		all.Go(func() {
			var err error
			if results[i], err = pool.Render(t.Context(), tree, target(dir)); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	return results
}
