# METADATA
# title: SELinux keeps its types
# description: >-
#   SELinux separates containers by type. Another type, user or role than the container runtime's may see more.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline
#   description: 'Pod Security Standards, baseline: SELinux'
# custom:
#   rule: policy/selinux
#   bundles: {default: warning, baseline: error, restricted: error}
package sluice.selinux

import data.sluice.workload

types contains type if some type in ["", "container_t", "container_init_t", "container_kvm_t"]

types contains "container_engine_t" if workload.kubernetes >= 31

deny contains {"msg": msg, "path": path} if {
	some context in workload.contexts
	type := context.spec.seLinuxOptions.type
	not type in types
	path := sprintf("%s.seLinuxOptions.type", [context.path])
	msg := sprintf("%s sets the SELinux type %v: use one of the container types, or none", [context.who, type])
}

deny contains {"msg": msg, "path": path} if {
	some context in workload.contexts
	some field in ["user", "role"]
	not context.spec.seLinuxOptions[field] in {"", null}
	value := context.spec.seLinuxOptions[field]
	path := sprintf("%s.seLinuxOptions.%s", [context.path, field])
	msg := sprintf("%s sets the SELinux %s %v: remove it", [context.who, field, value])
}
