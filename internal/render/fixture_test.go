package render

import (
	"bytes"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/sluice-dev/sluice/internal/config"
	"github.com/sluice-dev/sluice/internal/plan"
)

var update = flag.Bool("update", false, "rewrite the expected output of the fixtures")

// fixture is a txtar archive: a repository, and in its last file, "want", what is expected. Lines of its comment set
// it up: "link FROM TO" makes a symbolic link, "plain DIR" and "target DIR" name the target (by default "app"),
// "setting helm" has charts rendered.
type fixture struct {
	file    string
	archive *txtar.Archive
	files   fstest.MapFS
	target  plan.Target
	helm    bool // charts are rendered
	want    string
}

func fixtures(t *testing.T, pattern string) []fixture {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", pattern))
	if err != nil || len(files) == 0 {
		t.Fatalf("no fixtures in %s (%v)", pattern, err)
	}
	all := make([]fixture, len(files))
	for i, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		f := fixture{file: file, archive: archive, files: fstest.MapFS{}, target: target("app")}
		for _, content := range archive.Files {
			if content.Name == "want" {
				f.want = string(content.Data)
				continue
			}
			f.files[content.Name] = &fstest.MapFile{Data: content.Data}
		}
		for _, line := range strings.Split(string(archive.Comment), "\n") {
			switch words := strings.Fields(line); {
			case len(words) == 3 && words[0] == "link":
				f.files[words[1]] = &fstest.MapFile{Data: []byte(words[2]), Mode: fs.ModeSymlink}
			case line == "setting helm":
				f.helm = true
			case len(words) == 2 && words[0] == "target":
				f.target = target(words[1])
			case len(words) == 2 && words[0] == "plain":
				f.target = plan.Target{ID: words[1], Dir: words[1], Kind: config.Manifests}
			}
		}
		all[i] = f
	}
	return all
}

func (f fixture) name() string {
	return strings.TrimSuffix(filepath.Base(f.file), ".txtar")
}

// expect compares with the fixture's "want", or rewrites it.
func (f fixture) expect(t *testing.T, got string) {
	t.Helper()
	if got == f.want {
		return
	}
	if !*update {
		t.Errorf("%s: got\n%s\nwant\n%s", f.file, got, f.want)
		return
	}
	var kept []txtar.File
	for _, content := range f.archive.Files {
		if content.Name != "want" {
			kept = append(kept, content)
		}
	}
	f.archive.Files = append(kept, txtar.File{Name: "want", Data: []byte(got)})
	if err := os.WriteFile(f.file, txtar.Format(f.archive), 0o644); err != nil {
		t.Fatal(err)
	}
}

// write puts the fixture's repository on disk, for the CLI.
func (f fixture) write(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, file := range f.files {
		at := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		var err error
		if file.Mode&fs.ModeSymlink != 0 {
			err = os.Symlink(string(file.Data), at)
		} else {
			err = os.WriteFile(at, file.Data, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestFindings renders what is refused or broken, and compares the findings.
func TestFindings(t *testing.T) {
	pool, charts := newPool(t, Options{}), newPool(t, Options{Helm: true})
	for _, f := range fixtures(t, "findings/*.txtar") {
		t.Run(f.name(), func(t *testing.T) {
			pool := pool
			if f.helm {
				pool = charts
			}
			result, err := pool.Render(t.Context(), newTestTree(f.files), f.target)
			if err != nil {
				t.Fatal(err)
			}
			f.expect(t, fmt.Sprintf("failed: %t\n%s\n", result.Failed, result.Findings))
			if result.Failed && len(result.Manifest)+len(result.Objects) > 0 {
				t.Error("it failed, and yet there is a manifest")
			}
			for _, found := range result.Findings {
				asked := strings.Contains(string(f.files["app/kustomization.yaml"].Data), mount)
				if strings.Contains(found.Message, mount) && !asked {
					t.Errorf("a path of the worker shows: %s", found)
				}
				if _, err := fs.Lstat(f.files, found.File); err != nil && found.File != "" {
					t.Errorf("%s is not positioned at a file of the repository", found)
				}
			}
		})
	}
}

// TestSameAsCLIOnFeatures renders a fixture for each feature of kustomize, with the CLI and with a pool.
func TestSameAsCLIOnFeatures(t *testing.T) {
	pool := newPool(t, Options{})
	for _, f := range fixtures(t, "features/*.txtar") {
		t.Run(f.name(), func(t *testing.T) {
			want, err := kustomizeBuild(t, filepath.Join(f.write(t), f.target.Dir), "--load-restrictor", "LoadRestrictionsNone")
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
			f.expect(t, summary(result))
		})
	}
}

// TestPlain renders directories of plain manifests.
func TestPlain(t *testing.T) {
	pool := newPool(t, Options{})
	for _, f := range fixtures(t, "plain/*.txtar") {
		t.Run(f.name(), func(t *testing.T) {
			result, err := pool.Render(t.Context(), newTestTree(f.files), f.target)
			if err != nil {
				t.Fatal(err)
			}
			f.expect(t, summary(result))
		})
	}
}

// summary shows all of a result but its manifest.
func summary(r Result) string {
	var b strings.Builder
	fmt.Fprintf(&b, "failed: %t\n", r.Failed)
	for _, f := range r.Findings {
		fmt.Fprintln(&b, f)
	}
	for _, o := range r.Objects {
		fmt.Fprintf(&b, "line %d: %s %s from %s%s\n", o.Line, o.APIVersion(), o.ID, o.Origin.File, o.Origin.Kustomization)
	}
	for _, input := range r.Inputs {
		fmt.Fprintf(&b, "%s %s\n", input.Use, input.Path)
	}
	return b.String()
}
