package render

import (
	"net/url"
	"path"
	"strings"

	"go.yaml.in/yaml/v3"
	"sigs.k8s.io/kustomize/api/konfig"
	"sigs.k8s.io/kustomize/api/resource"

	"github.com/sluice-dev/sluice/internal/finding"
)

// isURL reports whether kustomize would fetch a file over HTTP.
func isURL(value string) bool {
	u, err := url.Parse(value)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https")
}

// isRemote reports whether kustomize would fetch a file over HTTP or a directory with git. It asks kustomize itself
// about the latter: an origin gets a repository only from what its parser takes for one.
func isRemote(value string) bool {
	return isURL(value) || (&resource.Origin{}).Append(value).Repo != ""
}

// remoteFile refuses a file that would be fetched over HTTP.
func (in *inspection) remoteFile(pos finding.Pos, value string) {
	in.refuse("render/remote-base", pos, "%q is not in this repository, and files are not fetched: copy it into the repository", value)
}

// plugin follows one entry of generators, transformers or validators: a configuration, or the path of some.
func (in *inspection) plugin(k *kustomization, s scope, ref *yaml.Node) {
	s.plugins = true
	inline := parseSource([]byte(text(ref)))
	if inline.problem == "" && len(inline.documents) > 0 && inline.documents[0].Kind == yaml.MappingNode {
		for _, document := range inline.documents {
			in.checkPlugin(k, s, ref, k.file, document)
		}
		return
	}
	in.resource(k, s, ref)
}

// functionAnnotations hold the specification of a KRM function, the second since kustomize 1.
var functionAnnotations = []string{"config.kubernetes.io/function", "config.k8s.io/function"}

// checkPlugin looks at the configuration of a generator or transformer and refuses what is not built in.
func (in *inspection) checkPlugin(k *kustomization, s scope, ref *yaml.Node, file string, document *yaml.Node) {
	id, version, _ := identity(document)
	pos := finding.Pos{File: file, Line: document.Line, Column: document.Column}
	if file == k.file {
		pos = k.at(ref)
	}
	if id.Group == "" && version == konfig.BuiltinPluginApiVersion {
		in.builtin(k, s, id.Kind, file, pos, document)
		return
	}
	annotations := field(field(document, "metadata"), "annotations")
	for _, name := range functionAnnotations {
		specification := text(field(annotations, name))
		if strings.Contains(specification, "container") {
			in.refuse("render/container-function", pos,
				"%s runs a container, and container functions are never run: render it where you trust it and commit the result, or use a built-in transformer", id.Kind)
			return
		}
	}
	if strings.EqualFold(id.Kind, "ksops") {
		in.refuse("render/exec-function", pos,
			"KSOPS decrypts by running a program, and programs are never run: let the cluster decrypt (Flux with SOPS, Sealed Secrets, External Secrets) and keep only the encrypted object among the resources")
		return
	}
	in.refuse("render/exec-function", pos,
		"%s is a plugin, a program of its own, and programs are never run: render it where you trust it and commit the result, or use a built-in transformer", id.Kind)
}

func (in *inspection) builtin(k *kustomization, s scope, kind, file string, pos finding.Pos, document *yaml.Node) {
	switch kind {
	case "HelmChartInflationGenerator":
		in.chart(k, s, document, text(field(document, "chartHome")), pos)
	case "ConfigMapGenerator", "SecretGenerator":
		in.generated(s, strings.TrimSuffix(kind, "Generator"), field(document, "metadata"), file, pos)
		for _, ref := range append(items(field(document, "files")), items(field(document, "envs"))...) {
			_, name, ok := strings.Cut(text(ref), "=")
			if !ok {
				name = text(ref)
			}
			in.restricted(k, pos, path.Join(k.dir, name))
		}
	case "PatchTransformer", "PatchJson6902Transformer":
		if at := text(field(document, "path")); at != "" {
			in.restricted(k, pos, path.Join(k.dir, at))
		}
	}
	if at := field(document, "path"); at != nil && text(at) != "" && isURL(text(at)) {
		in.remoteFile(pos, text(at))
	}
}

// checkFields looks at the fields of a kustomization that are refused or deprecated.
func (in *inspection) checkFields(k *kustomization) {
	for _, d := range deprecated {
		if field(k.root, d.field) != nil {
			in.notes = append(in.notes, finding.Finding{
				Rule: "render/deprecated", Severity: finding.Notice, Pos: k.at(key(k.root, d.field)),
				Message: d.field + " is deprecated: use " + d.instead + " instead",
			})
		}
	}
}

var deprecated = []struct{ field, instead string }{
	{"bases", "resources"}, {"commonLabels", "labels"}, {"imageTags", "images"}, {"patchesJson6902", "patches"},
	{"helmChartInflationGenerator", "helmCharts"},
	{"patchesStrategicMerge", "patches"}, {"vars", "replacements"},
}

// key gives the key node of a field.
func key(n *yaml.Node, name string) *yaml.Node {
	if n = resolved(n); n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := len(n.Content) - 2; i >= 0; i -= 2 {
		if strings.EqualFold(n.Content[i].Value, name) {
			return n.Content[i]
		}
	}
	return nil
}

// duplicates finds keys that stand twice in one mapping: kustomize takes the last and drops the others in silence.
func (in *inspection) duplicates(k *kustomization, n *yaml.Node) {
	if n == nil {
		return
	}
	if n.Kind == yaml.MappingNode {
		first := make(map[string]*yaml.Node, len(n.Content)/2)
		for i := 0; i < len(n.Content); i += 2 {
			name := n.Content[i]
			if before := first[name.Value]; before != nil && name.ShortTag() != "!!merge" {
				in.notes = append(in.notes, problem("render/duplicate-key", k.at(name),
					"%q stands here and on line %d: only this one counts, and what the earlier one says is dropped. Join the two", name.Value, before.Line))
			}
			first[name.Value] = name
		}
	}
	for _, child := range n.Content {
		in.duplicates(k, child)
	}
}
