package bundle_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/sluice-dev/sluice/internal/bundle"
	"github.com/sluice-dev/sluice/internal/oci"
	"github.com/sluice-dev/sluice/internal/oci/ocitest"
)

// TestConftestPush loads what the conftest program pushes, and holds objects to it.
func TestConftestPush(t *testing.T) {
	binary := conftestBinary(t)
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	registry := ocitest.New(t)
	dir := t.TempDir()
	for name, text := range map[string]string{
		"policy/team.rego":       "package team\n\nimport data.shared.lowered\n\ndeny_owner contains msg if {\n\tlowered(input.kind) == data.wanted.kind\n\tmsg := \"found\"\n}\n",
		"policy/lib/shared.rego": "package shared\n\nlowered(text) := lower(text)\n",
		"policy/data/wanted.yml": "wanted: {kind: configmap}\n",
	} {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	push := exec.CommandContext(t.Context(), binary, "push", registry.Host+"/acme/policies:v1")
	push.Dir = dir
	out, err := push.CombinedOutput()
	digest := regexp.MustCompile(`sha256:[0-9a-f]{64}`).FindString(string(out))
	if err != nil || digest == "" {
		t.Fatalf("conftest push: %v\n%s", err, out)
	}

	remote := bundle.Remote{Name: registry.Host + "/acme/policies@" + digest}
	remote.Open = func(ctx context.Context) (bundle.Opened, error) {
		artifact, err := oci.New(oci.Options{}).Open(ctx, remote.Name)
		if err != nil {
			return bundle.Opened{}, err
		}
		return bundle.Opened{Files: artifact.Files, Dir: artifact.Root, Data: artifact.Data}, nil
	}
	engine, problems, err := bundle.LoadPolicies(t.Context(), tree(nil), nil, []bundle.Remote{remote}, own)
	if err != nil || len(problems) > 0 {
		t.Fatal(problems, err)
	}
	result, err := engine.Check(t.Context(), objects(t, deployment, configMap))
	if err != nil || len(result.Findings) != 1 || result.Findings[0].Rule != "policy/team/deny_owner" || result.Findings[0].Object != "ConfigMap settings" {
		t.Errorf("%v %s", err, result.Findings)
	}
}
