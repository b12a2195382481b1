package render

import (
	"net/url"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	"sigs.k8s.io/kustomize/api/types"

	"github.com/sluice-dev/sluice/internal/finding"
)

// chartsAreOff says what to do where charts are not rendered.
const chartsAreOff = "Helm charts are not rendered here: write on the base branch, in .sluice.yaml, render: {helm: true}, which renders charts " +
	"that lie in the repository (and those that render.charts lists); or commit what `helm template` makes of the chart, and list that under resources"

// charted is a Helm chart that a kustomization inflates.
type charted struct {
	scope         scope
	kustomization *kustomization
	pos           finding.Pos
	name, release string
	version, repo string
	home          string       // where charts lie, from the kustomization
	values        []*yaml.Node // the names of files
	ownValues     bool         // no file of values is named, so the chart's own is the one
	fetched       *fetched     // its files, where it comes from elsewhere; nil where it lies in the repository
	taken         bool         // a generator was made of it
}

// dir is the chart's directory, from the kustomization.
func (c *charted) dir() string {
	if c.version != "" && c.repo != "" {
		return path.Join(c.home, c.name+"-"+c.version, c.name) // where `helm pull` would put it for kustomize
	}
	return path.Join(c.home, c.name)
}

// kustomizationCharts looks at the charts that a kustomization lists.
func (in *inspection) kustomizationCharts(k *kustomization, s scope) {
	home := text(field(field(k.root, "helmGlobals"), "chartHome"))
	legacy := items(field(k.root, "helmChartInflationGenerator"))
	if field(k.root, "helmGlobals") == nil {
		for _, entry := range legacy { // the last one that says so speaks for all
			if own := text(field(entry, "chartHome")); own != "" {
				home = own
			}
		}
	}
	for _, entry := range items(field(k.root, "helmCharts")) {
		in.chart(k, s, entry, home, k.at(entry))
	}
	for _, entry := range legacy {
		in.inflate(&charted{
			scope: s, kustomization: k, pos: k.at(entry), home: home,
			name: text(field(entry, "chartName")), release: text(field(entry, "releaseName")),
			version: text(field(entry, "chartVersion")), repo: text(field(entry, "chartRepoUrl")),
			values: oneOf(field(entry, "values")), ownValues: text(field(entry, "values")) == "",
		})
	}
}

// chart looks at the configuration of one chart: an entry of helmCharts, or a document of a generator.
func (in *inspection) chart(k *kustomization, s scope, entry *yaml.Node, home string, pos finding.Pos) {
	in.inflate(&charted{
		scope: s, kustomization: k, pos: pos, home: home,
		name: text(field(entry, "name")), release: text(field(entry, "releaseName")),
		version: text(field(entry, "version")), repo: text(field(entry, "repo")),
		values:    append(oneOf(field(entry, "valuesFile")), items(field(entry, "additionalValuesFiles"))...),
		ownValues: text(field(entry, "valuesFile")) == "",
	})
}

// is reports whether another entry is the same one, seen at another visit. The documents of a generator may have one position.
func (c *charted) is(other *charted) bool {
	return other.pos == c.pos && other.kustomization == c.kustomization && other.name == c.name && other.release == c.release &&
		other.version == c.version && other.repo == c.repo && other.home == c.home
}

func oneOf(n *yaml.Node) []*yaml.Node {
	if text(n) == "" {
		return nil
	}
	return []*yaml.Node{n}
}

// inflate notes a chart, and refuses it where charts are off or where it is not in the repository.
func (in *inspection) inflate(c *charted) {
	if c.home == "" {
		c.home = types.HelmDefaultHome
	}
	known := slices.IndexFunc(in.charts, c.is)
	in.charts = append(in.charts, c)
	if known >= 0 {
		c.fetched = in.charts[known].fetched
		return // all was said at the first visit
	}
	if !in.helm {
		in.refuse("render/helm", c.pos, chartsAreOff)
		return
	}
	if c.name == "" {
		return // kustomize says so
	}
	k := c.kustomization
	at := path.Join(k.dir, c.dir())
	found, err := in.repo.find(at)
	switch {
	case escapes(k.dir, c.home) || escapes(k.dir, c.dir()):
		in.suspect("render/outside-repository", c.pos, "the chart %q would lie at %q, which leaves the repository: only charts of the repository are rendered", c.name, c.dir())
		return
	case (err != nil || found.mode != modeDirectory) && c.repo != "":
		if !in.fetch(c, at) {
			return
		}
	case err != nil || found.mode != modeDirectory:
		in.suspect("render/missing-file", c.pos, "there is no chart %q (looked for %s): correct its name or chartHome, or add the chart", c.name, at)
		return
	}
	for _, file := range c.values {
		in.file(k, file, text(file))
	}
	if !c.ownValues {
		return
	}
	if c.fetched != nil {
		if _, ok := c.fetched.file("values.yaml"); !ok {
			in.suspect("render/missing-file", c.pos, "the chart %q has no values.yaml, which kustomize needs: name another file with valuesFile", c.name)
		}
		return
	}
	own := path.Join(at, "values.yaml")
	if _, _, err := in.repo.read(own); err != nil {
		in.suspect("render/missing-file", c.pos, "the chart %q has no values.yaml, which kustomize needs: add one, or name another with valuesFile", c.name)
		return
	}
	in.restricted(k, c.pos, own)
}

// fetch gets a chart from where the kustomization says, and refuses it where the settings do not list it.
func (in *inspection) fetch(c *charted, at string) bool {
	got, err := in.repo.chart(Chart{Repo: c.repo, Name: c.name, Version: c.version})
	switch {
	case err != nil: // the connection broke
	case c.version == "":
		in.refuse("render/helm", c.pos, "the chart %q is not in this repository (looked for %s), and no version is named, so that nobody could say what was checked: name one, "+
			"and run `helm pull %s`, and commit the directory", c.name, at, pullArguments(c))
	case got.reason == refusedAbsent:
		in.refuse("render/helm", c.pos, "the chart %q is not in this repository (looked for %s), and the settings do not allow fetching it: run `helm pull %s`, "+
			"and commit the directory; or write on the base branch, in .sluice.yaml, render: {charts: [{repo: %q, name: %q, version: %q, digest: \"sha256:…\"}]}",
			c.name, at, pullArguments(c), withoutPassword(c.repo), c.name, c.version)
	case got.reason != "":
		in.refuse("render/helm", c.pos, "the chart %q could not be fetched: %s", c.name, sentence(got.reason))
	default:
		c.fetched = got
		return true
	}
	return false
}

// pullArguments are those that put a chart where kustomize looks for it.
func pullArguments(c *charted) string {
	arguments := "--untar --untardir " + path.Dir(path.Join(c.kustomization.dir, c.dir()))
	if c.version != "" {
		arguments += " --version " + c.version
	}
	if strings.HasPrefix(c.repo, "oci://") {
		return arguments + " " + strings.TrimSuffix(withoutPassword(c.repo), "/") + "/" + c.name
	}
	return arguments + " --repo " + withoutPassword(c.repo) + " " + c.name
}

// withoutPassword gives an address as it may be shown.
func withoutPassword(address string) string {
	parsed, err := url.Parse(address)
	if err != nil {
		return "REPOSITORY"
	}
	return parsed.Redacted()
}
