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
#   bundles: {default: warning}
package sluice.resources

import data.sluice.workload

deny contains {"msg": msg, "path": path} if {
	some c in workload.containers
	c.list != "ephemeralContainers" # they cannot have resources
	missing := [what |
		some what, fields in {
			"requests.cpu": [["requests", "cpu"], ["limits", "cpu"]],
			"requests.memory": [["requests", "memory"], ["limits", "memory"]],
			"limits.memory": [["limits", "memory"]],
		}
		not any_set(c, fields)
	]
	count(missing) > 0
	path := sprintf("%s.resources", [c.path])
	msg := sprintf("container %q has no %s: set them under resources", [c.name, concat(", ", sort(missing))])
}

any_set(c, fields) if {
	some field in fields
	some owner in [c.spec, workload.spec] # the container, or the whole pod
	is_object(owner.resources)
	not object.get(owner.resources, field, null) in {null, ""}
}
