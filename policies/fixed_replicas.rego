# METADATA
# title: No fixed replicas where an autoscaler decides
# description: >-
#   Every deployment of a workload that says replicas takes back what its HorizontalPodAutoscaler has decided.
# related_resources:
# - ref: https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/#migrating-deployments-and-statefulsets-to-horizontal-autoscaling
#   description: 'Kubernetes, Migrating Deployments and StatefulSets to horizontal autoscaling'
# custom:
#   rule: policy/fixed-replicas
#   kinds: [Deployment, HorizontalPodAutoscaler, ReplicaSet, StatefulSet]
#   input: target
#   bundles: {default: warning, practice: warning}
package sluice.fixed_replicas

import data.sluice.selectors

deny contains {"msg": msg, "path": "spec.replicas", "index": i} if {
	some document in input
	scaler := document.contents
	scaler.kind == "HorizontalPodAutoscaler"
	scaled := scaler.spec.scaleTargetRef
	some i in fixed[[scaled.kind, selectors.namespace(scaler), scaled.name]]
	msg := sprintf("replicas is fixed to %v, but the HorizontalPodAutoscaler %v scales this %s: remove replicas", [input[i].contents.spec.replicas, scaler.metadata.name, scaled.kind])
}

# fixed are the workloads that say how many replicas they have.
fixed[id] contains i if {
	some i, document in input
	workload := document.contents
	workload.kind != "HorizontalPodAutoscaler"
	workload.spec.replicas != null
	id := [workload.kind, selectors.namespace(workload), workload.metadata.name]
}
