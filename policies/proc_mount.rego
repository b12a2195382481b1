# METADATA
# title: /proc stays masked
# description: >-
#   The container runtime hides the parts of /proc that tell about the node. An unmasked /proc is for pods in a
#   user namespace of their own (hostUsers false, Kubernetes 1.35 and newer).
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline
#   description: 'Pod Security Standards, baseline: /proc Mount Type'
# custom:
#   rule: policy/proc-mount
#   kinds: workloads
#   bundles: {default: warning, baseline: error, restricted: error}
package sluice.proc_mount

import data.sluice.workload

deny contains {"msg": msg, "path": path} if {
	not relaxed
	some id, c in workload.containers
	not c.securityContext.procMount in {"Default", null}
	value := c.securityContext.procMount
	path := workload.at(id, "securityContext.procMount")
	msg := sprintf("container %q mounts /proc as %v: remove procMount", [workload.name(c), value])
}

relaxed if {
	workload.kubernetes >= 35
	workload.user_namespace
}
