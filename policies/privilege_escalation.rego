# METADATA
# title: No privilege escalation
# description: >-
#   Without allowPrivilegeEscalation false, a program with the set-user-ID bit can gain rights that its container
#   did not start with.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
#   description: 'Pod Security Standards, restricted: Privilege Escalation'
# custom:
#   rule: policy/privilege-escalation
#   kinds: workloads
#   bundles: {restricted: error}
package sluice.privilege_escalation

import data.sluice.workload

deny contains {"msg": msg, "path": path} if {
	not workload.windows
	some id, c in workload.containers
	not c.securityContext.allowPrivilegeEscalation == false
	path := workload.at(id, "securityContext.allowPrivilegeEscalation")
	msg := sprintf("container %q may gain privileges while it runs: set securityContext.allowPrivilegeEscalation to false", [workload.name(c)])
}
