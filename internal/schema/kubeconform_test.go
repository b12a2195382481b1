package schema

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/yannh/kubeconform/pkg/resource"
	"github.com/yannh/kubeconform/pkg/validator"
	"sigs.k8s.io/yaml"

	"github.com/sluice-dev/sluice/internal/finding"
	"github.com/sluice-dev/sluice/internal/manifest"
)

// corpora are real config repositories, which stand beside the checkout where they are present.
var corpora = filepath.Join("..", "..", "..", "shared", "corpora")

// kubeconform gives kubeconform's own validator over the schemas of a version, unpacked to files of the names it expects.
func kubeconform(t testing.TB, set *Set, version string) validator.Validator {
	t.Helper()
	documents, err := set.Standalone(version)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "v"+version+".0-standalone-strict")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for file, document := range documents {
		if err := os.WriteFile(filepath.Join(dir, file), document, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	v, err := validator.New([]string{filepath.Dir(dir)}, validator.Opts{KubernetesVersion: version + ".0", Strict: true})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// sameVerdict compares our verdict on an object with kubeconform's. Objects of which a schema exists must agree.
func sameVerdict(t *testing.T, set *Set, reference validator.Validator, version string, o *manifest.Object) (checked, valid bool) {
	t.Helper()
	if !served(set, version, o) {
		return false, false // of the definitions in the binary kubeconform knows nothing
	}
	result, err := set.Check(version, []*manifest.Object{o}, Context{})
	if err != nil {
		t.Fatal(err)
	}
	if result.Unknown > 0 || isEncrypted(o.Value()) { // what SOPS adds is no mistake to us
		return false, false
	}
	valid = !slices.ContainsFunc(result.Findings, func(f finding.Finding) bool { return isInvalid(f) && !isNoQuantity(f) })
	// A copy: kubeconform's own stream reader hands out buffers that it writes again.
	want := reference.ValidateResource(resource.Resource{Path: "object.yaml", Bytes: slices.Clone(o.Text)})
	if (want.Status == validator.Valid) != valid {
		t.Errorf("%s: kubeconform says %v (%v), we say valid=%v:\n%s\n%s", o.ID, statusName(want.Status), want.Err, valid, result.Findings, o.Text)
	}
	return true, valid
}

// isNoQuantity reports whether a finding is one that kubeconform cannot have: its library knows no such format.
func isNoQuantity(f finding.Finding) bool {
	return strings.Contains(f.Message, "is not a valid quantity")
}

// served reports whether a version of Kubernetes itself has the kind of an object.
func served(set *Set, version string, o *manifest.Object) bool {
	i, _ := set.store.index(version)
	return set.store.versions[i].kinds[gvk{o.APIVersion(), o.ID.Kind}] != ""
}

func statusName(s validator.Status) string {
	return [...]string{"", "error", "skipped", "valid", "invalid", "empty"}[s]
}

// TestAgreesWithKubeconform holds our verdict against kubeconform's, object by object: the objects of testdata, and each
// of them with every field in turn changed to null, to a value of another type, removed, or joined by an unknown field.
func TestAgreesWithKubeconform(t *testing.T) {
	t.Parallel()
	set := builtin(t)
	for _, version := range []string{"1.28", "1.37"} {
		reference := kubeconform(t, set, version)
		files, _ := filepath.Glob(filepath.Join("testdata", "*.txtar"))
		compared, invalid := 0, 0
		for _, file := range files {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, o := range parse(t, []byte(part(archive, "objects.yaml"))) {
				texts := [][]byte{o.Text}
				if version == "1.37" && served(set, version, o) {
					texts = append(texts, mutations(t, o)...)
				}
				for _, text := range texts {
					objects, _ := manifest.Parse(file, text)
					for _, mutant := range objects {
						checked, valid := sameVerdict(t, set, reference, version, mutant)
						if checked {
							compared++
						}
						if checked && !valid {
							invalid++
						}
					}
				}
			}
		}
		t.Logf("Kubernetes %s: %d objects compared, %d of them invalid", version, compared, invalid)
		if invalid == 0 || compared == invalid {
			t.Errorf("%d of %d objects are invalid: the comparison says nothing", invalid, compared)
		}
	}
}

// mutations gives the object with one value changed, for each of its values and each change.
func mutations(t *testing.T, o *manifest.Object) (texts [][]byte) {
	t.Helper()
	var root map[string]any
	if err := yaml.Unmarshal(o.Text, &root); err != nil {
		t.Fatal(err)
	}
	emit := func() {
		text, err := yaml.Marshal(root)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, text)
	}
	var walk func(node any)
	walk = func(node any) {
		switch node := node.(type) {
		case map[string]any:
			node["unknownField"] = "x"
			emit()
			delete(node, "unknownField")
			for _, name := range slices.Sorted(maps.Keys(node)) {
				value := node[name]
				for _, other := range []any{nil, "text", "8080", "", 8080, -1.5, 1e3, true, map[string]any{}, []any{}, []any{nil}} {
					node[name] = other
					emit()
				}
				delete(node, name)
				emit()
				node[name] = value
				walk(value)
			}
		case []any:
			for _, item := range node {
				walk(item)
			}
		}
	}
	walk(root)
	return texts
}

// TestCorpora validates every plain object of real repositories, and compares each verdict with kubeconform's.
func TestCorpora(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat(corpora); err != nil {
		t.Skipf("skipped: the corpora are not present: %v", err)
	}
	const version = "1.37"
	set := builtin(t)
	reference := kubeconform(t, set, version)
	compared, invalid, unknown := 0, 0, 0
	err := fs.WalkDir(os.DirFS(corpora), ".", func(name string, entry fs.DirEntry, err error) error {
		if ext := filepath.Ext(name); err != nil || entry.IsDir() || ext != ".yaml" && ext != ".yml" {
			return err
		}
		data, err := os.ReadFile(filepath.Join(corpora, name))
		if err != nil {
			return nil // a symlink that leads nowhere
		}
		objects, _ := manifest.Parse(name, data)
		for _, o := range objects {
			switch checked, valid := sameVerdict(t, set, reference, version, o); {
			case !checked:
				unknown++
			case valid:
				compared++
			default:
				compared++
				invalid++
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d objects compared, %d of them invalid; %d have no schema", compared, invalid, unknown)
}
