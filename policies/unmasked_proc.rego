# METADATA
# title: /proc stays masked in user namespaces too
# description: >-
#   The restricted level does not allow an unmasked /proc, not even in a user namespace. (The rule policy/proc-
#   mount has the other cases.)
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
#   description: 'Pod Security Standards, restricted: /proc Mount Type'
# custom:
#   rule: policy/unmasked-proc
#   kinds: workloads
#   bundles: {restricted: error}
package sluice.unmasked_proc

import data.sluice.proc_mount
import data.sluice.workload

deny contains {"msg": msg, "path": path} if {
	proc_mount.relaxed
	some id, c in workload.containers
	not c.securityContext.procMount in {"Default", null}
	value := c.securityContext.procMount
	path := workload.at(id, "securityContext.procMount")
	msg := sprintf("container %q mounts /proc as %v: remove procMount", [workload.name(c), value])
}
