package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/sluice-dev/sluice/"

// pure packages turn values into values: they touch no process, network, clock or environment.
const pure = "crew finding config plan manifest helm schema policy diff lint yamledit promote gate report pipeline"

// house is the plan of the house: which package of the module may import which. A change here is a change of the design.
var house = map[string]string{
	"cmd/sluice":          "cli",
	"internal/cli":        "*",
	"internal/pipeline":   pure,
	"internal/finding":    "",
	"internal/crew":       "",
	"internal/config":     "finding",
	"internal/plan":       "config finding crew",
	"internal/manifest":   "finding",
	"internal/helm":       "",
	"internal/heap":       "",
	"internal/render":     "heap manifest helm plan config finding",
	"internal/schema":     "manifest finding crew",
	"internal/policy":     "manifest finding policies",
	"internal/lint":       "diff manifest finding",
	"internal/diff":       "manifest",
	"internal/bundle":     "schema policy config manifest finding policies",
	"internal/bench":      "schema policies",
	"internal/yamledit":   "",
	"internal/promote":    "config yamledit finding",
	"internal/gate":       "config finding",
	"internal/rehearse":   "manifest finding crew",
	"internal/report":     "plan diff manifest finding promote",
	"internal/git":        "",
	"internal/oci":        "crew",
	"internal/charts":     "oci",
	"internal/github":     "",
	"internal/githubtest": "",
	"policies":            "",
	"testdata":            "",
}

// outside are the doors that pure packages may not open.
var outside = []string{"os", "os/exec", "os/signal", "net", "net/http", "log", "log/slog", "syscall", "crypto/rand"}

// timed are the pure packages that may use timers, and why: their results are the same however long they take.
var timed = map[string]string{"policy": "Rego of a repository is stopped after a time"}

// clock are the functions of package time that read it.
var clock = []string{"Now", "Since", "Until", "After", "AfterFunc", "Sleep", "NewTimer", "NewTicker", "Tick"}

func TestHousePlan(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..")
	err := fs.WalkDir(os.DirFS(root), ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && name != "." && (strings.HasPrefix(entry.Name(), ".") || (entry.Name() == "testdata" && name != "testdata") || entry.Name() == "node_modules"):
			return fs.SkipDir
		case entry.IsDir() || path.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") || !strings.Contains(name, "/"):
			return nil
		}
		checkFile(t, root, name)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func checkFile(t *testing.T, root, name string) {
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, name), nil, parser.SkipObjectResolution)
	if err != nil {
		t.Error(err)
		return
	}
	room := path.Dir(name)
	for house[room] == "" && strings.Count(room, "/") > 1 {
		room = path.Dir(room) // a generator or the like inside a package's directory
	}
	allowed, ok := house[room]
	if file.Name.Name == "main" && room != path.Dir(name) {
		allowed = "*" // a generator or benchmark of the room: no part of the program
	}
	if !ok {
		t.Errorf("%s: package %s is not in the house plan", name, room)
		return
	}
	isPure := room == path.Dir(name) && slices.Contains(strings.Fields(pure), path.Base(room)) && file.Name.Name != "main"
	for _, spec := range file.Imports {
		imported, _ := strconv.Unquote(spec.Path.Value)
		if short, ours := strings.CutPrefix(imported, module); ours {
			short = strings.TrimPrefix(short, "internal/")
			if allowed != "*" && !slices.Contains(strings.Fields(allowed), short) && !strings.HasPrefix("internal/"+short, room+"/") {
				t.Errorf("%s imports %s: the house plan allows %q", name, short, allowed)
			}
		}
		if imported == "golang.org/x/sync/errgroup" && room != "internal/crew" {
			t.Errorf("%s imports %s: a panic in one of its goroutines ends the program; use internal/crew", name, imported)
		}
		if isPure && slices.Contains(outside, imported) {
			t.Errorf("%s imports %s: package %s is pure", name, imported, room)
		}
	}
	if isPure {
		ast.Inspect(file, func(node ast.Node) bool {
			if sel, ok := node.(*ast.SelectorExpr); ok {
				if x, ok := sel.X.(*ast.Ident); ok && x.Name == "time" && slices.Contains(clock, sel.Sel.Name) && timed[path.Base(room)] == "" {
					t.Errorf("%s calls time.%s: package %s is pure", name, sel.Sel.Name, room)
				}
			}
			return true
		})
	}
}
