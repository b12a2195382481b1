// Command trimschema cuts GitHub's GraphQL schema down to what sluice asks of it, without descriptions. It reads the schema of npm
// @octokit/graphql-schema and writes the trimmed one to standard output; internal/githubtest/testdata/NOTICE.md names the version:
//
//	npm pack @octokit/graphql-schema@VERSION && tar xzf octokit-graphql-schema-VERSION.tgz
//	go run ./internal/githubtest/trimschema package/schema.graphql > internal/githubtest/testdata/github.graphql
package main

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"slices"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/formatter"
	"github.com/vektah/gqlparser/v2/parser"
)

// roots are the fields that operations of sluice begin with.
var roots = map[string][]string{
	"Query":    {"viewer"},
	"Mutation": {"convertPullRequestToDraft", "enablePullRequestAutoMerge", "markPullRequestReadyForReview"},
}

// objects are the types of answers that are kept beside those that the roots give. Of each type, the fields are kept that lead to no
// other: nearly everything of GitHub leads to everything else.
var objects = []string{"PullRequest"}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: trimschema SCHEMA")
		os.Exit(2)
	}
	source, err := os.ReadFile(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	doc, err := parser.ParseSchema(&ast.Source{Name: os.Args[1], Input: string(source)})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	formatter.NewFormatter(os.Stdout, formatter.WithoutDescription(), formatter.WithIndent("  ")).FormatSchemaDocument(trim(doc))
}

// trim gives what is kept of a schema, in the order of names.
func trim(whole *ast.SchemaDocument) *ast.SchemaDocument {
	t := trimmer{all: make(map[string]*ast.Definition), kept: make(map[string]*ast.Definition), answers: slices.Clone(objects)}
	for _, def := range whole.Definitions {
		t.all[def.Name] = def
	}
	for root, names := range roots {
		for _, name := range names {
			t.answers = append(t.answers, t.all[root].Fields.ForName(name).Type.Name())
		}
	}
	for root := range roots {
		t.keep(root)
	}
	return &ast.SchemaDocument{Definitions: slices.SortedFunc(maps.Values(t.kept), func(a, b *ast.Definition) int {
		return cmp.Compare(a.Name, b.Name)
	})}
}

type trimmer struct {
	all, kept map[string]*ast.Definition
	answers   []string // the object types that are kept
}

// keep keeps a type with all that its fields need. Types of GraphQL itself are not in the schema.
func (t *trimmer) keep(name string) {
	def, known := t.all[name]
	if !known || t.kept[name] != nil {
		return
	}
	kept := *def
	kept.Interfaces, kept.Fields, kept.Directives = nil, nil, nil
	t.kept[name] = &kept
	for _, field := range def.Fields {
		if !t.wanted(def, field) {
			continue
		}
		f := *field
		f.Directives = slices.DeleteFunc(slices.Clone(f.Directives), func(d *ast.Directive) bool { return d.Name != "deprecated" })
		kept.Fields = append(kept.Fields, &f)
		t.keep(f.Type.Name())
		for _, arg := range f.Arguments {
			t.keep(arg.Type.Name())
		}
	}
}

func (t *trimmer) wanted(in *ast.Definition, field *ast.FieldDefinition) bool {
	if names, isRoot := roots[in.Name]; isRoot {
		return slices.Contains(names, field.Name)
	}
	of := t.all[field.Type.Name()]
	return of == nil || of.IsLeafType() || of.IsInputType() || slices.Contains(t.answers, of.Name)
}
