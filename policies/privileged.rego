# METADATA
# title: No privileged containers
# description: >-
#   A privileged container has all devices and capabilities of its node: whoever breaks into it owns the node.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline
#   description: 'Pod Security Standards, baseline: Privileged Containers'
# custom:
#   rule: policy/privileged
#   kinds: workloads
#   bundles: {default: error, baseline: error, restricted: error}
package sluice.privileged

import data.sluice.workload

deny contains {"msg": msg, "path": path} if {
	some id, c in workload.containers
	c.securityContext.privileged == true
	path := workload.at(id, "securityContext.privileged")
	msg := sprintf("container %q runs privileged, with all rights on its node: remove it, and add single capabilities if it needs some", [workload.name(c)])
}
