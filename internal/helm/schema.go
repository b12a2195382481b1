package helm

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	chartv2 "helm.sh/helm/v4/pkg/chart/v2"
)

// validate holds values to the schemas of a chart and of its parts, as Helm does, but for this: Helm fetches what a
// schema refers to from files and over HTTP; here that is refused.
func validate(c *chartv2.Chart, values map[string]any) error {
	var problems strings.Builder
	if c.Schema != nil {
		if err := validateAgainst(c.Schema, values); err != nil {
			fmt.Fprintf(&problems, "%s: %s\n", c.Name(), err)
		}
	}
	for _, part := range c.Dependencies() {
		own, ok := values[part.Name()]
		if !ok || own == nil {
			continue
		}
		table, ok := own.(map[string]any)
		if !ok {
			fmt.Fprintf(&problems, "%s: invalid type for values: expected object (map), got %T\n", part.Name(), own)
			continue
		}
		if err := validate(part, table); err != nil {
			problems.WriteString(err.Error())
		}
	}
	if problems.Len() > 0 {
		return fmt.Errorf("%s", problems.String())
	}
	return nil
}

// schemaURL is what Helm calls the schema of a chart.
const schemaURL = "file:///values.schema.json"

func validateAgainst(schema []byte, values map[string]any) error {
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema))
	if err != nil {
		return fmt.Errorf("values.schema.json is not JSON: %w", err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.UseLoader(nowhere{})
	if err := compiler.AddResource(schemaURL, document); err != nil {
		return err
	}
	compiled, err := compiler.Compile(schemaURL)
	if err != nil {
		return err
	}
	if err := compiled.Validate(values); err != nil {
		_, detail, found := strings.Cut(err.Error(), schemaURL+"#'\n")
		if !found {
			detail = err.Error()
		}
		return fmt.Errorf("%s", detail)
	}
	return nil
}

// nowhere gives nothing for what a schema refers to outside of itself. The schemas of JSON Schema itself need no loading.
type nowhere struct{}

func (nowhere) Load(url string) (any, error) {
	if strings.HasPrefix(url, "urn:") {
		return true, nil // Helm takes a URN that it cannot resolve for a schema that allows everything
	}
	return nil, fmt.Errorf("the schema refers to %s, and nothing is fetched: bundle it into values.schema.json", url)
}
