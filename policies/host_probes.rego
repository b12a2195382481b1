# METADATA
# title: No probes of other hosts
# description: >-
#   The kubelet sends probes and lifecycle requests from the node's network. A host other than the pod turns them
#   into requests to places that the pod's author chooses. Kubernetes 1.34 and newer.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline
#   description: 'Pod Security Standards, baseline: Host Probes / Lifecycle Hooks'
# custom:
#   rule: policy/host-probes
#   bundles: {default: warning, baseline: error, restricted: error}
package sluice.host_probes

import data.sluice.workload

deny contains {"msg": msg, "path": path} if {
	workload.kubernetes >= 34
	some c in workload.containers
	some field in [
		["livenessProbe"], ["readinessProbe"], ["startupProbe"],
		["lifecycle", "postStart"], ["lifecycle", "preStop"],
	]
	some action in ["httpGet", "tcpSocket"]
	host := object.get(c.spec, array.concat(field, [action, "host"]), "")
	not host in {"", null}
	path := sprintf("%s.%s.%s.host", [c.path, concat(".", field), action])
	msg := sprintf("container %q has its node call %v: remove host, so that the pod itself is called", [c.name, host])
}
