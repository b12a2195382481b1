package config

import (
	"flag"
	"testing/fstest"
)

// Update says that tests write what they expect.
var Update = flag.Bool("update", false, "write the expected output")

var update = Update

// fixture is a small tree for tests that need any.
func fixture() fstest.MapFS {
	return fstest.MapFS{
		"apps/shop/overlays/dev/app.yaml":  {Data: []byte("apiVersion: v1\nkind: Service\n")},
		"apps/shop/overlays/prod/app.yaml": {Data: []byte("apiVersion: v1\nkind: Service\n")},
	}
}

// noReferences is the graph of a tree without kustomizations.
type noReferences struct{}

func (noReferences) Kustomizations() []string { return nil }
func (noReferences) Component(string) bool    { return false }
func (noReferences) Template(string) bool     { return false }
func (noReferences) UsedBy(string) []string   { return nil }
func (noReferences) Bases(string) []string    { return nil }
