package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
)

// enumeration is the set of values that a field, or each item of a list, may have.
type enumeration struct {
	items  bool
	values []string
}

// enumPackages maps the function names of the generated OpenAPI code to the packages of its types.
var enumPackages = map[string]string{
	"schema_k8sio_api_":              "io.k8s.api.",
	"schema_pkg_apis_apiextensions_": "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.",
}

// readEnums collects the enumerations of the API types, by definition and property. Kubernetes leaves them out of its
// OpenAPI files, v2 and v3 alike, but they stand in the Go code from which it serves them
// (pkg/generated/openapi/zz_generated.openapi.go): one function a type, its name made of group, version and type.
func readEnums(file string) (map[string]map[string]enumeration, error) {
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	enums := make(map[string]map[string]enumeration)
	for _, decl := range parsed.Decls {
		function, ok := decl.(*ast.FuncDecl)
		if !ok {
			continue
		}
		for prefix, pkg := range enumPackages {
			rest, ok := strings.CutPrefix(function.Name.Name, prefix)
			if !ok {
				continue
			}
			properties, err := enumsOf(function)
			if err != nil {
				return nil, fmt.Errorf("%s: %s: %w", file, function.Name.Name, err)
			}
			if len(properties) > 0 {
				enums[pkg+strings.ReplaceAll(rest, "_", ".")] = properties
			}
		}
	}
	if len(enums) == 0 {
		return nil, fmt.Errorf("%s: no enumerations found: has the form of the generated code changed?", file)
	}
	return enums, nil
}

// enumsOf reads the function of one type: the literal under the key "Properties" maps field names to their schemas.
func enumsOf(function *ast.FuncDecl) (map[string]enumeration, error) {
	properties := make(map[string]enumeration)
	var failed error
	ast.Inspect(function, func(node ast.Node) bool {
		pair, ok := node.(*ast.KeyValueExpr)
		if !ok || !isKey(pair, "Properties") {
			return true
		}
		for _, element := range pair.Value.(*ast.CompositeLit).Elts {
			field := element.(*ast.KeyValueExpr)
			name, err := strconv.Unquote(field.Key.(*ast.BasicLit).Value)
			if err != nil {
				failed = err
				return false
			}
			if enum, ok := enumIn(field.Value); ok {
				properties[name] = enum
			}
		}
		return false
	})
	return properties, failed
}

func isKey(pair *ast.KeyValueExpr, name string) bool {
	ident, ok := pair.Key.(*ast.Ident)
	return ok && ident.Name == name
}

// enumIn finds the Enum of a field's schema, its own or that of its list items.
func enumIn(field ast.Expr) (found enumeration, ok bool) {
	var inspect func(node ast.Node, items bool)
	inspect = func(root ast.Node, items bool) {
		ast.Inspect(root, func(node ast.Node) bool {
			pair, isPair := node.(*ast.KeyValueExpr)
			switch {
			case !isPair:
				return true
			case isKey(pair, "Items"):
				inspect(pair.Value, true)
				return false
			case isKey(pair, "Enum"):
				for _, value := range pair.Value.(*ast.CompositeLit).Elts {
					if text, err := strconv.Unquote(value.(*ast.BasicLit).Value); err == nil {
						found.values = append(found.values, text)
					}
				}
				found.items, ok = items, true
				return false
			}
			return true
		})
	}
	inspect(field, false)
	return found, ok
}

// addEnums puts the enumerations of a type's fields into its schema. A field that is not required may also be null
// or empty: the API server takes both as not set.
func addEnums(out *schema, enums map[string]enumeration) {
	for name, enum := range enums {
		property := out.Properties[name]
		if property == nil {
			continue // the Go type knows a field that no served version has
		}
		values := slices.Clone(enum.values)
		optional := !slices.Contains(out.Required, name)
		if enum.items {
			property = property.Items
			optional = false
		}
		if optional && !slices.Contains(values, "") {
			values = append(values, "")
		}
		slices.Sort(values)
		for _, value := range slices.Compact(values) { // some releases list a value twice
			property.Enum = append(property.Enum, value)
		}
		if optional {
			property.Enum = append(property.Enum, nil)
		}
	}
}
