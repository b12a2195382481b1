# METADATA
# title: No privileged containers
# description: >-
#   A privileged container has all devices and capabilities of its node: whoever breaks into it owns the node.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline
#   description: 'Pod Security Standards, baseline: Privileged Containers'
# custom:
#   rule: policy/privileged
#   bundles: {default: error, baseline: error, restricted: error}
package sluice.privileged

import data.sluice.workload

deny contains {"msg": msg, "path": path} if {
	some c in workload.containers
	c.spec.securityContext.privileged == true
	path := sprintf("%s.securityContext.privileged", [c.path])
	msg := sprintf("container %q runs privileged, with all rights on its node: remove it, and add single capabilities if it needs some", [c.name])
}
