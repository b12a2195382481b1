# METADATA
# title: Budgets and network policies select pods
# description: >-
#   A PodDisruptionBudget or NetworkPolicy that selects nothing protects nothing. The pods may be those of any target of
#   the environment; a namespace in which none has workloads is left alone.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/services-networking/network-policies/#networkpolicy-resource
#   description: 'Kubernetes, Network Policies'
# - ref: https://kubernetes.io/docs/tasks/run-application/configure-pdb/
#   description: 'Kubernetes, Specifying a Disruption Budget'
# custom:
#   rule: policy/selects-nothing
#   kinds: [CronJob, DaemonSet, Deployment, Job, NetworkPolicy, Pod, PodDisruptionBudget, ReplicaSet, ReplicationController, StatefulSet]
#   input: target
#   bundles: {default: warning, practice: warning}
package sluice.selects_nothing

import data.sluice.selectors

fields := {"NetworkPolicy": "podSelector", "PodDisruptionBudget": "selector"}

deny contains {"msg": msg, "path": sprintf("spec.%s", [field]), "index": i} if {
	some i, document in input
	selecting := document.contents
	field := fields[selecting.kind]
	selector := selecting.spec[field]
	is_object(selector)
	count(selector) > 0
	namespace := selectors.namespace(selecting)
	selectors.pods_in[namespace]
	count(selectors.selected(namespace, selector)) == 0
	msg := sprintf("no workload of this environment has the labels that this %s selects: correct the selector or the labels", [selecting.kind])
}
