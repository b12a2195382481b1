// Package config turns .sluice.yaml into a typed, positioned configuration, and detects the layout of a repository without one.
package config

import "cmp"

// Kind says how a target's manifest comes about.
type Kind string

// The kinds of targets.
const (
	Kustomize Kind = "kustomize" // the directory holds a kustomization
	Manifests Kind = "manifests" // the directory holds plain manifests, which Argo CD and Flux apply as they are
)

// Target is one application in one environment.
type Target struct {
	ID          string `json:"id"`  // Dir, plus "#name" where several targets share one directory
	Dir         string `json:"dir"` // slash-separated, from the repository's root; "." for the root itself
	App         string `json:"app"`
	Environment string `json:"environment"`
	Kind        Kind   `json:"kind"`
}

// Compare orders targets by their ID.
func (t Target) Compare(other Target) int { return cmp.Compare(t.ID, other.ID) }

// NonTarget is a directory that looks like a target and is none.
type NonTarget struct {
	Dir string `json:"dir"`
	Why string `json:"why"` // "is a component", "is used by apps/shop/overlays/prod", "no environment in its path", …
}

// Layout is what a repository renders.
type Layout struct {
	Targets      []Target    // sorted by ID
	NonTargets   []NonTarget // sorted by Dir: every kustomization that is not a target, with the reason
	Environments []string    // in promotion order, lowest first; those of one stage by name
}
