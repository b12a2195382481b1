package diff_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/sluice-dev/sluice/internal/diff"
	"github.com/sluice-dev/sluice/internal/manifest"
)

var update = flag.Bool("update", false, "write what the tests got to testdata")

func parse(t testing.TB, text string) []*manifest.Object {
	t.Helper()
	objects, problems := manifest.Parse("test.yaml", []byte(text))
	if len(problems) > 0 {
		t.Fatalf("test input: %v", problems)
	}
	return objects
}

func describe(changes []diff.Change) string {
	var b strings.Builder
	for _, c := range changes {
		fmt.Fprintf(&b, "=== %s %s", c.Action, c.ID)
		if c.Was != "" {
			fmt.Fprintf(&b, " (was %s)", c.Was)
		}
		fmt.Fprintf(&b, " +%d -%d\n%s", c.Added, c.Removed, c.Diff)
	}
	return b.String()
}

// Each file in testdata holds base, head and the changes between them.
func TestSets(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no test cases: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			parts := make(map[string]string)
			for _, f := range archive.Files {
				parts[f.Name] = string(f.Data)
			}
			got := describe(diff.Sets(parse(t, parts["base"]), parse(t, parts["head"]), diff.Options{}))
			if *update {
				archive.Files = []txtar.File{
					{Name: "base", Data: []byte(parts["base"])}, {Name: "head", Data: []byte(parts["head"])}, {Name: "want", Data: []byte(got)},
				}
				if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if d := cmp.Diff(parts["want"], got); d != "" {
				t.Errorf("changes (-want +got):\n%s", d)
			}
		})
	}
}

func secret(name, body string) string {
	return "apiVersion: v1\nkind: Secret\nmetadata:\n  name: " + name + "\n" + body
}

// What a Secret holds must not be seen, in whatever form it is written.
func TestSecretsNeverShow(t *testing.T) {
	t.Parallel()
	const value = "hunter2"
	const encoded = "aHVudGVyMg=="
	bodies := map[string]string{
		"data":           "data:\n  password: " + encoded + "\n",
		"stringData":     "stringData:\n  password: " + value + "\n",
		"block":          "stringData:\n  config: |\n    user: root\n    password: " + value + "\n",
		"folded":         "stringData:\n  config: >-\n    user: root\n    password: " + value + "\n",
		"quoted":         "stringData: {\"password\": \"" + value + "\"}\n",
		"list":           "data:\n- " + encoded + "\n- [" + value + "]\n",
		"nested":         "data:\n  a:\n    b: " + value + "\n",
		"scalar":         "data: " + value + "\n",
		"comment":        "data: {} # " + value + "\n",
		"comment above":  "# " + value + "\ndata: {}\n",
		"alias":          "x-one: &pw " + value + "\nstringData:\n  password: *pw\n",
		"merge":          "stringData:\n  <<: {password: " + value + "}\n  user: x\n",
		"broken base64":  "data:\n  password: \"" + value + "!\"\n",
		"number":         "stringData:\n  pin: 77310077\n",
		"tagged":         "data:\n  password: !!binary " + encoded + "\n",
		"last applied":   "metadata:\n  annotations:\n    kubectl.kubernetes.io/last-applied-configuration: |\n      {\"data\":{\"p\":\"" + encoded + "\"}}\n  name: x\n",
		"not parseable":  "data:\n  password: !!int " + value + "\n",
		"inside an item": "items:\n- kind: Secret\n  data:\n    p: " + encoded + "\n",
	}
	leaks := []string{value, encoded, "77310077", "aHVudGVy"}
	check := func(t *testing.T, what, text string) {
		t.Helper()
		for _, leak := range leaks {
			if strings.Contains(text, leak) {
				t.Errorf("%s shows %q:\n%s", what, leak, text)
			}
		}
	}
	for name, body := range bodies {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			id := manifest.ID{Kind: "Secret", Name: "s"}
			object := func(text string) *manifest.Object {
				return &manifest.Object{ID: id, Version: "v1", Text: []byte(text)}
			}
			text := secret("s", body)
			if name == "last applied" {
				text = "apiVersion: v1\nkind: Secret\n" + body
			}
			full, none := []*manifest.Object{object(text)}, []*manifest.Object{object(secret("s", "type: Opaque\n"))}
			for _, opts := range []diff.Options{{}, {Salt: []byte("salt")}} {
				check(t, "added", describe(diff.Sets(nil, full, opts)))
				check(t, "removed", describe(diff.Sets(full, nil, opts)))
				check(t, "changed", describe(diff.Sets(full, none, opts)))
				check(t, "changed back", describe(diff.Sets(none, full, opts)))
			}
			check(t, "Mask", string(diff.Mask(full[0], diff.Options{})))
		})
	}
}

