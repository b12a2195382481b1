package plan

import (
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
	"sigs.k8s.io/kustomize/api/types"
)

// fileNames are the names that kustomize takes for a kustomization file; two of them in one directory are an error.
var fileNames = [...]string{"kustomization.yaml", "kustomization.yml", "Kustomization"}

// maxKustomization bounds what is parsed as a kustomization, in bytes. The largest real ones have some 200 kB.
const maxKustomization = 4 << 20

// form says what kustomize does with a reference.
type form int

const (
	asFile       form = iota // reads it
	asFileOrBase             // reads it as objects; when that fails, builds it as a directory
	asBase                   // builds it as a directory
	asPlugin                 // like asFileOrBase; the objects configure plugins, which read further files
	asTree                   // may read everything below it
)

// reference is a path as a kustomization writes it.
type reference struct {
	text string
	form form
}

// kustomization is what one kustomization file names, whatever tree it stands in.
type kustomization struct {
	component  bool
	broken     string // why it cannot be parsed; "" when it can
	template   bool   // broken, and full of placeholders
	references []reference
	inline     []plugin // plugin configurations written into the file
	naming     naming
}

// readKustomization parses a kustomization file as kustomize does, legacy fields included.
func readKustomization(data []byte) *kustomization {
	if len(data) > maxKustomization {
		return brokenKustomization(data, "is larger than 4 MiB")
	}
	var file types.Kustomization
	if err := file.Unmarshal(data); err != nil {
		reason, _, _ := strings.Cut(strings.TrimPrefix(err.Error(), "invalid Kustomization: "), "\n")
		return brokenKustomization(data, reason)
	}
	file.FixKustomization()
	k := &kustomization{component: file.Kind == types.ComponentKind, naming: readNaming(&file)}
	k.add(asFileOrBase, file.Resources...)
	k.add(asBase, file.Components...)
	k.add(asFile, file.Crds...)
	k.add(asFile, file.Configurations...)
	k.add(asFile, file.OpenAPI["path"])
	for _, patch := range file.Patches {
		k.add(asFile, patch.Path)
	}
	//lint:ignore SA1019 kustomize still builds it, so it is still read
	for _, patch := range file.PatchesJson6902 {
		k.add(asFile, patch.Path)
	}
	//lint:ignore SA1019 as above
	for _, patch := range file.PatchesStrategicMerge {
		k.add(asFile, string(patch)) // or an inline patch, which add drops
	}
	for _, replacement := range file.Replacements {
		k.add(asFile, replacement.Path)
	}
	for _, generator := range file.ConfigMapGenerator {
		k.addSources(generator.KvPairSources)
	}
	for _, generator := range file.SecretGenerator {
		k.addSources(generator.KvPairSources)
	}
	k.addCharts(file.HelmGlobals, file.HelmCharts)
	for _, list := range [][]string{file.Generators, file.Transformers, file.Validators} {
		for _, entry := range list {
			if isInline(entry) {
				k.inline = append(k.inline, *readPlugin([]byte(entry)))
			} else {
				k.add(asPlugin, entry)
			}
		}
	}
	return k
}

// isInline tells YAML that stands in the kustomization itself from the name of a file.
func isInline(text string) bool {
	return strings.ContainsAny(text, "\n{") || strings.Contains(text, ": ")
}

func (k *kustomization) add(as form, texts ...string) {
	for _, text := range texts {
		if text != "" && !isInline(text) {
			k.references = append(k.references, reference{text, as})
		}
	}
}

// addSources adds the files of a generator: "path" or "key=path", and env files.
func (k *kustomization) addSources(sources types.KvPairSources) {
	for _, source := range sources.FileSources {
		if _, path, ok := strings.Cut(source, "="); ok {
			source = path
		}
		k.add(asFile, source)
	}
	k.add(asFile, sources.EnvSources...)
}

// addCharts adds the values files and the local directories of Helm charts, which lie in chartHome as "name", or as
// "name-version/name" where a repository is given too.
func (k *kustomization) addCharts(globals *types.HelmGlobals, charts []types.HelmChart) {
	home := types.HelmDefaultHome
	if globals != nil && globals.ChartHome != "" {
		home = globals.ChartHome
	}
	for _, chart := range charts {
		k.add(asFile, chart.ValuesFile)
		k.add(asFile, chart.AdditionalValuesFiles...)
		if chart.Name == "" {
			continue
		}
		k.add(asTree, home+"/"+chart.Name)
		if chart.Version != "" {
			k.add(asTree, home+"/"+chart.Name+"-"+chart.Version)
		}
	}
}

var (
	componentKind = regexp.MustCompile(`(?m)^kind:\s*["']?Component\b`)
	placeholders  = regexp.MustCompile(`\{\{|\{%|\$\{|<%`)
	word          = regexp.MustCompile(`[^\s"'\[\]{},=|>]+`)
)

// brokenKustomization takes every word of a file that cannot be parsed for a path it might name: to select too much
// is better than to miss what broke it.
func brokenKustomization(data []byte, reason string) *kustomization {
	k := &kustomization{
		broken:    reason,
		component: componentKind.Match(data),
		template:  placeholders.Match(data),
	}
	seen := make(map[string]bool)
	for _, w := range word.FindAllString(string(data), -1) {
		if strings.ContainsAny(w, "./") && !strings.HasPrefix(w, "#") && !seen[w] {
			seen[w] = true
			k.add(asFileOrBase, w)
		}
	}
	// The paths of charts do not stand there: they are made of several fields.
	var charts struct {
		HelmGlobals                 *types.HelmGlobals    `yaml:"helmGlobals"`
		HelmCharts                  []types.HelmChart     `yaml:"helmCharts"`
		HelmChartInflationGenerator []types.HelmChartArgs `yaml:"helmChartInflationGenerator"`
	}
	if yaml.Unmarshal(data, &charts) == nil {
		legacy, globals := types.SplitHelmParameters(charts.HelmChartInflationGenerator)
		if charts.HelmGlobals == nil {
			charts.HelmGlobals = &globals
		}
		k.addCharts(charts.HelmGlobals, append(charts.HelmCharts, legacy...))
	}
	return k
}
