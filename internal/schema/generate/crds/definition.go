package main

import (
	"encoding/json"
	"strings"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"

	"github.com/sluice-dev/sluice/internal/manifest"
)

// definition is what a CustomResourceDefinition says of objects: its specification without prose, columns and conversion.
type definition struct {
	Spec apiextensionsv1.CustomResourceDefinitionSpec
}

func (d definition) key() string { return d.Spec.Group + " " + d.Spec.Names.Kind }

// parse reads a CustomResourceDefinition and leaves out what is not needed to validate.
func parse(o *manifest.Object) (definition, error) {
	text, err := json.Marshal(o.Value()["spec"])
	if err != nil {
		return definition{}, err
	}
	var full apiextensionsv1.CustomResourceDefinitionSpec
	if err := json.Unmarshal(text, &full); err != nil {
		return definition{}, err
	}
	d := definition{apiextensionsv1.CustomResourceDefinitionSpec{
		Group: full.Group, Scope: full.Scope, PreserveUnknownFields: full.PreserveUnknownFields,
		Names: apiextensionsv1.CustomResourceDefinitionNames{Kind: full.Names.Kind, Plural: full.Names.Plural},
	}}
	for _, v := range full.Versions {
		short := apiextensionsv1.CustomResourceDefinitionVersion{
			Name: v.Name, Served: v.Served, Storage: v.Storage, Deprecated: v.Deprecated, DeprecationWarning: v.DeprecationWarning, Schema: v.Schema,
		}
		if v.Subresources != nil && v.Subresources.Status != nil {
			short.Subresources = &apiextensionsv1.CustomResourceSubresources{Status: &apiextensionsv1.CustomResourceSubresourceStatus{}}
		}
		if v.Schema != nil {
			withoutProse(v.Schema.OpenAPIV3Schema)
		}
		d.Spec.Versions = append(d.Spec.Versions, short)
	}
	return d, nil
}

// withoutProse removes from a schema what is written for people.
func withoutProse(s *apiextensionsv1.JSONSchemaProps) {
	if s == nil {
		return
	}
	s.Description, s.Title, s.Example, s.ExternalDocs = "", "", nil, nil
	for _, children := range []map[string]apiextensionsv1.JSONSchemaProps{s.Properties, s.PatternProperties, s.Definitions} {
		for name, child := range children {
			withoutProse(&child)
			children[name] = child
		}
	}
	for _, list := range [][]apiextensionsv1.JSONSchemaProps{s.AllOf, s.AnyOf, s.OneOf} {
		for i := range list {
			withoutProse(&list[i])
		}
	}
	withoutProse(s.Not)
	if s.Items != nil {
		withoutProse(s.Items.Schema)
	}
	if s.AdditionalProperties != nil {
		withoutProse(s.AdditionalProperties.Schema)
	}
}

// versions lists the versions that are served.
func (d definition) versions() string {
	var names []string
	for _, v := range d.Spec.Versions {
		if v.Served {
			names = append(names, v.Name)
		}
	}
	return strings.Join(names, ", ")
}
