# METADATA
# title: No namespaces of the node
# description: >-
#   With hostNetwork, hostPID or hostIPC a pod sees the network, the processes or the shared memory of its node
#   and of the other pods there.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline
#   description: 'Pod Security Standards, baseline: Host Namespaces'
# custom:
#   rule: policy/host-namespaces
#   kinds: workloads
#   bundles: {default: error, baseline: error, restricted: error}
package sluice.host_namespaces

import data.sluice.workload

shares := {
	"hostNetwork": "the network",
	"hostPID": "the processes",
	"hostIPC": "the shared memory",
}

deny contains {"msg": msg, "path": path} if {
	some field, what in shares
	workload.spec[field] == true
	path := workload.at([], field)
	msg := sprintf("%s gives this pod %s of its node: remove it", [field, what])
}
