# METADATA
# title: A workload selects its own pods
# description: >-
#   The API server refuses a workload whose selector does not match the labels of its pod template.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#selector
#   description: 'Kubernetes, Deployments: Selector'
# custom:
#   rule: policy/selector-mismatch
#   kinds: [DaemonSet, Deployment, ReplicaSet, StatefulSet]
#   bundles: {default: error, practice: error}
package sluice.selector_mismatch

import data.sluice.selectors

deny contains {"msg": msg, "path": "spec.selector"} if {
	startswith(input.apiVersion, "apps/")
	is_object(input.spec.selector)
	labels := selectors.labels(input.spec.template)
	not selectors.matches(input.spec.selector, labels)
	msg := "the selector does not match the labels of the pod template, so the API server refuses this object: make both the same"
}
