package render

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sigs.k8s.io/kustomize/api/konfig"
)

// cliDir holds the CLI while the tests run; "" when no test needs it.
var cliDir string

// cli builds the real kustomize, of the version in go.mod, once.
var cli = sync.OnceValues(func() (string, error) {
	var err error
	if cliDir, err = os.MkdirTemp("", "kustomize-cli"); err != nil {
		return "", err
	}
	program := filepath.Join(cliDir, "kustomize")
	out, err := exec.Command("go", "build", "-o", program, "sigs.k8s.io/kustomize/kustomize/v5").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build the kustomize CLI: %w\n%s", err, out)
	}
	return program, nil
})

// kustomizeBuild runs the real CLI without environment, so without git, and with a short patience for the network.
func kustomizeBuild(t testing.TB, dir string, flags ...string) ([]byte, error) {
	t.Helper()
	program, err := cli()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	command := exec.CommandContext(ctx, program, append([]string{"build", dir}, flags...)...)
	command.Env = []string{"HTTPS_PROXY=http://127.0.0.1:9", "HTTP_PROXY=http://127.0.0.1:9"}
	var stderr bytes.Buffer
	command.Stderr = &stderr
	out, err := command.Output()
	if err != nil {
		return nil, errors.New(stderr.String())
	}
	return out, nil
}

// kustomizations lists the directories of a tree that hold a kustomization.
func kustomizations(t testing.TB, fsys fs.FS) []string {
	t.Helper()
	var dirs []string
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && slices.Contains(konfig.RecognizedKustomizationFileNames(), d.Name()) {
			dirs = append(dirs, filepath.ToSlash(filepath.Dir(name)))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return slices.Compact(dirs)
}

// TestSameAsCLIOnCorpora renders every kustomization of every corpus with the CLI and with a pool: the same bytes
// where the CLI succeeds, a finding where it fails.
func TestSameAsCLIOnCorpora(t *testing.T) {
	root := corpus(t)
	pool := newPool(t, Options{})
	repositories, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, repository := range repositories {
		if !repository.IsDir() {
			continue
		}
		t.Run(repository.Name(), func(t *testing.T) {
			dir := filepath.Join(root, repository.Name())
			fsys := os.DirFS(dir)
			tree := newTestTree(fsys)
			dirs := kustomizations(t, fsys)
			if testing.Short() && len(dirs) > 20 {
				dirs = dirs[:20]
			}
			same, failed := 0, 0
			for _, at := range dirs {
				got, err := pool.Render(t.Context(), tree, target(at))
				if err != nil {
					t.Fatal(err)
				}
				want, err := kustomizeBuild(t, filepath.Join(dir, at), "--load-restrictor", "LoadRestrictionsNone")
				switch {
				case err == nil && got.Failed:
					t.Errorf("%s: kustomize renders it, we do not:\n%s", at, got.Findings)
				case err == nil && !bytes.Equal(got.Manifest, want):
					t.Errorf("%s: differs from kustomize build", at)
				case err != nil && !got.Failed:
					t.Errorf("%s: kustomize fails, we do not: %s", at, err)
				case err != nil:
					failed++
					t.Logf("%s: %s\n\tkustomize: %s", at, got.Findings, strings.TrimSpace(err.Error()))
				default:
					same++
				}
			}
			t.Logf("%d kustomizations render to the same bytes, %d fail for both", same, failed)
		})
	}
}
