# METADATA
# title: Seccomp stays on
# description: >-
#   Seccomp keeps containers from rarely used system calls, where kernels have their holes. A profile may be
#   chosen, but not switched off.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline
#   description: 'Pod Security Standards, baseline: Seccomp'
# custom:
#   rule: policy/seccomp
#   kinds: workloads
#   bundles: {default: warning, baseline: error, restricted: error}
package sluice.seccomp

import data.sluice.workload

deny contains {"msg": msg, "path": path} if {
	some id, context in workload.contexts
	profile := context.seccompProfile
	is_object(profile)
	type := object.get(profile, "type", "")
	not type in {"RuntimeDefault", "Localhost"}
	path := workload.at(id, "securityContext.seccompProfile.type")
	msg := sprintf("%s sets the seccomp profile %q: use RuntimeDefault or Localhost", [workload.who(id), type])
}
