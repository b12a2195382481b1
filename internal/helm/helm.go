// Package helm prints what `helm template` prints for a chart that is at hand: the chart's files and the values go in, the
// text of its objects comes out. It runs Helm's own library, in memory. There is no cluster that `lookup` could ask, no
// resolver, no plugin and no post-renderer, and a template that draws random values or reads the clock is refused
// ([UnsteadyError]): what it makes is another thing each time.
package helm

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig/v3"
	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	"helm.sh/helm/v4/pkg/chart/loader/archive"
	chartv2 "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"
	release "helm.sh/helm/v4/pkg/release/v1"
	releaseutil "helm.sh/helm/v4/pkg/release/v1/util"
)

// Version is that of the library, and of the helm CLI whose output this is.
const Version = "v4.3.1"

// Kubernetes is the version that a chart is shown when no other is asked for: that of the client library which the CLI
// of this version is built with.
const Kubernetes = "v1.37.0"

// defaultName is the release's name when nothing gives one.
const defaultName = "release-name"

// File is one file of a chart.
type File struct {
	Name string // slash-separated, from the chart's directory
	Data []byte
}

// Values is one file of values.
type Values struct {
	Name string // for messages
	Data []byte // YAML
}

// Options are the flags of `helm template`. The zero value is what it does without any.
type Options struct {
	ReleaseName  string
	NameTemplate string // a template of the release's name, in place of one
	Namespace    string
	Values       []Values // the later ones win
	KubeVersion  string
	APIVersions  []string // beside those of Kubernetes
	IncludeCRDs  bool
	SkipTests    bool
	SkipHooks    bool
}

// Template renders a chart, as `helm template` does. An error says what is wrong with the chart, its values or the
// options, in Helm's words; it is a [*TemplateError] where a place in a template is known, and an [*UnsteadyError] where
// a template asked for what is never the same twice.
func Template(files []File, options Options) (string, error) {
	name, err := releaseName(options)
	if err != nil {
		return "", err
	}
	capabilities, err := capabilitiesFor(options)
	if err != nil {
		return "", err
	}
	values := map[string]any{}
	for _, file := range options.Values {
		own, err := loader.LoadValues(bytes.NewReader(file.Data))
		if err != nil {
			return "", fmt.Errorf("failed to parse %s: %w", file.Name, err)
		}
		values = loader.MergeMaps(values, own)
	}
	loaded, err := load(files)
	if err != nil {
		return "", err
	}
	if err := installable(loaded); err != nil {
		return "", err
	}
	if err := chartutil.ProcessDependencies(loaded, values); err != nil {
		return "", fmt.Errorf("chart dependencies processing failed: %w", err)
	}
	if want := loaded.Metadata.KubeVersion; want != "" && !chartutil.IsCompatibleRange(want, capabilities.KubeVersion.String()) {
		return "", fmt.Errorf("chart requires kubeVersion: %s which is incompatible with Kubernetes %s", want, capabilities.KubeVersion.Version)
	}
	namespace := options.Namespace
	if namespace == "" {
		namespace = "default"
	}
	named := common.ReleaseOptions{Name: name, Namespace: namespace, Revision: 1, IsInstall: true}
	render, err := util.ToRenderValuesWithSchemaValidation(loaded, values, named, capabilities, true)
	if err != nil {
		return "", err
	}
	if table, err := render.Table("Values"); err == nil {
		if err := validate(loaded, table); err != nil {
			return "", fmt.Errorf("values don't meet the specifications of the schema(s) in the following chart(s):\n%w", err)
		}
	}
	rendered, err := execute(loaded, render)
	if err != nil {
		return "", err
	}
	return list(loaded, rendered, options)
}

func releaseName(options Options) (string, error) {
	name := options.ReleaseName
	switch {
	case name != "" && options.NameTemplate != "":
		return "", errors.New("cannot set --name-template and also specify a name")
	case options.NameTemplate != "":
		drawn := &UnsteadyError{}
		parsed, err := template.New("name-template").Funcs(sprig.HermeticTxtFuncMap()).Funcs(refusals(drawn)).Parse(options.NameTemplate)
		if err != nil {
			return "", err
		}
		var b strings.Builder
		err = parsed.Execute(&b, nil)
		if drawn.Function != "" {
			return "", drawn
		}
		if err != nil {
			return "", err
		}
		name = b.String()
	case name == "":
		name = defaultName
	}
	if err := chartutil.ValidateReleaseName(name); err != nil {
		return "", fmt.Errorf("release name check failed: release name %q: %w", name, err)
	}
	return name, nil
}

