# METADATA
# title: No capabilities beyond the default
# description: >-
#   Capabilities such as SYS_ADMIN or NET_RAW give a container rights over its node or its neighbours.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline
#   description: 'Pod Security Standards, baseline: Capabilities'
# custom:
#   rule: policy/added-capabilities
#   kinds: workloads
#   bundles: {default: warning, baseline: error, restricted: error}
package sluice.added_capabilities

import data.sluice.workload

# The default set of container runtimes without NET_RAW.
allowed := {
	"AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP",
	"SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
}

deny contains {"msg": msg, "path": path} if {
	some id, c in workload.containers
	some i, capability in c.securityContext.capabilities.add
	not capability in allowed
	path := workload.at(id, sprintf("securityContext.capabilities.add[%d]", [i]))
	msg := sprintf("container %q adds the capability %v: remove it, or run it where the platform allows that", [workload.name(c), capability])
}
