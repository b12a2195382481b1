package lint

import (
	"fmt"

	"github.com/sluice-dev/sluice/internal/diff"
	"github.com/sluice-dev/sluice/internal/finding"
)

var serviceExposed = Rule{
	ID: "lint/service-exposed", Title: "A Service opens to the outside", Severity: finding.Warning,
	Description: "A Service of type LoadBalancer gets an address outside of the cluster, one of type NodePort a port on every node, past any Ingress and its rules. " +
		"Keep ClusterIP and use an Ingress or a Gateway, where that is not what is meant.",
	Sources: []string{"https://kubernetes.io/docs/concepts/services-networking/service/#publishing-services-service-types"},
	check: func(l *linter) {
		head := l.change.Head
		if !is(head, "", "Service") {
			return
		}
		was, is := text(at(l.change.Base, "spec"), "type"), text(at(head, "spec"), "type")
		where := map[string]string{"LoadBalancer": "an address outside of the cluster", "NodePort": "a port on every node"}[is]
		if where != "" && was != is && was != "LoadBalancer" {
			l.report(head, "spec.type", "the Service becomes a %s: it gets %s", is, where)
		}
	},
}

var scaledToZero = Rule{
	ID: "lint/scaled-to-zero", Title: "A workload stops", Severity: finding.Warning,
	Description: "A workload that ran has no replicas any more.",
	Sources:     []string{"https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#scaling-a-deployment"},
	check: func(l *linter) {
		base, head, ok := l.existing()
		if !ok || podPath(head) == nil {
			return
		}
		was, is := at(base, "spec", "replicas"), at(head, "spec", "replicas")
		if is != nil && fmt.Sprint(is) == "0" && (was == nil || fmt.Sprint(was) != "0") {
			l.report(head, "spec.replicas", "the %s is scaled to 0: it stops", head.ID.Kind)
		}
	},
}

var majorVersion = Rule{
	ID: "lint/major-version", Title: "An image jumps to another major version", Severity: finding.Warning,
	Description: "A new major version may break what uses it, or change stored data for good. Read its notes on upgrading. " +
		"Tags are read as versions where they look like one (`v1.2.3`, `15-alpine`); dates and build numbers are not.",
	Sources: []string{"https://semver.org/#spec-item-8"},
	check: func(l *linter) {
		for _, i := range l.images() {
			if i.is.major > i.was.major {
				l.report(l.change.Head, i.path, "%s jumps from version %s to %s: read its notes on upgrading", i.repository, i.was.text, i.is.text)
			}
		}
	},
}

var imageDowngrade = Rule{
	ID: "lint/image-downgrade", Title: "An image goes back to an older version", Severity: finding.Notice,
	Description: "The new tag is an older version than the one before. That is what a rollback looks like, and what a mistaken merge looks like.",
	Sources:     []string{"https://semver.org/#spec-item-11"},
	check: func(l *linter) {
		for _, i := range l.images() {
			if i.is.less(i.was) {
				l.report(l.change.Head, i.path, "%s goes back from version %s to %s", i.repository, i.was.text, i.is.text)
			}
		}
	},
}

// upgrade is one container's image that changes from a version to another.
type upgrade struct {
	path       string
	repository string
	was, is    version
}

// images gives the images that stay the same program and change their version.
func (l *linter) images() []upgrade {
	if l.change.Base == nil || l.change.Head == nil {
		return nil
	}
	paths := make(map[string]string)
	for _, c := range podOf(l.change.Head).containers() {
		paths[c.name] = c.path + ".image"
	}
	var out []upgrade
	for _, i := range diff.EffectOf(l.change).Images {
		repository, was := splitImage(i.Old)
		other, is := splitImage(i.New)
		before, ok := parseVersion(was)
		after, ok2 := parseVersion(is)
		if repository == other && ok && ok2 {
			out = append(out, upgrade{paths[i.Container], fmt.Sprintf("%q", repository), before, after})
		}
	}
	return out
}
