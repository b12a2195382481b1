# METADATA
# title: No user 0
# description: >-
#   A container that asks for user 0 runs as root.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
#   description: 'Pod Security Standards, restricted: Running as Non-root user'
# custom:
#   rule: policy/run-as-user
#   kinds: workloads
#   bundles: {restricted: error}
package sluice.run_as_user

import data.sluice.workload

deny contains {"msg": msg, "path": path} if {
	not relaxed
	some id, context in workload.contexts
	context.runAsUser == 0
	path := workload.at(id, "securityContext.runAsUser")
	msg := sprintf("%s runs as user 0, which is root: use another user", [workload.who(id)])
}

# Kubernetes 1.35: root in a user namespace of the pod's own is nobody on the node.
relaxed if {
	workload.kubernetes >= 35
	workload.user_namespace
}
