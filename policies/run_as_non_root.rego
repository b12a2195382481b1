# METADATA
# title: Containers do not run as root
# description: >-
#   Root in a container is root on the node as soon as the container's walls have a hole. With runAsNonRoot the
#   kubelet refuses to start an image that would run as root.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
#   description: 'Pod Security Standards, restricted: Running as Non-root'
# custom:
#   rule: policy/run-as-non-root
#   kinds: workloads
#   bundles: {default: warning, restricted: error}
package sluice.run_as_non_root

import data.sluice.workload

# The pod says false itself.
deny contains {"msg": msg, "path": path} if {
	not relaxed
	workload.spec.securityContext.runAsNonRoot == false
	path := workload.at([], "securityContext.runAsNonRoot")
	msg := "the pod allows its containers to run as root: set securityContext.runAsNonRoot to true"
}

deny contains {"msg": msg, "path": path} if {
	not relaxed
	some id, c in workload.containers
	c.securityContext.runAsNonRoot == false
	path := workload.at(id, "securityContext.runAsNonRoot")
	msg := sprintf("container %q may run as root: set securityContext.runAsNonRoot to true", [workload.name(c)])
}

# Neither the container nor the pod says anything.
deny contains {"msg": msg, "path": path} if {
	not relaxed
	object.get(workload.spec, ["securityContext", "runAsNonRoot"], null) == null
	some id, c in workload.containers
	object.get(c, ["securityContext", "runAsNonRoot"], null) == null
	path := workload.at(id, "securityContext.runAsNonRoot")
	msg := sprintf("container %q may run as root: set securityContext.runAsNonRoot to true, for it or for the pod", [workload.name(c)])
}

# Kubernetes 1.35: root in a user namespace of the pod's own is nobody on the node.
relaxed if {
	workload.kubernetes >= 35
	workload.user_namespace
}
