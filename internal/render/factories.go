package render

import (
	"errors"
	"fmt"
	_ "unsafe" // for go:linkname

	"sigs.k8s.io/kustomize/api/resmap"
)

// generatorFactories makes kustomize's built-in generators, by its own numbers for them.
//
// kustomize has no door for another Helm than a program that it executes, and a worker executes nothing. The place in
// which it makes that generator is the only one from which charts come out byte for byte as they do from kustomize: the
// order, the namespaces that overlays hand down, generators that other kustomizations configure. So the entry is replaced
// there. The version of kustomize is pinned, and [offerCharts] fails where the entry is not what it was.
//
//go:linkname generatorFactories sigs.k8s.io/kustomize/api/internal/plugins/builtinhelpers.GeneratorFactories
var generatorFactories map[int]func() resmap.GeneratorPlugin

// chartFactory is the number of kustomize's HelmChartInflationGenerator; 0 where there is none.
var chartFactory = func() int {
	for number, make := range generatorFactories {
		if fmt.Sprintf("%T", make()) == "*builtins.HelmChartInflationGeneratorPlugin" {
			return number
		}
	}
	return 0
}()

// offerCharts has kustomize inflate charts of the inspected target.
func offerCharts(in *inspection, files fileSystem) error {
	if chartFactory == 0 {
		return errors.New("this version of kustomize makes its Helm generator elsewhere")
	}
	generatorFactories[chartFactory] = func() resmap.GeneratorPlugin { return &inflation{in: in, files: files} }
	return nil
}
