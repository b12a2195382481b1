package schema

import (
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/yannh/kubeconform/pkg/resource"

	"github.com/sluice-dev/sluice/internal/manifest"
)

// benchObjects are the objects of all test files.
func benchObjects(t testing.TB) (objects []*manifest.Object) {
	t.Helper()
	files, _ := filepath.Glob(filepath.Join("testdata", "*.txtar"))
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		objects = append(objects, parse(t, []byte(part(archive, "objects.yaml")))...)
	}
	return objects
}

// goodObjects are those of testdata/good.txtar.
func goodObjects(t testing.TB) []*manifest.Object {
	t.Helper()
	archive, err := txtar.ParseFile(filepath.Join("testdata", "good.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, []byte(part(archive, "objects.yaml")))
}

func BenchmarkLoad(b *testing.B) {
	for b.Loop() {
		if _, err := newSet(kubernetes); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCompileDeployment(b *testing.B) {
	set := builtin(b)
	release := set.store.versions[len(set.store.versions)-1]
	for b.Loop() {
		if _, err := newCompiler(release).schemaOf(gvk{"apps/v1", "Deployment"}); err != nil {
			b.Fatal(err)
		}
	}
}

func perObject(b *testing.B, objects int) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*objects), "ns/object")
	b.ReportMetric(float64(b.N*objects)/b.Elapsed().Seconds(), "objects/s")
}

func BenchmarkCheck(b *testing.B) {
	set, objects := builtin(b), goodObjects(b)
	for b.Loop() {
		if _, err := set.Check("", objects, Context{}); err != nil {
			b.Fatal(err)
		}
	}
	perObject(b, len(objects))
}

// BenchmarkColdCheck includes the loading of the store and the compilation of 14 kinds.
func BenchmarkColdCheck(b *testing.B) {
	objects := goodObjects(b)
	for b.Loop() {
		set, err := newSet(kubernetes)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := set.Check("", objects, Context{}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkKubeconform is what the same objects cost through kubeconform's own validator.
func BenchmarkKubeconform(b *testing.B) {
	reference, objects := kubeconform(b, builtin(b), "1.37"), goodObjects(b)
	for b.Loop() {
		for _, o := range objects {
			reference.ValidateResource(resource.Resource{Bytes: o.Text})
		}
	}
	perObject(b, len(objects))
}
