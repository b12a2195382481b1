package config

import (
	"maps"
	"slices"
)

// Rehearse says whether changes are applied to a real API server before they are merged, and to which. In the file it is a mapping, or
// the name of a provider alone.
type Rehearse struct {
	Provider     RehearseProvider                `yaml:"provider" doc:"Where the rehearsal runs: in a throw-away cluster that kind makes, on a kube-apiserver that sluice starts, or as a dry-run in the cluster of the kubeconfig. Without it, there is none."`
	Image        NodeImage                       `yaml:"image" doc:"The node image of kind clusters, best with its digest. Default: the one that is pinned for the environment's Kubernetes version."`
	Contexts     map[EnvironmentName]ContextName `yaml:"contexts" doc:"The context of the kubeconfig for each environment. Default: the current one."`
	Environments []EnvironmentName               `yaml:"environments" doc:"The environments that are rehearsed. Default: all."`
	Timeout      Duration                        `yaml:"timeout" doc:"How long the rehearsal of one environment may take, the start of its API server included."`
}

// short implements shortened.
func (Rehearse) short() string { return "provider" }

// RehearseProvider says where changes are rehearsed.
type RehearseProvider string

// Where changes are rehearsed.
const (
	RehearseKind       RehearseProvider = "kind"       // a throw-away cluster in a container
	RehearseEnvtest    RehearseProvider = "envtest"    // a throw-away API server on this machine
	RehearseKubeconfig RehearseProvider = "kubeconfig" // an existing cluster, dry-run only
)

// NodeImage is the image of a kind node.
type NodeImage string

// ContextName is a context of a kubeconfig.
type ContextName string

func (RehearseProvider) shape() shape {
	return shape{enum: []string{string(RehearseKind), string(RehearseEnvtest), string(RehearseKubeconfig)}}
}

func (NodeImage) shape() shape {
	return shape{
		what:    "a container image, such as kindest/node:v1.37.0@sha256:...",
		pattern: `^[a-z0-9]([a-z0-9._/:-]*[a-z0-9])?(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@sha256:[0-9a-f]{64})?$`,
	}
}

func (ContextName) shape() shape {
	return shape{what: "the name of a context", pattern: `^[^\s-]\S*$`}
}

// checkRehearsal reports environments that there are not, and keys that the provider does not use.
func (d *decoder) checkRehearsal(c *Config, known []string) {
	for i, name := range c.Rehearse.Environments {
		d.checkKnown(string(name), known, c.Pos("rehearse", "environments", i))
	}
	for _, name := range slices.Sorted(maps.Keys(c.Rehearse.Contexts)) {
		d.checkKnown(string(name), known, c.Pos("rehearse", "contexts", name))
	}
	switch provider := c.Rehearse.Provider; {
	case provider == "": // the command line may name one
	case provider != RehearseKubeconfig && c.Rehearse.Contexts != nil:
		d.report(c.Pos("rehearse", "contexts"), "config/value", "contexts are those of the provider kubeconfig, not of %s: remove them, or choose it", provider)
	case provider != RehearseKind && c.Rehearse.Image != "":
		d.report(c.Pos("rehearse", "image"), "config/value", "image is that of the provider kind, not of %s: remove it, or choose it", provider)
	}
}

// Rehearses reports whether changes of an environment are rehearsed.
func (c *Config) Rehearses(environment string) bool {
	return c.Rehearse.Environments == nil || slices.Contains(c.Rehearse.Environments, EnvironmentName(environment))
}
