package promote

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "rewrite the golden parts of testdata/merge")

// memory is a history that a test writes down: the files of commits 1, 2, …
type memory map[string][]Version

func (m memory) Versions(name string) ([]Version, bool, error) { return m[name], true, nil }

// TestMerge runs the tables in testdata/merge. A file holds the target's files (in/prod/…), the source's (theirs/dev/…), the
// base (base/dev/…) or the history (history/1/dev/…, "(deleted)" for a file that went), and what is to come out: the files
// that change (golden/…) and the rest (result). The comment may have lines "from: ENV", "to: ENV", "keep: PATH", "only: PART" (see ParsePart),
// "crlf", "bom" and "cut" (no final newline); "recorded: N", the commit that the base is of; "part: N M", the commit N of the target that promoted
// a part of the source's M. With before/dev/…, the source before a change that alone is promoted, only that is; now/dev/… is the source now.
func TestMerge(t *testing.T) {
	t.Parallel()
	tables, err := filepath.Glob(filepath.Join("testdata", "merge", "*.txtar"))
	if err != nil || len(tables) == 0 {
		t.Fatal("no tables: ", err)
	}
	for _, table := range tables {
		t.Run(strings.TrimSuffix(filepath.Base(table), ".txtar"), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(table)
			if err != nil {
				t.Fatal(err)
			}
			c := readTable(t, archive)
			result, err := Merge(c.edge, c.base, c.ours, c.theirs)
			if err != nil {
				t.Fatal(err)
			}
			got := c.write(result)
			if *update {
				archive.Files = slices.DeleteFunc(archive.Files, func(f txtar.File) bool { return f.Name == "result" || strings.HasPrefix(f.Name, "golden/") })
				archive.Files = append(archive.Files, got...)
				if err := os.WriteFile(table, txtar.Format(archive), 0o666); err != nil {
					t.Fatal(err)
				}
				return
			}
			want := &txtar.Archive{}
			for _, f := range archive.Files {
				if f.Name == "result" || strings.HasPrefix(f.Name, "golden/") {
					want.Files = append(want.Files, f)
				}
			}
			if diff := cmp.Diff(string(txtar.Format(want)), string(txtar.Format(&txtar.Archive{Files: got}))); diff != "" {
				t.Error(diff)
			}
			again := c.edge
			after := maps.Clone(c.ours)
			for _, e := range result.Edits {
				if e.Action == Delete {
					delete(after, e.Path)
				} else {
					after[e.Path] = e.File
				}
			}
			again.Pairs = PairFiles(again.From, again.To, c.theirs, after)
			second, err := Merge(again, c.base, after, c.theirs)
			if err != nil || len(second.Edits) > 0 {
				t.Errorf("a second run is not idle: %v, %v", second.Edits, err)
			}
		})
	}
}

// table is one parsed file of testdata/merge.
type table struct {
	edge         Edge
	base         Base
	ours, theirs Files
	layout       []string // crlf, bom, cut
}

func readTable(t *testing.T, archive *txtar.Archive) table {
	t.Helper()
	c := table{edge: Edge{From: Side{"dev", "dev"}, To: Side{"prod", "prod"}}, ours: Files{}, theirs: Files{}}
	var only []string
	at, parts := "", make(map[string]string)
	for line := range strings.Lines(string(archive.Comment)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch key {
		case "from":
			c.edge.From = Side{value, path.Base(value)}
		case "to":
			c.edge.To = Side{value, path.Base(value)}
		case "same-dir":
			c.edge.From.Dir, c.edge.To.Dir = value, value
		case "keep":
			rule, err := ParseRule("", value, "")
			if err != nil {
				t.Fatal(err)
			}
			c.edge.Keep = append(slices.Clone(DefaultKeep), rule)
		case "only":
			part, err := ParsePart(append(only, value)...)
			if err != nil {
				t.Fatal(err)
			}
			only = append(only, value)
			c.edge.Part = &part
		case "recorded":
			at = value
		case "part":
			commit, source, _ := strings.Cut(value, " ")
			parts[commit] = source
		case "crlf", "bom", "cut":
			c.layout = append(c.layout, key)
		}
	}
	recorded, history, before, now := Files{}, memory{}, Files{}, Files(nil)
	for _, f := range archive.Files {
		kind, name, _ := strings.Cut(f.Name, "/")
		file := File{Data: c.dress(f.Data)}
		switch kind {
		case "in":
			c.ours[name] = file
		case "theirs":
			c.theirs[name] = file
		case "base":
			recorded[name] = file
		case "before":
			before[name] = file
		case "now":
			if now == nil {
				now = Files{}
			}
			now[name] = file
		case "history":
			at, name, _ := strings.Cut(name, "/")
			seq, err := strconv.Atoi(at)
			if err != nil {
				t.Fatal(err)
			}
			history[name] = append(history[name], Version{Seq: seq, Commit: at, Data: file.Data, Deleted: string(f.Data) == "(deleted)\n"})
		case "result", "golden":
		default:
			t.Fatalf("unknown part %s", f.Name)
		}
	}
	if len(before) > 0 {
		c.edge.Part = &Part{Name: "pr=#1", Before: before, Now: now}
	}
	if c.base = BaseFromHistory(history); len(recorded) > 0 {
		c.base = BaseFiles(at, recorded)
		if len(history) > 0 {
			c.base = c.base.WithHistory(history)
		}
	}
	c.base = c.base.WithParts(parts, func(a, b string) bool {
		x, errA := strconv.Atoi(a)
		y, errB := strconv.Atoi(b)
		if errA != nil || errB != nil {
			t.Fatal(errA, errB)
		}
		return x <= y
	})
	c.edge.Pairs = PairFiles(c.edge.From, c.edge.To, c.theirs, c.ours)
	return c
}

