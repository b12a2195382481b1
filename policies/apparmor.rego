# METADATA
# title: AppArmor stays on
# description: >-
#   AppArmor confines what a process may touch. A profile may be chosen, but not switched off.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline
#   description: 'Pod Security Standards, baseline: AppArmor'
# custom:
#   rule: policy/apparmor
#   kinds: workloads
#   bundles: {default: warning, baseline: error, restricted: error}
package sluice.apparmor

import data.sluice.workload

deny contains {"msg": msg, "path": path} if {
	some id, context in workload.contexts
	profile := context.appArmorProfile
	is_object(profile)
	type := object.get(profile, "type", "")
	not type in {"RuntimeDefault", "Localhost"}
	path := workload.at(id, "securityContext.appArmorProfile.type")
	msg := sprintf("%s sets the AppArmor profile %q: use RuntimeDefault or Localhost", [workload.who(id), type])
}

deny contains {"msg": msg, "path": path} if {
	some key, value in workload.template.pod.metadata.annotations
	is_string(key) # not a list
	is_string(value)
	startswith(key, "container.apparmor.security.beta.kubernetes.io/")
	not value in {"", "runtime/default"}
	not startswith(value, "localhost/")
	path := sprintf("%smetadata.annotations[%s]", [workload.template.path, key])
	msg := sprintf("the annotation %s sets the AppArmor profile %q: use runtime/default or localhost/…", [key, value])
}
