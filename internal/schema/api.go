package schema

import (
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
	builtin     bool   // where it is not served: no CustomResourceDefinition can bring it
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
	l.builtin = s.ownsGroup(g.group()) || !strings.Contains(g.group(), ".")
	if l.builtin {
		l.replacement = replacements(here, g)
		l.similar = here.sorted(func(other gvk) bool { return other.apiVersion == g.apiVersion })
	}
	return l
}

// ownsGroup reports whether Kubernetes itself serves an API group, in any version. Besides these no group without a
// dot can exist: the API server refuses such a CustomResourceDefinition.
func (s *store) ownsGroup(group string) bool {
	return slices.ContainsFunc(s.versions, func(r *release) bool { return r.groups[group] })
}

// replacements gives what a release serves under the name of a kind: in the same group, else in another one
// (extensions/v1beta1 Ingress moved to networking.k8s.io), else whatever the case of its letters.
func replacements(r *release, g gvk) []gvk {
	for _, keep := range []func(gvk) bool{
		func(other gvk) bool { return other.kind == g.kind && other.group() == g.group() },
		func(other gvk) bool { return other.kind == g.kind },
		func(other gvk) bool { return strings.EqualFold(other.kind, g.kind) },
	} {
		if found := r.sorted(keep); len(found) > 0 {
			return found
		}
	}
	return nil
}

// advice tells what to use instead of a kind.
func (l life) advice(g gvk) string {
	switch {
	case len(l.replacement) == 0:
		return ""
	case l.replacement[0].kind == g.kind:
		return "; use " + l.replacement[0].apiVersion
	default:
		return "; use " + l.replacement[0].String()
	}
}
