package githubtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator/rules"
)

// loadSchema gives GitHub's own description of its GraphQL API, trimmed to what sluice asks of it: see trimschema. It is read when the first
// test asks.
var loadSchema = sync.OnceValues(func() (*ast.Schema, error) {
	data, err := files.ReadFile("testdata/github.graphql")
	if err != nil {
		return nil, err
	}
	return gqlparser.LoadSchema(&ast.Source{Name: "github.graphql", Input: string(data)})
})

// graphCall is one operation, as a request asks for it.
type graphCall struct {
	schema    *ast.Schema
	operation *ast.OperationDefinition
	variables map[string]any
}

// readGraphCall reads the body of a request and holds it against the schema. GitHub ignores a variable that no operation declares, and a field
// beside query and variables: here they are mistakes, for they do nothing.
func readGraphCall(body []byte) (*graphCall, error) {
	schema, err := loadSchema()
	if err != nil {
		return nil, err
	}
	var in struct {
		Query     string         `json:"query"`
		Variables map[string]any `json:"variables"`
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	decoder.UseNumber()
	if err := decoder.Decode(&in); err != nil {
		return nil, err
	}
	query, problems := gqlparser.LoadQueryWithRules(schema, in.Query, rules.NewDefaultRules())
	switch {
	case len(problems) > 0:
		return nil, problems
	case len(query.Operations) != 1:
		return nil, fmt.Errorf("%d operations, want one", len(query.Operations))
	}
	g := &graphCall{schema, query.Operations[0], in.Variables}
	for _, declared := range g.operation.VariableDefinitions {
		value, given := in.Variables[declared.Variable]
		if !given && declared.Type.NonNull && declared.DefaultValue == nil {
			return nil, fmt.Errorf("variable $%s is missing", declared.Variable)
		}
		if given {
			if err := g.checkInput(declared.Type, value, "$"+declared.Variable); err != nil {
				return nil, err
			}
		}
	}
	for name := range in.Variables {
		if g.operation.VariableDefinitions.ForName(name) == nil {
			return nil, fmt.Errorf("variable $%s is not declared", name)
		}
	}
	return g, nil
}

// fields gives the selected fields. Fragments are not implemented.
func (g *graphCall) fields(set ast.SelectionSet) (out []*ast.Field, err error) {
	for _, selection := range set {
		field, isField := selection.(*ast.Field)
		if !isField {
			return nil, errors.New("fragments are not implemented")
		}
		out = append(out, field)
	}
	return out, nil
}

// graphProblem is why a field has no value.
type graphProblem struct{ kind, message string }

// resolvers give the values of the fields that operations begin with: all that may be selected of them.
var resolvers = map[string]func(*call, map[string]any) (obj, *graphProblem){
	"viewer":                        (*call).viewer,
	"convertPullRequestToDraft":     (*call).convertToDraft,
	"markPullRequestReadyForReview": (*call).readyForReview,
	"enablePullRequestAutoMerge":    (*call).enableAutoMerge,
}

// graphql answers an operation. A field that is null although it may not be makes null of all data, as everywhere in GraphQL.
func (c *call) graphql() reply {
	g, err := readGraphCall(c.body)
	if err != nil {
		c.t.Errorf("githubtest: GraphQL: %v in %.300s", err, c.body)
		return ok(obj{"errors": []obj{{"message": err.Error()}}})
	}
	if c.token == nil {
		return refuse(http.StatusUnauthorized, "This endpoint requires you to be authenticated.")
	}
	roots, err := g.fields(g.operation.SelectionSet)
	if err != nil {
		c.t.Errorf("githubtest: GraphQL: %v", err)
	}
	answer, data := obj{}, obj{}
	answer["data"] = data
	for _, field := range roots {
		resolve := resolvers[field.Name]
		if resolve == nil {
			c.t.Errorf("githubtest: GraphQL: field %q is not implemented", field.Name)
			continue
		}
		value, problem := resolve(c, field.ArgumentMap(g.variables))
		if problem == nil {
			data[field.Alias] = c.selected(g, field, value)
			continue
		}
		data[field.Alias] = nil
		at := obj{"line": field.Position.Line, "column": field.Position.Column}
		answer["errors"] = []obj{{"type": problem.kind, "path": []string{field.Alias}, "locations": []obj{at}, "message": problem.message}}
		if field.Definition.Type.NonNull {
			answer["data"] = nil
		}
		break // what follows a refusal is left undone: no operation of sluice has two fields
	}
	return ok(answer)
}

// selected gives those fields of a value that an operation asks for.
func (c *call) selected(g *graphCall, of *ast.Field, value obj) obj {
	fields, err := g.fields(of.SelectionSet)
	if err != nil {
		c.t.Errorf("githubtest: GraphQL: %v", err)
	}
	out := obj{}
	for _, field := range fields {
		v, has := value[field.Name]
		if !has {
			c.t.Errorf("githubtest: GraphQL: field %q of %q is not implemented", field.Name, of.Name)
		}
		out[field.Alias] = v
	}
	return out
}

func (c *call) viewer(map[string]any) (obj, *graphProblem) {
	if c.token.NoViewer {
		return nil, forbidden()
	}
	return obj{"login": c.token.Login}, nil
}

func isGraphQL(method, path string) bool { return method == http.MethodPost && path == "/graphql" }