func capabilitiesFor(options Options) (*common.Capabilities, error) {
	version := Kubernetes
	if options.KubeVersion != "" {
		version = options.KubeVersion
	}
	parsed, err := common.ParseKubeVersion(version)
	if err != nil {
		return nil, fmt.Errorf("invalid kube version '%s': %w", version, err)
	}
	capabilities := common.DefaultCapabilities.Copy()
	capabilities.KubeVersion = *parsed
	capabilities.APIVersions = slices.Concat(capabilities.APIVersions, split(options.APIVersions))
	capabilities.HelmVersion.Version = Version
	return capabilities, nil
}

// split takes values apart at commas, as the CLI's flag does.
func split(values []string) (all []string) {
	for _, value := range values {
		all = append(all, strings.Split(value, ",")...)
	}
	return all
}

// load makes a chart of its files. Helm adds the charts that it depends upon in a random order; here it is theirs by name.
func load(files []File) (*chartv2.Chart, error) {
	buffered := make([]*archive.BufferedFile, len(files))
	for i, file := range files {
		buffered[i] = &archive.BufferedFile{Name: file.Name, Data: bytes.TrimPrefix(file.Data, []byte("\xef\xbb\xbf"))}
	}
	loaded, err := loader.LoadFiles(buffered)
	if err != nil {
		return nil, err
	}
	sortDependencies(loaded)
	return loaded, nil
}

func sortDependencies(c *chartv2.Chart) {
	parts := slices.Clone(c.Dependencies())
	slices.SortStableFunc(parts, func(a, b *chartv2.Chart) int { return strings.Compare(a.Name(), b.Name()) })
	for _, part := range parts {
		sortDependencies(part)
	}
	c.SetDependencies(parts...)
}

// installable holds a chart to what the CLI asks of one before it renders it.
func installable(c *chartv2.Chart) error {
	if kind := c.Metadata.Type; kind != "" && kind != "application" {
		return fmt.Errorf("%s charts are not installable", kind)
	}
	if v := c.Metadata.APIVersion; v != chartv2.APIVersionV1 && v != chartv2.APIVersionV2 {
		return fmt.Errorf("charts of apiVersion %q are not known: Helm installs those of v1 and v2", v)
	}
	var missing []string
	for _, wanted := range c.Metadata.Dependencies {
		if !slices.ContainsFunc(c.Dependencies(), func(have *chartv2.Chart) bool { return have.Name() == wanted.Name }) {
			missing = append(missing, wanted.Name)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("found in Chart.yaml, but missing in charts/ directory: %s. Run helm dependency build, and commit the directory", strings.Join(missing, ", "))
	}
	return nil
}

// list joins what the templates made, as the CLI prints it: definitions, objects in the order of installation, hooks.
func list(c *chartv2.Chart, rendered map[string]string, options Options) (string, error) {
	for name := range rendered {
		if strings.HasSuffix(name, "NOTES.txt") {
			delete(rendered, name)
		}
	}
	hooks, manifests, err := releaseutil.SortManifests(rendered, nil, releaseutil.InstallOrder)
	if err != nil {
		return "", err
	}
	var objects strings.Builder
	if options.IncludeCRDs {
		for _, crd := range c.CRDObjects() {
			fmt.Fprintf(&objects, "---\n# Source: %s\n%s\n", crd.Filename, crd.File.Data)
		}
	}
	for _, manifest := range manifests {
		fmt.Fprintf(&objects, "---\n# Source: %s\n%s\n", manifest.Name, manifest.Content)
	}
	var out strings.Builder
	fmt.Fprintln(&out, strings.TrimSpace(objects.String()))
	if options.SkipHooks {
		return out.String(), nil
	}
	for _, hook := range hooks {
		if !options.SkipTests || !slices.Contains(hook.Events, release.HookTest) {
			fmt.Fprintf(&out, "---\n# Source: %s\n%s\n", hook.Path, hook.Manifest)
		}
	}
	return out.String(), nil
}
