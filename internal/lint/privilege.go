package lint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice/internal/finding"
	"github.com/sluice-dev/sluice/internal/manifest"
)

const rbacGroup = "rbac.authorization.k8s.io"

var clusterAdmin = Rule{
	ID: "lint/cluster-admin", Title: "Somebody becomes administrator", Severity: finding.Warning,
	Description: "A binding gives `cluster-admin`: everything in the cluster (ClusterRoleBinding) or in a namespace (RoleBinding), Secrets included. Give a role with what is needed.",
	Sources:     []string{"https://kubernetes.io/docs/reference/access-authn-authz/rbac/#user-facing-roles"},
	check: func(l *linter) {
		base, head := l.change.Base, l.change.Head
		if !is(head, rbacGroup, "ClusterRoleBinding") && !is(head, rbacGroup, "RoleBinding") || !givesAdmin(head) {
			return
		}
		had := make(map[string]bool)
		if base != nil && givesAdmin(base) {
			for _, subject := range list(base.Value(), "subjects") {
				had[subjectName(subject)] = true
			}
		}
		var fresh []string
		for _, subject := range list(head.Value(), "subjects") {
			if name := subjectName(subject); !had[name] {
				fresh = append(fresh, fmt.Sprintf("%q", name))
			}
		}
		if len(fresh) > 0 {
			l.report(head, "subjects", "%s gets cluster-admin, with all rights in the %s: bind a role that has what is needed",
				strings.Join(fresh, ", "), map[bool]string{true: "cluster", false: "namespace"}[head.ID.Kind == "ClusterRoleBinding"])
		}
	},
}

func givesAdmin(binding *manifest.Object) bool {
	return text(at(binding, "roleRef"), "kind") == "ClusterRole" && text(at(binding, "roleRef"), "name") == "cluster-admin"
}

func subjectName(subject map[string]any) string {
	name := text(subject, "name")
	if namespace := text(subject, "namespace"); namespace != "" {
		name = namespace + "/" + name
	}
	return strings.TrimSpace(text(subject, "kind") + " " + name)
}

var wildcardRole = Rule{
	ID: "lint/wildcard-role", Title: "A role gains all rights", Severity: finding.Warning,
	Description: "A Role or ClusterRole gets a rule that allows every verb on every resource of every group: whoever it is bound to is an administrator. Name what is needed.",
	Sources:     []string{"https://kubernetes.io/docs/concepts/security/rbac-good-practices/#least-privilege"},
	check: func(l *linter) {
		base, head := l.change.Base, l.change.Head
		if is(head, rbacGroup, "Role") || is(head, rbacGroup, "ClusterRole") {
			if allowsAll(head) && (base == nil || !allowsAll(base)) {
				l.report(head, "rules", "a rule allows every verb on every resource: name the verbs and resources that are needed")
			}
		}
	},
}

func allowsAll(role *manifest.Object) bool {
	return slices.ContainsFunc(list(role.Value(), "rules"), func(rule map[string]any) bool {
		for _, field := range []string{"apiGroups", "resources", "verbs"} {
			if !slices.Contains(words(rule, field), "*") {
				return false
			}
		}
		return true
	})
}

var privileged = Rule{
	ID: "lint/privileged", Title: "A container becomes privileged", Severity: finding.Warning,
	Description: "A privileged container has all rights over its node, and so over every pod there. Where a policy finds the same, its finding stands for this one.",
	Sources:     []string{"https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline"},
	check: func(l *linter) {
		base, head := podOf(l.change.Base), podOf(l.change.Head)
		for _, c := range head.containers() {
			if on, _ := below(c.fields, "securityContext", "privileged").(bool); !on {
				continue
			}
			if was, _ := below(base.container(c), "securityContext", "privileged").(bool); !was {
				l.report(l.change.Head, c.path+".securityContext.privileged", "container %q becomes privileged: it has all rights over its node", c.name)
			}
		}
	},
}

var hostAccess = Rule{
	ID: "lint/host-access", Title: "A pod gains access to its node", Severity: finding.Warning,
	Description: "`hostNetwork`, `hostPID`, `hostIPC`, a `hostPath` volume or a `hostPort` reach what belongs to the node and to other pods. Where a policy finds the same, its finding stands for this one.",
	Sources:     []string{"https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline"},
	check: func(l *linter) {
		base, head := podOf(l.change.Base), podOf(l.change.Head)
		for _, field := range []string{"hostNetwork", "hostPID", "hostIPC"} {
			was, _ := below(base.spec, field).(bool)
			if on, _ := below(head.spec, field).(bool); on && !was {
				l.report(l.change.Head, head.path+"."+field, "the pod gains %s: it sees what belongs to the node and to other pods", field)
			}
		}
		had := make(map[string]bool)
		for _, volume := range list(base.spec, "volumes") {
			had[text(volume, "hostPath", "path")] = true
		}
		for _, volume := range list(head.spec, "volumes") {
			if path := text(volume, "hostPath", "path"); path != "" && !had[path] {
				l.report(l.change.Head, fmt.Sprintf("%s.volumes[name=%s].hostPath", head.path, text(volume, "name")), "the pod gains the node's directory %q", path)
			}
		}
		for _, c := range head.containers() {
			before := hostPorts(base.container(c))
			for _, port := range hostPorts(c.fields) {
				if !slices.Contains(before, port) {
					l.report(l.change.Head, c.path+".ports", "container %q takes port %s of the node", c.name, port)
				}
			}
		}
	},
}

func hostPorts(container map[string]any) []string {
	var out []string
	for _, port := range list(container, "ports") {
		if number := port["hostPort"]; number != nil && fmt.Sprint(number) != "0" {
			out = append(out, fmt.Sprint(number))
		}
	}
	return out
}

// pod is the pod specification of an object; its zero value has no containers.
type pod struct {
	path string
	spec any
}

func podOf(o *manifest.Object) pod {
	steps := podPath(o)
	if steps == nil {
		return pod{}
	}
	return pod{strings.Join(steps, "."), at(o, steps...)}
}

// container is one of a pod's containers.
type container struct {
	list, name, path string
	fields           map[string]any
}

func (p pod) containers() []container {
	var out []container
	for _, field := range []string{"containers", "initContainers", "ephemeralContainers"} {
		for _, fields := range list(p.spec, field) {
			name := text(fields, "name")
			out = append(out, container{field, name, fmt.Sprintf("%s.%s[name=%s]", p.path, field, name), fields})
		}
	}
	return out
}

// container gives the fields of the container that has the place of another; nil where there is none.
func (p pod) container(like container) map[string]any {
	for _, c := range p.containers() {
		if c.list == like.list && c.name == like.name {
			return c.fields
		}
	}
	return nil
}
