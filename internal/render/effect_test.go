package render

import (
	"bytes"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/sluice-dev/sluice/internal/finding"
)

// edited is a tree with another content of one file. It has no object identities.
type edited struct {
	*testTree
	file    string
	content []byte
}

func (edited) OID(string) (string, bool) { return "", false }

func (e edited) ReadFile(name string) ([]byte, error) {
	if name == e.file {
		return e.content, nil
	}
	return e.testTree.ReadFile(name)
}

// remove takes the list item out of a YAML file that stands, or has a value, at a position.
func remove(t *testing.T, content []byte, at finding.Pos) []byte {
	t.Helper()
	var document yaml.Node
	if err := yaml.Unmarshal(content, &document); err != nil {
		t.Fatal(err)
	}
	var cut func(n *yaml.Node) bool
	cut = func(n *yaml.Node) bool {
		for i, child := range n.Content {
			if n.Kind == yaml.SequenceNode && (child.Line == at.Line && child.Column == at.Column ||
				slices.ContainsFunc(child.Content, func(n *yaml.Node) bool { return n.Line == at.Line && n.Column == at.Column })) {
				n.Content = slices.Delete(n.Content, i, i+1)
				return true
			}
			if cut(child) {
				return true
			}
		}
		return false
	}
	if !cut(&document) {
		t.Fatalf("there is no list item at %s", at)
	}
	out, err := yaml.Marshal(&document)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestNoEffectOnCorpora takes away what is said to have no effect: each time, the manifest stays the same.
func TestNoEffectOnCorpora(t *testing.T) {
	root := corpus(t)
	repositories, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, repository := range repositories {
		if !repository.IsDir() {
			continue
		}
		fsys := os.DirFS(path.Join(root, repository.Name()))
		pool, tree, seen := newPool(t, Options{}), newTestTree(fsys), map[finding.Pos]bool{}
		for _, dir := range kustomizations(t, fsys) {
			result, err := pool.Render(t.Context(), tree, target(dir))
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range result.Findings {
				if f.Rule != "render/no-effect" || result.Failed || seen[f.Pos] {
					continue
				}
				seen[f.Pos] = true
				content, err := tree.ReadFile(f.File)
				if err != nil {
					t.Fatal(err)
				}
				if f.Column == 0 {
					t.Errorf("%s has no position", f)
					continue
				}
				without, err := pool.Render(t.Context(), edited{tree, f.File, remove(t, content, f.Pos)}, target(dir))
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(without.Manifest, result.Manifest) {
					t.Errorf("%s: %s: it has an effect: without, there is\n%s%s", dir, f, without.Manifest, without.Findings)
				}
				t.Logf("%s: %s", repository.Name(), strings.ReplaceAll(f.String(), "\n", " "))
			}
		}
	}
}
