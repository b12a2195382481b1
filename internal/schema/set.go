package schema

import (
	"fmt"
	"slices"
	"strings"
	"sync"
)

// Set is the schemas of several Kubernetes versions. It is safe for concurrent use.
type Set struct {
	store     *store
	compilers []*compiler // one for each version of the store

	definitions sync.Map // parsed definitions, by what they were parsed from
}

// Kubernetes gives the schemas that are inside the binary. They are decoded once (some 4 ms); an error means that the
// program was built wrongly.
var Kubernetes = sync.OnceValues(func() (*Set, error) { return newSet(kubernetes) })

func newSet(compressed []byte) (*Set, error) {
	store, err := readStore(compressed)
	if err != nil {
		return nil, err
	}
	s := &Set{store: store}
	for _, r := range store.versions {
		s.compilers = append(s.compilers, newCompiler(r))
	}
	return s, nil
}

// Versions lists the Kubernetes minor versions, oldest first: "1.28", …
func (s *Set) Versions() []string {
	var names []string
	for _, r := range s.store.versions {
		names = append(names, r.name)
	}
	return names
}

// Version resolves what a configuration says of its Kubernetes version: "1.33", "v1.33", "1.33.4" and "v1.33.4" are
// "1.33", and "" is the newest. An error names the versions there are.
func (s *Set) Version(text string) (string, error) {
	if text == "" {
		return s.store.versions[len(s.store.versions)-1].name, nil
	}
	parts := strings.SplitN(strings.TrimPrefix(text, "v"), ".", 3)
	if len(parts) >= 2 {
		if minor := parts[0] + "." + parts[1]; slices.Contains(s.Versions(), minor) {
			return minor, nil
		}
	}
	names := s.Versions()
	return "", fmt.Errorf("there are no schemas for Kubernetes %q: the versions known are %s to %s", text, names[0], names[len(names)-1])
}
