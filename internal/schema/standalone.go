package schema

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"

	"github.com/sluice-dev/sluice/internal/manifest"
)

// Standalone gives the schemas of a Kubernetes version, as [Set.Version] takes it, in the form that kubeconform reads from a
// directory: file name ("deployment-apps-v1.json") → JSON document that refers to nothing outside of it.
func (s *Set) Standalone(version string) (map[string][]byte, error) {
	minor, err := s.Version(version)
	if err != nil {
		return nil, err
	}
	i, _ := s.store.index(minor)
	r := s.store.versions[i]
	documents := make(map[string][]byte, len(r.kinds))
	for g, name := range r.kinds {
		group, apiVersion := manifest.SplitAPIVersion(g.apiVersion)
		group, _, _ = strings.Cut(group, ".")
		if group != "" {
			group += "-"
		}
		document, err := r.standalone(name)
		if err != nil {
			return nil, fmt.Errorf("schema of %s: %w", g, err)
		}
		documents[strings.ToLower(g.kind+"-"+group+apiVersion)+".json"] = document
	}
	return documents, nil
}

// standalone gives a definition with those that it refers to, as one document.
func (r *release) standalone(root string) ([]byte, error) {
	inside := inliner{release: r, definitions: make(map[string]any)}
	key, err := inside.include("/definition/" + root)
	if err != nil {
		return nil, err
	}
	top := maps.Clone(inside.definitions[key].(map[string]any))
	top["definitions"] = inside.definitions
	return json.Marshal(top)
}

// inliner collects definitions below one document.
type inliner struct {
	release     *release
	definitions map[string]any
}

// include adds the definition that a reference of the store names, and gives its key.
func (in *inliner) include(ref string) (key string, err error) {
	name, nullable := strings.CutPrefix(ref, "/nullable/")
	name = strings.TrimPrefix(name, "/definition/")
	if key = name; nullable {
		key += "-or-null"
	}
	if _, done := in.definitions[key]; done {
		return key, nil
	}
	var document map[string]any
	if err := json.Unmarshal(in.release.definitions[name], &document); err != nil {
		return "", err
	}
	in.definitions[key] = document
	if nullable {
		allowNull(document)
	}
	return key, in.rewrite(document)
}

// rewrite makes references point into the document.
func (in *inliner) rewrite(node any) error {
	switch node := node.(type) {
	case map[string]any:
		if ref, ok := node["$ref"].(string); ok {
			key, err := in.include(ref)
			if err != nil {
				return err
			}
			node["$ref"] = "#/definitions/" + key
		}
		for _, child := range node {
			if err := in.rewrite(child); err != nil {
				return err
			}
		}
	case []any:
		for _, child := range node {
			if err := in.rewrite(child); err != nil {
				return err
			}
		}
	}
	return nil
}
