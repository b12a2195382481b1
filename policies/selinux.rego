# METADATA
# title: SELinux keeps its types
# description: >-
#   SELinux separates containers by type. Another type, user or role than the container runtime's may see more.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline
#   description: 'Pod Security Standards, baseline: SELinux'
# custom:
#   rule: policy/selinux
#   kinds: workloads
#   bundles: {default: warning, baseline: error, restricted: error}
package sluice.selinux

import data.sluice.workload

types contains type if some type in ["", "container_t", "container_init_t", "container_kvm_t"]

types contains "container_engine_t" if workload.kubernetes >= 31

deny contains {"msg": msg, "path": path} if {
	some id, context in workload.contexts
	type := context.seLinuxOptions.type
	not type in types
	path := workload.at(id, "securityContext.seLinuxOptions.type")
	msg := sprintf("%s sets the SELinux type %v: use one of the container types, or none", [workload.who(id), type])
}

deny contains {"msg": msg, "path": path} if {
	some id, context in workload.contexts
	some field in ["user", "role"]
	not context.seLinuxOptions[field] in {"", null}
	value := context.seLinuxOptions[field]
	path := workload.at(id, sprintf("securityContext.seLinuxOptions.%s", [field]))
	msg := sprintf("%s sets the SELinux %s %v: remove it", [workload.who(id), field, value])
}
