# METADATA
# title: No host process containers
# description: >-
#   A Windows host process container runs as a process of the node, with its rights.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline
#   description: 'Pod Security Standards, baseline: HostProcess'
# custom:
#   rule: policy/windows-host-process
#   kinds: workloads
#   bundles: {default: error, baseline: error, restricted: error}
package sluice.windows_host_process

import data.sluice.workload

deny contains {"msg": msg, "path": path} if {
	some id, context in workload.contexts
	context.windowsOptions.hostProcess == true
	path := workload.at(id, "securityContext.windowsOptions.hostProcess")
	msg := sprintf("%s runs as a process of its Windows node: remove hostProcess", [workload.who(id)])
}