// Equal or changed stays visible: across objects where there is a salt, and never across salts.
func TestSecretTokens(t *testing.T) {
	t.Parallel()
	of := func(salt, body string) string {
		return diff.Sets(nil, parse(t, secret("s", body)), diff.Options{Salt: []byte(salt)})[0].Diff
	}
	a := of("one", "data:\n  k: aHVudGVyMg==\n")
	if b := of("one", "data:\n  k: aHVudGVyMg==\n"); a != b {
		t.Errorf("the same value has two tokens:\n%s%s", a, b)
	}
	if b := of("one", "data:\n  k: aHVudGVyMw==\n"); a == b {
		t.Errorf("two values have one token:\n%s", a)
	}
	if b := of("two", "data:\n  k: aHVudGVyMg==\n"); a == b {
		t.Errorf("a token does not depend on the salt:\n%s", a)
	}
	if b := of("one", "stringData:\n  k: hunter2\n"); strings.ReplaceAll(b, "stringData", "data") != a {
		t.Errorf("the same value in data and stringData has two tokens:\n%s%s", a, b)
	}
}

func TestMaskLeavesOthersAlone(t *testing.T) {
	t.Parallel()
	o := parse(t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x} # a Secret comment\ndata: {a: b}\n")[0]
	if got := diff.Mask(o, diff.Options{}); !bytes.Equal(got, o.Text) {
		t.Errorf("Mask changed an object without secrets:\n%s", got)
	}
}

func TestMaxBytes(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&text, "    line %d of a text\n", i)
	}
	head := parse(t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata:\n  a: |\n"+text.String())
	c := diff.Sets(nil, head, diff.Options{MaxBytes: 1000})[0]
	if len(c.Diff) > 1100 || c.Added != 1006 || !strings.HasSuffix(c.Diff, " more lines are not shown @@\n") {
		t.Errorf("%d bytes, %d added, ends in %q", len(c.Diff), c.Added, c.Diff[len(c.Diff)-60:])
	}
}

// 20 MB of configuration in one object, with a few, with many and with only changed lines.
func TestHugeObject(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	const lines = 400_000
	config := func(line func(int) string) []*manifest.Object {
		var b strings.Builder
		b.WriteString("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: huge\ndata:\n  big.conf: |\n")
		for i := range lines {
			b.WriteString("    " + line(i) + "\n")
		}
		id := manifest.ID{Kind: "ConfigMap", Name: "huge"}
		return []*manifest.Object{{ID: id, Version: "v1", Text: []byte(b.String())}}
	}
	base := config(func(i int) string { return fmt.Sprintf("setting.number.%06d = some value that is long", i) })
	for name, head := range map[string][]*manifest.Object{
		"one line": config(func(i int) string {
			return fmt.Sprintf("setting.number.%06d = some value that is long%.*s", i, bit(i == 7), "!")
		}),
		"every 10th": config(func(i int) string {
			return fmt.Sprintf("setting.number.%06d = some value that is long%.*s", i, bit(i%10 == 0), "!")
		}),
		"all lines":  config(func(i int) string { return fmt.Sprintf("setting.%06d = another value that is long too", i) }),
		"same lines": config(func(i int) string { return fmt.Sprintf("setting.number.%06d = some value that is long", i%3) }),
	} {
		t.Run(name, func(t *testing.T) {
			c := diff.Sets(base, head, diff.Options{})[0]
			if len(c.Diff) > 300<<10 || c.Added != c.Removed || c.Added == 0 {
				t.Errorf("%d bytes of diff, +%d -%d", len(c.Diff), c.Added, c.Removed)
			}
		})
	}
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

func FuzzSets(f *testing.F) {
	f.Add("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: {a: b}\n", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: {a: c, d: |\n a\n b}\n")
	f.Add(secret("s", "data: {a: Yg==}\n"), secret("s", "stringData: {a: b}\n"))
	f.Add("kind: List\napiVersion: v1\nitems:\n- a: &x [1, 2]\n  b: *x\n", "kind: List\napiVersion: v1\nitems:\n- - - a\n  - []\n- {<<: {a: b}}\n")
	files, _ := filepath.Glob("testdata/*.txtar")
	for _, file := range files {
		if archive, err := txtar.ParseFile(file); err == nil && len(archive.Files) > 1 {
			f.Add(string(archive.Files[0].Data), string(archive.Files[1].Data))
		}
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		base, _ := manifest.Parse("a", []byte(a))
		head, _ := manifest.Parse("b", []byte(b))
		if same := diff.Sets(base, base, diff.Options{}); len(same) != 0 {
			t.Errorf("a set differs from itself: %s", describe(same))
		}
		for _, c := range diff.Sets(base, head, diff.Options{MaxBytes: 1 << 30}) {
			plus, minus := 0, 0
			for l := range strings.Lines(c.Diff) {
				if !strings.HasSuffix(l, "\n") || !strings.ContainsRune(" +-@", rune(l[0])) {
					t.Errorf("a diff holds the line %q:\n%s", l, c.Diff)
				}
				switch l[0] {
				case '+':
					plus++
				case '-':
					minus++
				}
			}
			if plus != c.Added || minus != c.Removed {
				t.Errorf("+%d -%d counted, the diff has +%d -%d:\n%s", c.Added, c.Removed, plus, minus, c.Diff)
			}
		}
	})
}
