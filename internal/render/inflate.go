package render

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/api/ifc"
	"sigs.k8s.io/kustomize/api/konfig"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/kio"
	kyaml "sigs.k8s.io/kustomize/kyaml/yaml"
	"sigs.k8s.io/kustomize/kyaml/yaml/merge2"
	"sigs.k8s.io/yaml"

	"github.com/sluice-dev/sluice/internal/finding"
	"github.com/sluice-dev/sluice/internal/helm"
	"github.com/sluice-dev/sluice/internal/manifest"
)

// inflation makes objects of a chart, as kustomize's HelmChartInflationGenerator does with a helm program. Here there is
// neither a program nor a directory for it: the chart and its values come from the tree, and never leave the memory.
type inflation struct {
	types.HelmGlobals
	types.HelmChart

	in      *inspection
	files   fileSystem
	loader  ifc.Loader
	factory *resmap.Factory
	source  *charted // what names it; nil where that is not known
}

var errChartsAreOff = errors.New("must specify --enable-helm") // kustomize's words

// Config implements resmap.Configurable.
func (g *inflation) Config(h *resmap.PluginHelpers, config []byte) error {
	if !g.in.helm {
		return errChartsAreOff
	}
	g.loader, g.factory = h.Loader(), h.ResmapFactory()
	if err := yaml.Unmarshal(config, g); err != nil {
		return err
	}
	g.source = g.in.chartOf(g)
	return g.explained(g.check())
}

// check completes the configuration.
func (g *inflation) check() error {
	switch {
	case g.Name == "":
		return errors.New("chart name cannot be empty")
	case strings.HasPrefix(g.Name, "-"):
		return fmt.Errorf("chart name must not start with '-', got %q", g.Name)
	case strings.HasPrefix(g.ReleaseName, "-"):
		return fmt.Errorf("releaseName must not start with '-', got %q", g.ReleaseName)
	}
	if g.ChartHome == "" {
		g.ChartHome = types.HelmDefaultHome
	}
	if g.ValuesFile == "" {
		g.ValuesFile = g.ownValues()
	}
	for _, file := range g.AdditionalValuesFiles {
		if _, err := g.loader.Load(file); err != nil {
			return fmt.Errorf("could not load additionalValuesFile: %w", err)
		}
	}
	if g.ValuesMerge == "" {
		g.ValuesMerge = mergeOverride
	}
	if known := []string{mergeMerge, mergeOverride, mergeReplace}; !slices.Contains(known, g.ValuesMerge) {
		return fmt.Errorf("valuesMerge must be one of %v", known)
	}
	return nil
}

// How valuesInline joins the file of values: the keys of either win, or it stands alone.
const (
	mergeMerge    = "merge"
	mergeOverride = "override"
	mergeReplace  = "replace"
)

// dir is the chart's directory as kustomize sees it.
func (g *inflation) dir() string {
	home := g.ChartHome
	if !filepath.IsAbs(home) {
		home = filepath.Join(g.loader.Root(), home)
	}
	if g.Version != "" && g.Repo != "" {
		home = filepath.Join(home, g.Name+"-"+g.Version)
	}
	return filepath.Join(home, g.Name)
}

// Generate implements resmap.Generator.
func (g *inflation) Generate() (resmap.ResMap, error) {
	objects, err := g.generate()
	if err != nil {
		return nil, g.explained(err)
	}
	for _, res := range objects.Resources() {
		g.originate(manifest.ID{Kind: res.GetKind(), Namespace: res.GetNamespace(), Name: res.GetName()}, res.GetApiVersion())
		// With it, kustomize leaves the namespaces as the chart has set them.
		if err := res.PipeE(kyaml.SetAnnotation(konfig.HelmGeneratedAnnotation, "true")); err != nil {
			return nil, err
		}
	}
	return objects, nil
}

func (g *inflation) generate() (resmap.ResMap, error) {
	chart, err := g.chart()
	if err != nil {
		return nil, err
	}
	values, err := g.values()
	if err != nil {
		return nil, err
	}
	printed, err := helm.Template(chart, helm.Options{
		ReleaseName: g.ReleaseName, NameTemplate: g.NameTemplate, Namespace: g.Namespace, Values: values,
		KubeVersion: g.KubeVersion, APIVersions: g.ApiVersions, IncludeCRDs: g.IncludeCRDs, SkipTests: g.SkipTests, SkipHooks: g.SkipHooks,
	})
	if err != nil {
		return nil, err
	}
	objects, broken := g.factory.NewResMapFromBytes([]byte(printed))
	if broken == nil {
		return objects, nil
	}
	// kustomize reads the output once more, in a way that bears text before the first document.
	nodes, err := (&kio.ByteReader{Reader: bytes.NewBufferString(printed), OmitReaderAnnotations: true}).Read()
	if err != nil || len(nodes) == 0 {
		return nil, fmt.Errorf("what the chart makes cannot be read: %w", broken)
	}
	return g.factory.NewResMapFromRNodeSlice(nodes)
}

// chart gives the files of the chart.
func (g *inflation) chart() ([]helm.File, error) {
	if g.source != nil && g.source.fetched != nil {
		return g.source.fetched.files, nil
	}
	if !g.files.IsDir(g.dir()) {
		return nil, fmt.Errorf("no repo specified for pull, no chart found at '%s'", g.dir())
	}
	dir, err := g.files.inside(g.dir())
	if err != nil {
		return nil, err
	}
	return readChart(g.in.repo, dir)
}

