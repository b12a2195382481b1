package pipeline

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/sluice-dev/sluice/internal/config"
	"github.com/sluice-dev/sluice/internal/manifest"
	"github.com/sluice-dev/sluice/internal/plan"
)

// outline is what the targets of one environment deploy, as far as their sources say it without rendering: names, namespaces and
// kinds, through the prefixes, suffixes, namespaces and labels of kustomizations, but without patches and charts. It finds the targets that are
// worth rendering for another one; what is said of them comes from their renderings.
type outline struct {
	targets []plan.Target
	objects map[manifest.ID][]int    // the targets with an object of this identity
	kinds   map[kindIn][]spot        // of the kinds that look for one another
	opaque  []int                    // the targets that deploy more than their sources say
	hosts   func() map[string][]int  // the targets with routes whose files name a host
	files   func(file string) []byte // reads a source
}

// kindIn is a kind in a namespace.
type kindIn struct{ kind, namespace string }

// spot is a file that deploys objects of a kind in a target.
type spot struct {
	target int
	source plan.Source
}

// seeking are the kinds that must find one another in an environment: what selects pods, what has pods, what scales them.
var seeking = append(strings.Fields(workloadKinds), "Service", "PodDisruptionBudget", "NetworkPolicy", "HorizontalPodAutoscaler")

const workloadKinds = "CronJob DaemonSet Deployment Job Pod ReplicaSet ReplicationController StatefulSet"

// routeKinds serve hosts.
var routeKinds = []string{"Ingress", "HTTPRoute"}

// clusterScoped are well-known kinds without a namespace.
var clusterScoped = strings.Fields(`APIService ClusterIssuer ClusterPolicy ClusterRole ClusterRoleBinding ClusterSecretStore CSIDriver
	CustomResourceDefinition GatewayClass IngressClass MutatingWebhookConfiguration Namespace PersistentVolume PriorityClass RuntimeClass StorageClass
	ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding ValidatingWebhookConfiguration VolumeSnapshotClass`)

// unnamed are the kinds whose names kustomize's prefixes and suffixes leave alone.
var unnamed = []string{"APIService", "CustomResourceDefinition", "Namespace"}

// placed gives the identity that an object of a source has in the target.
func placed(id manifest.ID, s plan.Source) manifest.ID {
	if !slices.Contains(unnamed, id.Kind) {
		id.Name = s.Prefix + id.Name + s.Suffix
	}
	switch {
	case id.Kind == "Namespace" && s.Namespace != "":
		id.Name, id.Namespace = s.Namespace, ""
	case slices.Contains(clusterScoped, id.Kind):
		id.Namespace = ""
	case s.Namespace != "":
		id.Namespace = s.Namespace
	}
	return id
}

// fileFacts is what an outline needs of one file.
type fileFacts struct {
	objects []manifest.ID
	hosts   []string // and other words of their form
}

func readFacts(file string, data []byte) fileFacts {
	hosts := hostNames(data)
	slices.Sort(hosts)
	return fileFacts{objects: identitiesIn(file, data), hosts: slices.Compact(hosts)}
}

// newOutline reads the sources of the targets of an environment. facts gives what a file of the tree holds.
func newOutline(snapshot plan.Snapshot, environment string, tree Tree, facts func(tree Tree, file string) fileFacts) *outline {
	o := &outline{objects: make(map[manifest.ID][]int), kinds: make(map[kindIn][]spot)}
	o.files = func(file string) []byte { data, _ := tree.ReadFile(file); return data }
	sources := snapshot.Graph.Sources()
	routes := make(map[int]bool)
	prefetch(tree, func(add func(file string)) {
		for _, target := range snapshot.Layout.Targets {
			if target.Environment != environment {
				continue
			}
			for _, source := range sources.Of(target) {
				add(source.Path)
			}
			for _, input := range snapshot.Graph.TargetClosure(target) { // for the hosts
				if input.Kind == plan.File {
					add(input.Path)
				}
			}
		}
	})
	for _, target := range snapshot.Layout.Targets {
		if target.Environment != environment {
			continue
		}
		at := len(o.targets)
		o.targets = append(o.targets, target)
		if sources.Opaque(target) {
			o.opaque = append(o.opaque, at)
		}
		for _, source := range sources.Of(target) {
			for _, id := range facts(tree, source.Path).objects {
				id = placed(id, source)
				if here := o.objects[id]; len(here) == 0 || here[len(here)-1] != at {
					o.objects[id] = append(here, at)
				}
				if slices.Contains(seeking, id.Kind) {
					key := kindIn{id.Kind, id.Namespace}
					o.kinds[key] = append(o.kinds[key], spot{at, source})
				}
				routes[at] = routes[at] || slices.Contains(routeKinds, id.Kind)
			}
		}
	}
	o.hosts = sync.OnceValue(func() map[string][]int {
		return o.namedHosts(snapshot, routes, func(file string) []string { return facts(tree, file).hosts })
	})
	return o
}