func (c table) dress(data []byte) []byte {
	for _, how := range c.layout {
		switch how {
		case "crlf":
			data = bytes.ReplaceAll(data, []byte("\n"), []byte("\r\n"))
		case "bom":
			data = append([]byte("\uFEFF"), data...)
		case "cut":
			data = bytes.TrimSuffix(bytes.TrimSuffix(data, []byte("\n")), []byte("\r"))
		}
	}
	return data
}

// write puts a result into the form of the tables. What the layout asks for must still be there, and is taken away.
func (c table) write(result Result) []txtar.File {
	var out []txtar.File
	var b strings.Builder
	for _, e := range result.Edits {
		fmt.Fprintf(&b, "%s %s", e.Action, e.Path)
		if e.Was != "" {
			fmt.Fprintf(&b, " (was %s)", e.Was)
		}
		b.WriteString("\n")
		if e.Action == Delete {
			continue
		}
		data := string(e.Data)
		for _, how := range slices.Backward(c.layout) {
			switch how {
			case "crlf":
				if strings.Count(data, "\n") != strings.Count(data, "\r\n") {
					data = "(a line break changed)\n" + data
				}
				data = strings.ReplaceAll(data, "\r\n", "\n")
			case "bom":
				if !strings.HasPrefix(data, "\uFEFF") {
					data = "(the byte order mark is gone)\n" + data
				}
				data = strings.TrimPrefix(data, "\uFEFF")
			case "cut":
				if strings.HasSuffix(data, "\n") {
					data += "(a final newline came)"
				}
				data += "\n"
				if slices.Contains(c.layout, "crlf") {
					data = strings.TrimSuffix(data, "\n") + "\r\n"
				}
			}
		}
		out = append(out, txtar.File{Name: "golden/" + e.Path, Data: []byte(data)})
	}
	for _, w := range result.Withheld {
		fmt.Fprintf(&b, "withheld %s %s: %q, source %q: %s\n", w.File, w.Path, w.Target, w.Source, w.Why)
	}
	for _, x := range result.Conflicts {
		fmt.Fprintf(&b, "conflict %s:%d %s: base %q, ours %q, theirs %q: %s\n", x.File, x.Line, x.Path, x.Base, x.Ours, x.Theirs, x.Why)
	}
	for _, f := range result.Findings {
		fmt.Fprintf(&b, "finding %s\n", f)
	}
	return append(out, txtar.File{Name: "result", Data: []byte(b.String())})
}

