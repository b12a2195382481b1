package promote

import (
	"maps"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// FuzzMerge merges any three versions of a file, without rules. Whatever they are: no panic; what only the target changed
// stays; and a second run after a first has nothing left to do.
func FuzzMerge(f *testing.F) {
	tables, _ := filepath.Glob(filepath.Join("testdata", "merge", "*.txtar"))
	for _, name := range tables {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			f.Fatal(err)
		}
		byName := map[string]map[string]string{}
		for _, file := range archive.Files {
			kind, rest, _ := strings.Cut(file.Name, "/")
			_, rest, _ = strings.Cut(rest, "/")
			if byName[rest] == nil {
				byName[rest] = map[string]string{}
			}
			byName[rest][kind] = string(file.Data)
		}
		for rest, v := range byName {
			f.Add(filepath.Ext(rest), v["base"], v["in"], v["theirs"])
		}
	}
	f.Fuzz(func(t *testing.T, ext, base, ours, theirs string) {
		if strings.ContainsAny(ext, "/\x00") || len(base)+len(ours)+len(theirs) > 4000 {
			return
		}
		from, to := "dev/x"+ext, "prod/x"+ext
		edge := Edge{From: Side{Dir: "dev"}, To: Side{Dir: "prod"}, Keep: []Rule{}, Always: []Rule{}, Pairs: []Pair{{from, to}}}
		merge := func(base, ours, theirs string) (string, Result) {
			t.Helper()
			files := Files{to: {Data: []byte(ours)}}
			result, err := Merge(edge, BaseFiles("", Files{from: {Data: []byte(base)}}), files, Files{from: {Data: []byte(theirs)}})
			if err != nil {
				t.Fatal(err)
			}
			after := maps.Clone(files)
			for _, e := range result.Edits {
				after[e.Path] = e.File
			}
			return string(after[to].Data), result
		}
		if got, _ := merge(theirs, ours, theirs); got != ours {
			t.Fatalf("the source changed nothing, yet\n%q became\n%q", ours, got)
		}
		once, first := merge(base, ours, theirs)
		twice, _ := merge(base, once, theirs)
		if twice != once && len(first.Conflicts) == 0 {
			t.Fatalf("not idle:\n%q became\n%q and then\n%q", ours, once, twice)
		}
	})
}
