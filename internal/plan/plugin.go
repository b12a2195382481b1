package plan

import (
	"bytes"
	"path"
	"strings"

	"go.yaml.in/yaml/v3"
)

// plugin is what a file of plugin configurations names, whatever directory it is used from. A plugin reads its files
// from the directory of the kustomization that lists it, not from its own.
type plugin struct {
	files []string // under a key that names files: looked for, present or not
	words []string // any other string: a file if there is one of that name
	trees []string // chart directories
}

// fileKeys are the keys under which kustomize's built-in plugins, and ksops, name files.
var fileKeys = map[string]bool{
	"path": true, "paths": true, "files": true, "env": true, "envs": true, "valuesFile": true,
	"additionalValuesFiles": true, "targetFilePath": true, "argsFromFile": true,
}

// maxPluginDepth bounds the nesting that is followed, and ends aliases that contain themselves.
const maxPluginDepth = 50

// readPlugin collects what the documents of a plugin configuration may name. What is not YAML names nothing.
func readPlugin(data []byte) *plugin {
	p := &plugin{}
	if len(data) > maxKustomization {
		return p
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var document yaml.Node
		if err := decoder.Decode(&document); err != nil {
			return p // io.EOF, or a syntax error, which rendering reports
		}
		budget := 100_000 // against aliases that multiply
		p.collect(&document, "", 0, &budget)
		p.addCharts(&document)
	}
}

func (p *plugin) collect(node *yaml.Node, key string, depth int, budget *int) {
	if *budget--; *budget < 0 || depth > maxPluginDepth {
		return
	}
	switch node.Kind {
	case yaml.AliasNode:
		p.collect(node.Alias, key, depth+1, budget)
	case yaml.MappingNode:
		for i := 0; i+1 < len(node.Content); i += 2 {
			if node.Content[i].Value == "fieldSpecs" {
				continue // their path is one of fields
			}
			p.collect(node.Content[i+1], node.Content[i].Value, depth+1, budget)
		}
	case yaml.DocumentNode, yaml.SequenceNode:
		for _, item := range node.Content {
			p.collect(item, key, depth+1, budget)
		}
	case yaml.ScalarNode:
		text := node.Value
		if text == "" || isInline(text) || len(text) > 1000 {
			return
		}
		if _, file, ok := strings.Cut(text, "="); ok {
			text = file
		}
		if fileKeys[key] {
			p.files = append(p.files, text)
		} else {
			p.words = append(p.words, text)
		}
	}
}

func (p *plugin) addCharts(document *yaml.Node) {
	var chart struct {
		Kind      string `yaml:"kind"`
		Name      string `yaml:"name"`
		Version   string `yaml:"version"`
		ChartHome string `yaml:"chartHome"`
	}
	if document.Decode(&chart) != nil || chart.Kind != "HelmChartInflationGenerator" || chart.Name == "" {
		return
	}
	if chart.ChartHome == "" {
		chart.ChartHome = "charts"
	}
	p.trees = append(p.trees, path.Join(chart.ChartHome, chart.Name))
	if chart.Version != "" {
		p.trees = append(p.trees, path.Join(chart.ChartHome, chart.Name+"-"+chart.Version))
	}
}
