# METADATA
# title: Containers say what they need
# description: >-
#   The scheduler places pods by their requests. Without a memory limit one leaking container takes the node down
#   with it. (A limit counts as the request of the same resource; CPU limits are left to taste.)
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/
#   description: 'Kubernetes, Resource Management for Pods and Containers'
# custom:
#   rule: policy/resources
#   kinds: workloads
#   bundles: {default: warning, practice: warning}
package sluice.resources

import data.sluice.workload

deny contains {"msg": msg, "path": path} if {
	not enough(object.get(workload.spec, "resources", {})) # of the whole pod
	some id, c in workload.containers
	id[0] != "ephemeralContainers" # they cannot have resources
	resources := object.get(c, "resources", {})
	not enough(resources)
	path := workload.at(id, "resources")
	msg := sprintf("container %q has no %s: set them under resources", [workload.name(c), concat(", ", missing(resources))])
}

enough(resources) if {
	resources.limits.memory != null
	some kind in ["requests", "limits"]
	resources[kind].cpu != null
}

missing(resources) := sort([what |
	some what, given in {
		"requests.cpu": [["requests", "cpu"], ["limits", "cpu"]],
		"requests.memory": [["requests", "memory"], ["limits", "memory"]],
		"limits.memory": [["limits", "memory"]],
	}
	not any_set(resources, given)
])

any_set(resources, fields) if {
	some field in fields
	resources[field[0]][field[1]] != null
}
