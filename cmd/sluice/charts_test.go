package main

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/sluice-dev/sluice/internal/charts/chartstest"
)

// TestChartOfARepository renders a chart that base lists and a chart repository serves: fetched once, counted, and nothing of it before
// base says so or once it is something else.
func TestChartOfARepository(t *testing.T) {
	t.Parallel()
	var served atomic.Pointer[[]byte]
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		switch r.URL.Path {
		case "/index.yaml":
			fmt.Fprintln(w, "entries: {web: [{version: 1.0.0, urls: [web-1.0.0.tgz]}]}")
		case "/web-1.0.0.tgz":
			_, _ = w.Write(*served.Load())
		default:
			http.NotFound(w, r)
		}
	}))
	defer server.Close()
	archive := chartArchive(t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web, namespace: shop}\ndata: {size: \"{{ .Values.size }}\"}\n")
	served.Store(&archive)

	home, cache, repo := t.TempDir(), t.TempDir(), t.TempDir()
	kustomization := func(size int) string {
		return fmt.Sprintf("helmCharts:\n- {name: web, repo: \"%s\", version: 1.0.0, valuesInline: {size: %d}}\n", server.URL, size)
	}
	commitFiles(t, repo, map[string]string{
		".sluice.yaml": "render: {helm: true}\npolicies: {bundles: []}\n",
		"apps/a/overlays/prod/kustomization.yaml": kustomization(1),
	})
	out, code := sluice(t, repo, home, "check", "--all")
	if code != 3 || !strings.Contains(out, "apps/a/overlays/prod/kustomization.yaml:2:3") || !strings.Contains(out, "the settings do not allow fetching it") || asked.Load() > 0 {
		t.Errorf("exit code %d, %d requests before base says anything:\n%s", code, asked.Load(), out)
	}
	base := commitFiles(t, repo, map[string]string{".sluice.yaml": fmt.Sprintf("policies: {bundles: []}\nrender:\n  helm: true\n  charts:\n"+
		"  - {repo: \"%s\", name: web, version: 1.0.0, digest: \"sha256:%x\"}\n", server.URL, sha256.Sum256(archive))})
	commitFiles(t, repo, map[string]string{"apps/a/overlays/prod/kustomization.yaml": kustomization(2)})
	for run := range 2 {
		before := asked.Load()
		out, code := sluice(t, repo, home, "check", "--base", base, "--cache", cache, "-o", "text", "-o", "json="+home+"/report.json")
		if code != 0 || !strings.Contains(out, `-  size: "1"`) || !strings.Contains(out, `+  size: "2"`) {
			t.Errorf("run %d: exit code %d:\n%s", run, code, out)
		}
		if !strings.Contains(out, "/web-1.0.0@sha256:") {
			t.Errorf("run %d does not say that a chart was fetched:\n%s", run, out)
		}
		if fetched := asked.Load() - before; fetched != map[int]int32{0: 2, 1: 0}[run] {
			t.Errorf("run %d: %d requests", run, fetched)
		}
	}

	// Whoever changes what the repository serves does not change what is rendered.
	other := chartArchive(t, "apiVersion: v1\nkind: Secret\nmetadata: {name: web}\n")
	served.Store(&other)
	out, code = sluice(t, repo, home, "check", "--base", base, "--findings", "all")
	if code != 3 || !strings.Contains(out, "could not be fetched: its archive has the digest sha256:") {
		t.Errorf("another archive: exit code %d:\n%s", code, out)
	}
}

// chartArchive packs a chart of one template.
func chartArchive(t *testing.T, template string) []byte {
	t.Helper()
	return chartstest.Pack(t, "web", map[string]string{
		"Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\n", "values.yaml": "size: 0\n", "templates/a.yaml": template,
	})
}
