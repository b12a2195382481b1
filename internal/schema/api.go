package schema

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// versionForm is a Kubernetes API version: v1, v2beta1, v1alpha3.
var versionForm = regexp.MustCompile(`^(?:.*/)?v(\d+)(?:(alpha|beta)(\d+))?$`)

// priority orders API versions as Kubernetes does: stable before beta before alpha, later before earlier.
// Source: https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definition-versioning/#version-priority
func priority(apiVersion string) int {
	m := versionForm.FindStringSubmatch(apiVersion)
	if m == nil {
		return 0
	}
	major, _ := strconv.Atoi(m[1])
	minor, _ := strconv.Atoi(m[3])
	stage := map[string]int{"": 3, "beta": 2, "alpha": 1}[m[2]]
	return stage*1_000_000 + major*1_000 + minor
}

// life says how a kind fares over the Kubernetes versions of the store, seen from one of them.
type life struct {
	served      bool
	removedIn   string // the version, at most two later, that no longer serves it; "" when it stays or is not served
	servedUntil string // where it is not served: the last older version that did
	servedSince string // where it is not served: the first newer version that does
	builtin     bool   // where it is not served: the group belongs to Kubernetes, so no custom resource can bring it
	replacement []gvk  // what serves the kind instead, best first
	similar     []gvk  // kinds of the same API version, for a kind that was never served
}

// ahead is how many later minor versions an API must still be served in not to be called deprecated.
const ahead = 2

// lifeOf looks a kind up in all versions, seen from the version at position i.
func (s *store) lifeOf(i int, g gvk) life {
	here := s.versions[i]
	_, served := here.kinds[g]
	l := life{served: served}
	if served {
		for _, later := range s.versions[i+1 : min(i+1+ahead, len(s.versions))] {
			if _, still := later.kinds[g]; !still {
				l.removedIn = later.name
				l.replacement = replacements(later, g)
				return l
			}
		}
		return l
	}
	for _, older := range s.versions[:i] {
		if _, ok := older.kinds[g]; ok {
			l.servedUntil = older.name
		}
	}
	for _, newer := range slices.Backward(s.versions[i+1:]) {
		if _, ok := newer.kinds[g]; ok {
			l.servedSince = newer.name
		}
	}
	l.builtin = s.ownsGroup(g.group())
	if l.builtin {
		l.replacement = replacements(here, g)
		l.similar = here.sorted(func(other gvk) bool { return other.apiVersion == g.apiVersion })
	}
	return l
}

// ownsGroup reports whether an API group belongs to Kubernetes itself: it serves it in some version, or the group has
// no dot, which the API server refuses to a CustomResourceDefinition.
func (s *store) ownsGroup(group string) bool {
	return !strings.Contains(group, ".") || slices.ContainsFunc(s.versions, func(r *release) bool { return r.groups[group] })
}

// replacements gives what a release serves under the name of a kind: first in the same group, then elsewhere
// (extensions/v1beta1 Ingress moved to networking.k8s.io).
func replacements(r *release, g gvk) []gvk {
	same := r.sorted(func(other gvk) bool { return other.kind == g.kind && other.group() == g.group() })
	if len(same) > 0 {
		return same
	}
	return r.sorted(func(other gvk) bool { return other.kind == g.kind })
}

// advice tells what to use instead.
func (l life) advice() string {
	if len(l.replacement) == 0 {
		return ""
	}
	return fmt.Sprintf("; use %s", l.replacement[0].apiVersion)
}
