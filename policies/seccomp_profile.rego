# METADATA
# title: A seccomp profile is chosen
# description: >-
#   Without a profile, containers may use every system call on nodes that do not set a default.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
#   description: 'Pod Security Standards, restricted: Seccomp'
# custom:
#   rule: policy/seccomp-profile
#   kinds: workloads
#   bundles: {restricted: error}
package sluice.seccomp_profile

import data.sluice.workload

deny contains {"msg": msg, "path": path} if {
	not workload.windows
	object.get(workload.spec, ["securityContext", "seccompProfile"], null) == null
	some id, c in workload.containers
	object.get(c, ["securityContext", "seccompProfile"], null) == null
	path := workload.at(id, "securityContext.seccompProfile")
	msg := sprintf("container %q has no seccomp profile: set securityContext.seccompProfile.type to RuntimeDefault, for it or for the pod", [workload.name(c)])
}
