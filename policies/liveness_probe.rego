# METADATA
# title: Servers are restarted when they hang
# description: >-
#   Without a liveness probe a process that hangs stays until somebody notices. Not every program needs one, so
#   this is a notice.
# related_resources:
# - ref: https://kubernetes.io/docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/
#   description: 'Kubernetes, Configure Liveness, Readiness and Startup Probes'
# custom:
#   rule: policy/liveness-probe
#   kinds: workloads
#   bundles: {default: notice, practice: warning}
package sluice.liveness_probe

import data.sluice.workload

deny contains {"msg": msg, "path": path} if {
	workload.serves
	some id, c in workload.lasting
	is_object(c.ports[0])
	object.get(c, "livenessProbe", null) == null
	path := workload.at(id, "livenessProbe")
	msg := sprintf("container %q opens a port but has no livenessProbe: add one, if a restart can help it", [workload.name(c)])
}
