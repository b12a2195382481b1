package rehearse

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/sluice-dev/sluice/internal/manifest"
)

// thousand gives 1,000 objects of a target: 200 applications, each with five objects of five kinds.
func thousand(t testing.TB, tag string) []*manifest.Object {
	t.Helper()
	var b bytes.Buffer
	for i := range 200 {
		fmt.Fprintf(&b, `---
apiVersion: v1
kind: ServiceAccount
metadata: {name: app-%[1]d, namespace: shop-%[2]d}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: app-%[1]d, namespace: shop-%[2]d}
data: {tag: %[3]q, colour: red}
---
apiVersion: v1
kind: Service
metadata: {name: app-%[1]d, namespace: shop-%[2]d}
spec: {selector: {app: app-%[1]d}, ports: [{name: http, port: 80, targetPort: http}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: app-%[1]d, namespace: shop-%[2]d, labels: {app: app-%[1]d}}
spec:
  replicas: 3
  selector: {matchLabels: {app: app-%[1]d}}
  template:
    metadata: {labels: {app: app-%[1]d}}
    spec:
      serviceAccountName: app-%[1]d
      containers:
      - name: web
        image: example.com/app-%[1]d:%[3]s
        ports: [{name: http, containerPort: 8080}]
        envFrom: [{configMapRef: {name: app-%[1]d}}]
        resources: {requests: {cpu: 100m, memory: 128Mi}, limits: {memory: 256Mi}}
        readinessProbe: {httpGet: {path: /ready, port: http}}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: app-%[1]d, namespace: shop-%[2]d}
spec: {minAvailable: 1, selector: {matchLabels: {app: app-%[1]d}}}
`, i, i%10, tag)
	}
	objects, problems := manifest.Parse("thousand.yaml", b.Bytes())
	if len(problems) > 0 || len(objects) != 1_000 {
		t.Fatal(len(objects), problems)
	}
	return objects
}

// TestThousand rehearses a change of 1,000 objects, none of which the API server refuses.
func TestThousand(t *testing.T) {
	needAssets(t)
	private(t)
	results, err := Run(t.Context(), Options{Provider: Envtest, Log: testLogger(t)}, []Target{{
		ID: "a", Environment: "prod", Kubernetes: minorOf(AssetsKubernetes), Base: thousand(t, "1"), Head: thousand(t, "2"),
	}})
	if err != nil {
		t.Fatal(err)
	}
	if got := describe("a", results[0]); got != "1000 judged\n" {
		t.Error(got)
	}
}

// BenchmarkThousand measures what a rehearsal costs (docs/rehearsal.md): the start of an API server, 1,000 objects of base, the same
// changed on head, and, for comparison, their removal, which would be the price of using the API server again.
//
//	go test ./internal/rehearse -run - -bench Thousand -benchtime 3x
func BenchmarkThousand(b *testing.B) {
	assets, err := FindAssets(minorOf(AssetsKubernetes))
	if err != nil {
		b.Skip(err)
	}
	before, after := thousand(b, "1"), thousand(b, "2")
	var start, base, head, remove time.Duration
	for b.Loop() {
		at := time.Now()
		lap := func(sum *time.Duration) {
			*sum += time.Since(at)
			at = time.Now()
		}
		s, err := startEnvtest(b.Context(), assets, b.TempDir())
		if err != nil {
			b.Fatal(err)
		}
		api, err := s.client(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		lap(&start)
		play := func(base, head []*manifest.Object) {
			stage := newStage(api)
			stage.add(Target{ID: "a", Base: base, Head: head})
			if err := stage.play(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
		play(nil, before)
		lap(&base)
		play(nil, after)
		lap(&head)
		stage := newStage(api)
		stage.add(Target{ID: "a", Base: after})
		gone, none := stage.scene(0), stage.scene(1)
		for _, p := range gone.pieces {
			stage.keep(p)
		}
		if err := stage.strike(b.Context(), gone, none); err != nil {
			b.Fatal(err)
		}
		lap(&remove)
		if err := s.stop(); err != nil {
			b.Fatal(err)
		}
	}
	for name, sum := range map[string]time.Duration{"start": start, "base": base, "head": head, "remove": remove} {
		b.ReportMetric(sum.Seconds()/float64(b.N), name+"-s/op")
	}
	b.ReportMetric(1_000*float64(b.N)/base.Seconds(), "objects/s")
}
