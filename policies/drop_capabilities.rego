# METADATA
# title: All capabilities are dropped
# description: >-
#   Few programs need any of the capabilities that a container starts with. One may be added back:
#   NET_BIND_SERVICE. (Those beyond the default set have a rule of their own.)
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
#   description: 'Pod Security Standards, restricted: Capabilities'
# custom:
#   rule: policy/drop-capabilities
#   kinds: workloads
#   bundles: {restricted: error}
package sluice.drop_capabilities

import data.sluice.added_capabilities
import data.sluice.workload

deny contains {"msg": msg, "path": path} if {
	not workload.windows
	some id, c in workload.containers
	not "ALL" in object.get(c, ["securityContext", "capabilities", "drop"], [])
	path := workload.at(id, "securityContext.capabilities.drop")
	msg := sprintf("container %q keeps the default capabilities: set securityContext.capabilities.drop to [ALL]", [workload.name(c)])
}

deny contains {"msg": msg, "path": path} if {
	not workload.windows
	some id, c in workload.containers
	some i, capability in c.securityContext.capabilities.add
	capability != "NET_BIND_SERVICE"
	capability in added_capabilities.allowed
	path := workload.at(id, sprintf("securityContext.capabilities.add[%d]", [i]))
	msg := sprintf("container %q adds the capability %s: remove it", [workload.name(c), capability])
}
