package render

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice/internal/helm"
)

// realHelm is where the real helm CLI is, of the version that [helm.Version] says. Without it the variable
// SLUICE_TEST_HELM=build has it built from the module proxy, which costs minutes.
func realHelm(t *testing.T) string {
	t.Helper()
	switch named := os.Getenv("SLUICE_TEST_HELM"); named {
	case "":
		t.Skip("set SLUICE_TEST_HELM to a helm program, or to build, to compare charts with the real one")
		return ""
	case "build":
		dir := t.TempDir()
		command := exec.Command("go", "install", "-ldflags", "-X helm.sh/helm/v4/internal/version.version="+helm.Version, "helm.sh/helm/v4/cmd/helm@"+helm.Version)
		command.Env = append(os.Environ(), "GOBIN="+dir, "GOFLAGS=")
		if out, err := command.CombinedOutput(); err != nil {
			t.Fatalf("build helm: %v\n%s", err, out)
		}
		return filepath.Join(dir, "helm")
	default:
		return named
	}
}

// TestChartsSameAsCLI renders charts with kustomize and helm, the real ones, and with a pool: the same bytes.
func TestChartsSameAsCLI(t *testing.T) {
	program := realHelm(t)
	pool := newPool(t, Options{Helm: true})
	for _, f := range fixtures(t, "helm/*.txtar") {
		t.Run(f.name(), func(t *testing.T) {
			want, err := kustomizeBuild(t, filepath.Join(f.write(t), f.target.Dir), "--load-restrictor", "LoadRestrictionsNone", "--enable-helm", "--helm-command", program)
			if err != nil {
				t.Fatalf("the fixture does not render with kustomize: %v", err)
			}
			result, err := pool.Render(t.Context(), newTestTree(f.files), f.target)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(result.Manifest, want) {
				t.Errorf("%s\ngot\n%s\nwant\n%s", result.Findings, result.Manifest, want)
			}
		})
	}
}

// TestCharts renders charts, and compares with what the real programs gave.
func TestCharts(t *testing.T) {
	pool := newPool(t, Options{Helm: true})
	for _, f := range fixtures(t, "helm/*.txtar") {
		t.Run(f.name(), func(t *testing.T) {
			result, err := pool.Render(t.Context(), newTestTree(f.files), f.target)
			if err != nil {
				t.Fatal(err)
			}
			f.expect(t, summary(result)+string(result.Manifest))
		})
	}
}

// TestHelmsOwnCharts does the same with the charts that Helm itself is tested with, the broken ones among them, and with
// the one that `helm create` makes: the same bytes, or a failure of both.
func TestHelmsOwnCharts(t *testing.T) {
	program := realHelm(t)
	module, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "helm.sh/helm/v4").Output()
	if err != nil {
		t.Fatal(err)
	}
	charts := t.TempDir()
	if out, err := exec.Command(program, "create", filepath.Join(charts, "created")).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	pool := newPool(t, Options{Helm: true})
	same, failed, unsteady := 0, 0, 0
	for _, root := range []string{charts, strings.TrimSpace(string(module))} {
		err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
			if err != nil || entry.Name() != "Chart.yaml" {
				return err
			}
			dir := t.TempDir()
			at := filepath.Join(dir, "app", "charts", "chart")
			if out, err := exec.Command("sh", "-c", `mkdir -p "$(dirname "$1")" && cp -r "$2" "$1" && chmod -R u+w "$1" && { [ -s "$1/values.yaml" ] || echo '{}' >"$1/values.yaml"; }`, "sh", at, filepath.Dir(name)).CombinedOutput(); err != nil {
				return fmt.Errorf("%w: %s", err, out)
			}
			kustomization := "helmCharts:\n- {name: chart, releaseName: r, includeCRDs: true, valuesInline: {replicaCount: 3}}\n"
			if err := os.WriteFile(filepath.Join(dir, "app", "kustomization.yaml"), []byte(kustomization), 0o644); err != nil {
				return err
			}
			want, broken := kustomizeBuild(t, filepath.Join(dir, "app"), "--enable-helm", "--helm-command", program)
			result, err := pool.Render(t.Context(), newTestTree(os.DirFS(dir)), target("app"))
			switch {
			case err != nil:
				return err
			case result.Failed && result.Findings[0].Rule == "render/helm-unsteady":
				unsteady++
			case result.Failed != (broken != nil):
				t.Errorf("%s: kustomize says %v, we say\n%s", name, broken, result.Findings)
			case result.Failed:
				failed++
				t.Logf("%s: %s", name, result.Findings)
			case !bytes.Equal(result.Manifest, want):
				t.Errorf("%s: got\n%s\nwant\n%s", name, result.Manifest, want)
			default:
				same++
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d charts render to the same bytes, %d fail for both, %d draw random values", same, failed, unsteady)
	if same < 60 || unsteady > 5 {
		t.Error("the test has lost its material")
	}
}
