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
	some i, other in input
	workload := other.contents
	workload.kind == scaler.spec.scaleTargetRef.kind
	workload.metadata.name == scaler.spec.scaleTargetRef.name
	selectors.same_namespace(workload, scaler)
	workload.spec.replicas != null
	msg := sprintf("replicas is fixed to %v, but the HorizontalPodAutoscaler %v scales this %s: remove replicas", [workload.spec.replicas, scaler.metadata.name, workload.kind])
}