// hostNames gives the words that have the form of a host's name: labels of letters, digits and dashes with points between; the first
// may be a star. It looks at every byte of a repository, so it is no regular expression.
func hostNames(data []byte) (names []string) {
	for start := 0; start < len(data); {
		if c := data[start]; c == '-' || !inLabel(c) && c != '*' {
			start++
			continue
		}
		end, points := start+1, 0
		for end < len(data) && (inLabel(data[end]) || data[end] == '.' && end+1 < len(data) && inLabel(data[end+1])) {
			if data[end] == '.' {
				points++
			}
			end++
		}
		if points > 0 {
			names = append(names, string(data[start:end]))
		}
		start = end
	}
	return names
}

func inLabel(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-'
}

// namedHosts finds the hosts that the files of targets with routes name, patches included.
func (o *outline) namedHosts(snapshot plan.Snapshot, routes map[int]bool, hostsIn func(file string) []string) map[string][]int {
	hosts := make(map[string][]int)
	sources := snapshot.Graph.Sources()
	for at, target := range o.targets {
		if !routes[at] {
			continue
		}
		var files []string
		for _, input := range snapshot.Graph.TargetClosure(target) {
			if input.Kind == plan.File {
				files = append(files, input.Path)
			}
		}
		if target.Kind == config.Manifests { // its closure names directories
			for _, source := range sources.Of(target) {
				files = append(files, source.Path)
			}
		}
		for _, file := range files {
			for _, name := range hostsIn(file) {
				if here := hosts[name]; len(here) == 0 || here[len(here)-1] != at {
					hosts[name] = append(here, at)
				}
			}
		}
	}
	return hosts
}

// identitiesIn gives the identities of the objects in a file. Plain YAML is read by its lines, which is much cheaper than to parse
// it; what has another form is parsed.
func identitiesIn(file string, data []byte) []manifest.ID {
	var out []manifest.ID
	for _, doc := range manifest.Split(data) {
		if id, ok := identityByLines(doc.Text); ok {
			out = append(out, id)
			continue
		}
		if !bytes.Contains(doc.Text, []byte("kind")) {
			continue
		}
		objects, _ := manifest.Parse(file, doc.Text)
		for _, o := range objects {
			out = append(out, o.ID)
		}
	}
	return out
}

var (
	topLine      = regexp.MustCompile(`^(apiVersion|kind|metadata):[ \t]*(?:["']?([^"'#\s]*)["']?)?[ \t]*(?:#.*)?$`)
	metadataLine = regexp.MustCompile(`^( +)(name|namespace):[ \t]+["']?([^"'#\s{}&*!|>]+)["']?[ \t]*(?:#.*)?$`)
)

// identityByLines reads an object in the form that everybody writes; ok is false for any other.
func identityByLines(text []byte) (id manifest.ID, ok bool) {
	inMetadata, indent := false, 0
	version := ""
	for line := range bytes.Lines(text) {
		line = bytes.TrimRight(line, " \t\r\n")
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		if line[0] != ' ' {
			m := topLine.FindSubmatch(line)
			inMetadata = m != nil && string(m[1]) == "metadata"
			switch {
			case m == nil:
			case inMetadata && len(m[2]) > 0:
				return id, false // a mapping in braces, or an alias
			case string(m[1]) == "kind":
				id.Kind = string(m[2])
			case string(m[1]) == "apiVersion":
				id.Group, version = manifest.SplitAPIVersion(string(m[2]))
			default:
				indent = 0
			}
			continue
		}
		if !inMetadata {
			continue
		}
		depth := len(line) - len(bytes.TrimLeft(line, " "))
		if indent == 0 {
			indent = depth
		}
		if m := metadataLine.FindSubmatch(line); m != nil && depth == indent {
			if string(m[2]) == "name" {
				id.Name = string(m[3])
			} else {
				id.Namespace = string(m[3])
			}
		}
	}
	return id, id.Kind != "" && version != "" && id.Name != ""
}