// ownValues is where kustomize looks for the values of the chart itself.
func (g *inflation) ownValues() string { return filepath.Join(g.dir(), "values.yaml") }

// load reads a file of values.
func (g *inflation) load(file string) ([]byte, error) {
	if g.source != nil && g.source.fetched != nil && file == g.ownValues() {
		if content, ok := g.source.fetched.file("values.yaml"); ok {
			return content, nil
		}
	}
	return g.loader.Load(file)
}

// values gives the files of values in the order in which they count.
func (g *inflation) values() ([]helm.Values, error) {
	content, err := g.load(g.ValuesFile)
	if len(g.ValuesInline) > 0 {
		if g.ValuesMerge == mergeReplace {
			content, err = yaml.Marshal(g.ValuesInline)
		} else if err == nil {
			content, err = g.merged(content)
		}
	}
	if err != nil {
		return nil, err
	}
	values := []helm.Values{{Name: g.ValuesFile, Data: content}}
	for _, file := range g.AdditionalValuesFiles {
		content, err := g.loader.Load(file)
		if err != nil {
			return nil, err
		}
		values = append(values, helm.Values{Name: file, Data: content})
	}
	return values, nil
}

// merged joins the file of values with valuesInline.
func (g *inflation) merged(content []byte) ([]byte, error) {
	file, err := kyaml.Parse(string(content))
	if err != nil {
		return nil, fmt.Errorf("could not parse values file into rnode: %w", err)
	}
	inline, err := kyaml.FromMap(g.ValuesInline)
	if err != nil {
		return nil, fmt.Errorf("could not parse values inline into rnode: %w", err)
	}
	winner, loser := inline, file
	if g.ValuesMerge == mergeMerge {
		winner, loser = file, inline
	}
	joined, err := merge2.Merge(winner, loser.Copy(), kyaml.MergeOptions{})
	if err != nil {
		return nil, fmt.Errorf("could not merge values: %w", err)
	}
	values, err := joined.Map()
	if err != nil {
		return nil, fmt.Errorf("could not parse merged values into map: %w", err)
	}
	return yaml.Marshal(values)
}

// originate notes where an object of the chart comes from: the kustomization that inflates it.
func (g *inflation) originate(id manifest.ID, apiVersion string) {
	if g.source == nil {
		return
	}
	group, version := manifest.SplitAPIVersion(apiVersion)
	id.Group = group
	g.in.origins = append(g.in.origins, origin{
		id: id, version: version, prefix: g.source.scope.prefix, suffix: g.source.scope.suffix,
		kustomization: g.source.pos.File, pos: g.source.pos,
	})
}

// explained notes what is wrong with a chart, at the place where that can be mended.
func (g *inflation) explained(err error) error {
	if err == nil {
		return nil
	}
	var pos finding.Pos
	if g.source != nil {
		pos = g.source.pos
	}
	said := func(f finding.Finding) bool { return f.Pos == pos }
	if slices.ContainsFunc(g.in.suspects, said) || g.source == nil && !isAboutTemplates(err) {
		return err // the inspection knows better, or nobody does
	}
	message := strings.ReplaceAll(err.Error(), g.files.mount+"/", "")
	var unsteady *helm.UnsteadyError
	var template *helm.TemplateError
	switch {
	case errors.As(err, &unsteady):
		g.in.suspect("render/helm-unsteady", g.place(unsteady.At, pos), "the template function %s gives another result each time, so nobody could say what will be deployed: "+
			"set the value that the chart takes in its place (a password, a certificate, an existing Secret), or keep that object out of the chart", unsteady.Function)
	case errors.As(err, &template):
		g.in.suspect("render/helm", g.place(template, pos), "the chart %q cannot be rendered: %s", g.Name, sentence(message))
	default:
		g.in.suspect("render/helm", pos, "the chart %q cannot be rendered: %s", g.Name, sentence(message))
	}
	return err
}

func isAboutTemplates(err error) bool {
	var unsteady *helm.UnsteadyError
	var template *helm.TemplateError
	return errors.As(err, &unsteady) || errors.As(err, &template)
}

// place is where a template's mistake is in the repository, or else what names the chart.
func (g *inflation) place(at *helm.TemplateError, otherwise finding.Pos) finding.Pos {
	dir, err := g.files.inside(g.dir())
	if at == nil || err != nil {
		return otherwise
	}
	file := path.Join(dir, at.File)
	if found, err := g.in.repo.find(file); err != nil || found.mode != modeFile {
		return otherwise // it is packed in an archive
	}
	return finding.Pos{File: file, Line: at.Line, Column: at.Column}
}

// chartOf finds what names a chart, each once: a kustomization that is used twice inflates its charts twice.
func (in *inspection) chartOf(g *inflation) *charted {
	root, err := g.files.inside(g.loader.Root())
	if err != nil {
		return nil
	}
	for _, used := range []bool{false, true} {
		for _, c := range in.charts {
			if c.kustomization.dir == root && c.name == g.Name && c.release == g.ReleaseName && c.version == g.Version && c.repo == g.Repo && c.taken == used {
				c.taken = true
				return c
			}
		}
	}
	return nil
}
