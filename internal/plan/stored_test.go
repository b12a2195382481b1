package plan

import (
	"path"
	"reflect"
	"slices"
	"testing"
)

// deafTree cannot read kustomizations.
type deafTree struct {
	memTree
	t *testing.T
}

func (d deafTree) ReadFile(name string) ([]byte, error) {
	if slices.Contains(fileNames[:], path.Base(name)) || path.Base(name) == "generator.yaml" {
		d.t.Errorf("%s was read, though the memo knows it", name)
	}
	return d.memTree.ReadFile(name)
}

func TestAStoredMemoGivesTheSameGraph(t *testing.T) {
	repo := tree(map[string]string{
		"base/kustomization.yaml": "resources: [a.yaml, ../remote]\nconfigMapGenerator:\n- {name: x, files: [k=f.txt]}\n", "base/a.yaml": "kind: A", "base/f.txt": "f",
		"app/kustomization.yaml":    "resources: [../base]\ncomponents: [../part]\ngenerators: [generator.yaml, |\n  kind: X\n  path: inline.txt\n]\n",
		"app/generator.yaml":        "kind: G\nfiles: [g.txt]\n",
		"part/kustomization.yaml":   "kind: Component\nnamespace: n\nnamePrefix: a-\nnameSuffix: -z\ncommonLabels: {team: x}\n",
		"charts/kustomization.yaml": "helmCharts:\n- {name: c, valuesFile: v.yaml}\n",
		"broken/kustomization.yaml": "resources: [\n  ./x.yaml {{ y }}\n",
	})
	first := build(t, repo)
	data, err := first.Store()
	if err != nil {
		t.Fatal(err)
	}
	memo := NewMemo()
	if err := memo.Load(data); err != nil {
		t.Fatal(err)
	}
	second, err := Build(deafTree{repo, t}, memo)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(first.nodes, second.nodes) || !reflect.DeepEqual(first.users, second.users) {
		t.Errorf("the graphs differ:\n%+v\n%+v", first, second)
	}
	if again, err := second.Store(); err != nil || string(again) != string(data) {
		t.Errorf("stored again it is %s, not %s (%v)", again, data, err)
	}
	if memo.Load(data[:len(data)/2]) == nil {
		t.Error("half a memo was taken for one")
	}
}