func TestBinary(t *testing.T) {
	t.Parallel()
	edge := Edge{From: Side{"dev", "dev"}, To: Side{"prod", "prod"}}
	a, b, own := []byte("a\x00"), []byte("b\x00\xff"), []byte("own\x00")
	for _, test := range []struct {
		name               string
		base, ours, theirs []byte
		want               string
	}{
		{"behind", a, a, b, "change"},
		{"own", a, own, a, ""},
		{"conflict", a, own, b, "conflict"},
		{"new", nil, nil, b, "add"},
		{"gone", a, a, nil, "delete"},
	} {
		files := func(name string, data []byte) Files {
			if data == nil {
				return Files{}
			}
			return Files{name: {Data: data}}
		}
		ours, theirs := files("prod/x.bin", test.ours), files("dev/x.bin", test.theirs)
		edge.Pairs = PairFiles(edge.From, edge.To, theirs, ours)
		result, err := Merge(edge, BaseFiles("", files("dev/x.bin", test.base)), ours, theirs)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, e := range result.Edits {
			got = string(e.Action)
			if e.Action != Delete && !bytes.Equal(e.Data, test.theirs) {
				t.Errorf("%s: %q", test.name, e.Data)
			}
		}
		if len(result.Conflicts) > 0 {
			got += "conflict"
		}
		if got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

func TestHugeFile(t *testing.T) {
	t.Parallel()
	file := func(version string) File {
		var b strings.Builder
		b.WriteString("items:\n")
		for i := range 12_500 {
			fmt.Fprintf(&b, "- name: item-%d\n  value: %d\n  labels:\n    version: %s\n", i, i, version)
		}
		return File{Data: []byte(b.String())}
	}
	edge := Edge{From: Side{"dev", "dev"}, To: Side{"prod", "prod"}, Pairs: []Pair{{"dev/x.yaml", "prod/x.yaml"}}}
	start := time.Now()
	theirs := file("v1")
	theirs.Data = bytes.Replace(theirs.Data, []byte("value: 6000\n"), []byte("value: many\n"), 1)
	result, err := Merge(edge, BaseFiles("", Files{"dev/x.yaml": file("v1")}), Files{"prod/x.yaml": file("v1")}, Files{"dev/x.yaml": theirs})
	if err != nil || len(result.Edits) != 1 || !bytes.Equal(result.Edits[0].Data, theirs.Data) {
		t.Errorf("%d edits, %v, %v", len(result.Edits), result.Conflicts, err)
	}
	if took := time.Since(start); took > 2*time.Minute {
		t.Errorf("50,000 lines took %v", took)
	}
}

func TestParseRule(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"a..b", "spec.[", ""} {
		if _, err := ParseRule("", bad, ""); err == nil && bad != "spec.[" {
			t.Errorf("%q was accepted", bad)
		}
	}
	tests := []struct {
		pattern, path string
		want          bool
	}{
		{"**.replicas", "replicas", true},
		{"**.replicas", "spec.replicas", true},
		{"**.replicas", "spec.replicas.x", false},
		{"spec.*.cpu", "spec.limits.cpu", true},
		{"**.containers[*].image", "spec.containers[name=web].image", true},
		{"**.containers[name=web].image", "spec.containers[name=api].image", false},
		{"resources[*]", "resources[../base]", true},
		{"*_TAG", "API_TAG", true},
		{`metadata.labels["app.kubernetes.io/version"]`, `metadata.labels["app.kubernetes.io/version"]`, true},
		{"metadata.labels.*", `metadata.labels["app.kubernetes.io/version"]`, true},
		{"**", "a.b", true},
	}
	for _, test := range tests {
		rule, err := ParseRule("", test.pattern, "")
		if err != nil {
			t.Errorf("%s: %v", test.pattern, err)
			continue
		}
		if _, got := find([]Rule{rule}, "x.yaml", splitPath(test.path)); got != test.want {
			t.Errorf("%s on %s: %v", test.pattern, test.path, got)
		}
	}
	if _, ok := find([]Rule{{Files: "**/*.env", Path: "A"}}, "x/y.env", fieldPath{"A"}); !ok {
		t.Error("a file pattern does not match")
	}
	if _, ok := find([]Rule{{Files: "secrets/**"}}, "secrets/y.env", nil); !ok {
		t.Error("a rule for whole files does not match")
	}
}

func TestPairFiles(t *testing.T) {
	t.Parallel()
	files := func(list string) Files {
		out := Files{}
		for _, name := range strings.Fields(list) {
			out[name] = File{}
		}
		return out
	}
	tests := []struct {
		name         string
		from, to     Side
		theirs, ours string
		want         string
	}{
		{"the same paths", Side{"env/dev", "dev"}, Side{"env/prod", "prod"}, "env/dev/a.yaml env/dev/x/b.yaml", "env/prod/a.yaml env/prod/c.yaml",
			"env/dev/a.yaml>env/prod/a.yaml env/dev/c.yaml>env/prod/c.yaml env/dev/x/b.yaml>env/prod/x/b.yaml"},
		{"the environment in a file's name", Side{"apps/integration", "integration"}, Side{"apps/production", "production"},
			"apps/integration/int-a.yaml apps/integration/int-b.yaml", "apps/production/prod-a.yaml",
			"apps/integration/int-a.yaml>apps/production/prod-a.yaml apps/integration/int-b.yaml>apps/production/prod-b.yaml"},
		{"one directory", Side{"overrides", "staging"}, Side{"overrides", "production"},
			"overrides/staging.env overrides/production.env overrides/common.env", "overrides/staging.env overrides/production.env overrides/common.env",
			"overrides/staging.env>overrides/production.env"},
	}
	for _, test := range tests {
		var got []string
		for _, p := range PairFiles(test.from, test.to, files(test.theirs), files(test.ours)) {
			got = append(got, p.From+">"+p.To)
		}
		if diff := cmp.Diff(test.want, strings.Join(got, " ")); diff != "" {
			t.Errorf("%s: %s", test.name, diff)
		}
	}
}
