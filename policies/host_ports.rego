# METADATA
# title: No ports of the node
# description: >-
#   A hostPort takes a port of the node: one such pod fits on each node, and it can be reached past services and
#   network policies.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline
#   description: 'Pod Security Standards, baseline: Host Ports'
# custom:
#   rule: policy/host-ports
#   kinds: workloads
#   bundles: {default: warning, baseline: error, restricted: error}
package sluice.host_ports

import data.sluice.workload

deny contains {"msg": msg, "path": path} if {
	some id, c in workload.containers
	some i, port in c.ports
	is_object(port)
	not object.get(port, "hostPort", null) in {0, null}
	path := workload.at(id, sprintf("ports%s.hostPort", [workload.key(i, port)]))
	msg := sprintf("container %q takes port %v of its node: use a Service", [workload.name(c), port.hostPort])
}
