package policy_test

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sluice-dev/sluice/internal/manifest"
	"github.com/sluice-dev/sluice/internal/policy"
)

// sample gives objects in the mix of a real repository: of ten, three workloads, two services, two ConfigMaps, an
// Ingress, a ServiceAccount and a custom resource.
func sample(tb testing.TB, n int) []*manifest.Object {
	tb.Helper()
	workload := `apiVersion: apps/v1
kind: Deployment
metadata: {name: web%[1]d, labels: {app: web}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      serviceAccountName: web
      securityContext: {runAsNonRoot: true, runAsUser: 1000}
      volumes: [{name: tmp, emptyDir: {}}, {name: config, configMap: {name: web}}]
      initContainers:
      - {name: migrate, image: "registry.example.com/shop/web:1.2.%[1]d", command: [migrate], env: [{name: LEVEL, value: info}]}
      containers:
      - name: web
        image: registry.example.com/shop/web:1.2.%[1]d
        ports: [{containerPort: 8080, name: http}]
        env: [{name: DB_HOST, value: db}, {name: DB_PASSWORD, valueFrom: {secretKeyRef: {name: db, key: password}}}]
        resources: {requests: {cpu: 100m, memory: 128Mi}, limits: {memory: 256Mi}}
        readinessProbe: {httpGet: {path: /ready, port: http}}
        securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
        volumeMounts: [{name: tmp, mountPath: /tmp}, {name: config, mountPath: /etc/web}]
`
	docs := []string{
		workload, workload, workload,
		"apiVersion: v1\nkind: Service\nmetadata: {name: s%d}\nspec: {selector: {app: web}, ports: [{port: 80}]}\n",
		"apiVersion: v1\nkind: Service\nmetadata: {name: t%d}\nspec: {selector: {app: api}, ports: [{port: 80}]}\n",
		"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c%d}\ndata: {LEVEL: debug, URL: \"https://example.com\", file: \"a = 1\\nb = 2\\n\"}\n",
		"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: d%d}\ndata: {LEVEL: debug}\n",
		"apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: i%d}\nspec: {rules: [{host: example.com}]}\n",
		"apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: a%d}\n",
		"apiVersion: example.com/v1\nkind: Custom\nmetadata: {name: x%d}\nspec: {a: {b: [1, 2, 3]}}\n",
	}
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, docs[i%len(docs)], i)
		b.WriteString("---\n")
	}
	objects, problems := manifest.Parse("sample.yaml", []byte(b.String()))
	if len(problems) > 0 || len(objects) != n {
		tb.Fatal(problems)
	}
	return objects
}

func BenchmarkCheck(b *testing.B) {
	objects := sample(b, 1_000)
	for name, opts := range map[string]policy.Options{
		"default":    {},
		"restricted": {Bundles: []string{"default", "restricted"}},
		"three":      {Disable: []string{"policy/[^p]*"}},
	} {
		b.Run(name, func(b *testing.B) {
			var used time.Duration
			b.ReportAllocs()
			for range b.N {
				b.StopTimer()
				engine := builtin(b, opts) // a new one: engines remember
				b.StartTimer()
				before := cpu(b)
				if _, err := engine.Check(b.Context(), objects); err != nil {
					b.Fatal(err)
				}
				used += cpu(b) - before
			}
			b.ReportMetric(float64(used.Microseconds())/float64(len(objects)*b.N), "cpu-µs/object")
		})
	}
}

// BenchmarkLoad compiles and prepares the built-in policies.
func BenchmarkLoad(b *testing.B) {
	set, err := policy.Builtin()
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, _, err := policy.New(b.Context(), policy.Options{}, set); err != nil {
			b.Fatal(err)
		}
	}
}

// cpu is the processor time that the test has used so far: on a busy machine it says more than the clock.
func cpu(tb testing.TB) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
