package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/sluice-dev/sluice/internal/schema"
	"github.com/sluice-dev/sluice/policies"
)

// tool is a program that is measured, installed by its Go module.
type tool struct{ name, pkg, module string }

// alternatives are what people build such checks of today; go.mod names the versions.
var alternatives = []tool{
	{"kustomize", "sigs.k8s.io/kustomize/kustomize/v5", "sigs.k8s.io/kustomize/kustomize/v5"},
	{"kubeconform", "github.com/yannh/kubeconform/cmd/kubeconform", "github.com/yannh/kubeconform"},
	{"conftest", "github.com/open-policy-agent/conftest", "github.com/open-policy-agent/conftest"},
}

// tools is where the programs and what they need are.
type tools struct {
	bin      string
	schemas  string // for kubeconform: a template of a schema's location
	policies string // for conftest
	versions []string
}

// install builds sluice and the alternatives, and writes the schemas and policies for them.
func install(dir string) (*tools, error) {
	t := &tools{bin: filepath.Join(dir, "bin"), policies: filepath.Join(dir, "policies")}
	version, err := goTool("env", "GOVERSION")
	if err != nil {
		return nil, err
	}
	t.versions = []string{version}
	if _, err := goTool("build", "-o", filepath.Join(t.bin, "sluice"), "./cmd/sluice"); err != nil {
		return nil, err
	}
	// The programs need modules that sluice does not: what is added for them stays out of go.mod and go.sum.
	for _, name := range []string{"go.mod", "go.sum"} {
		data, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("run this in the repository's root: %w", err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			return nil, err
		}
	}
	for _, a := range alternatives {
		modfile := "-modfile=" + filepath.Join(dir, "go.mod")
		if _, err := goTool("build", "-mod=mod", modfile, "-o", filepath.Join(t.bin, a.name), a.pkg); err != nil {
			return nil, err
		}
		version, err := goTool("list", "-mod=mod", modfile, "-m", "-f", "{{.Version}}", a.module)
		if err != nil {
			return nil, err
		}
		t.versions = append(t.versions, a.name+" "+version)
	}
	if err := writePolicies(t.policies); err != nil {
		return nil, err
	}
	t.schemas, err = writeSchemas(filepath.Join(dir, "schemas"))
	return t, err
}

func goTool(args ...string) (string, error) {
	cmd := exec.Command("go", args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("go %s: %w", strings.Join(args, " "), err)
	}
	return strings.TrimSpace(string(out)), nil
}

// inDefault matches the policies that sluice runs without configuration, and what they share.
var inDefault = regexp.MustCompile(`(?m)^#\s+bundles: \{.*default:`)
var isRule = regexp.MustCompile(`(?m)^#\s+rule: `)

// writePolicies gives conftest the rules that sluice has built in, so that both do the same work.
func writePolicies(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	entries, err := policies.Files.ReadDir(".")
	if err != nil {
		return err
	}
	for _, entry := range entries {
		text, err := policies.Files.ReadFile(entry.Name())
		if err != nil {
			return err
		}
		if !strings.HasSuffix(entry.Name(), ".rego") || strings.HasSuffix(entry.Name(), "_test.rego") || isRule.Match(text) && !inDefault.Match(text) {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, entry.Name()), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// writeSchemas gives kubeconform the schemas that sluice has inside: on disk, so that no download is measured.
func writeSchemas(dir string) (location string, err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	set, err := schema.Kubernetes()
	if err != nil {
		return "", err
	}
	newest, err := set.Version("")
	if err != nil {
		return "", err
	}
	documents, err := set.Standalone(newest)
	if err != nil {
		return "", err
	}
	for name, document := range documents {
		if err := os.WriteFile(filepath.Join(dir, name), document, 0o644); err != nil {
			return "", err
		}
	}
	return filepath.Join(dir, "{{.ResourceKind}}{{.KindSuffix}}.json"), nil
}
