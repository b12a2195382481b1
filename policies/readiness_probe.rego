# METADATA
# title: Servers say when they are ready
# description: >-
#   Without a readiness probe a pod gets traffic before it can serve, and a rollout goes on over pods that never
#   can. Containers that open no port are left alone.
# related_resources:
# - ref: https://kubernetes.io/docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/
#   description: 'Kubernetes, Configure Liveness, Readiness and Startup Probes'
# custom:
#   rule: policy/readiness-probe
#   kinds: workloads
#   bundles: {default: warning, practice: warning}
package sluice.readiness_probe

import data.sluice.workload

deny contains {"msg": msg, "path": path} if {
	workload.serves
	some id, c in workload.lasting
	is_object(c.ports[0])
	object.get(c, "readinessProbe", null) == null
	path := workload.at(id, "readinessProbe")
	msg := sprintf("container %q opens a port but has no readinessProbe: add one", [workload.name(c)])
}
