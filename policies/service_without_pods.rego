# METADATA
# title: Services select pods
# description: >-
#   A Service that selects nothing answers nothing. The pods may be those of any target of the environment; a namespace in
#   which none has workloads is left alone.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/services-networking/service/#defining-a-service
#   description: 'Kubernetes, Service: defining a Service'
# custom:
#   rule: policy/service-without-pods
#   kinds: [CronJob, DaemonSet, Deployment, Job, Pod, ReplicaSet, ReplicationController, Service, StatefulSet]
#   input: target
#   bundles: {default: warning, practice: warning}
package sluice.service_without_pods

import data.sluice.selectors

deny contains {"msg": msg, "path": "spec.selector", "index": i} if {
	some i, document in input
	service := document.contents
	service.kind == "Service"
	is_object(service.spec.selector)
	count(service.spec.selector) > 0
	object.get(service.spec, "type", "") != "ExternalName"
	namespace := selectors.namespace(service)
	selectors.pods_in[namespace]
	count(selectors.selected(namespace, {"matchLabels": service.spec.selector})) == 0
	msg := "no workload of this environment has the labels that this Service selects: correct the selector or the labels"
}
