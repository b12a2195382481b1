# METADATA
# title: Replicated workloads have a disruption budget
# description: >-
#   Draining a node may take all replicas down at once, unless a PodDisruptionBudget keeps some.
# related_resources:
# - ref: https://kubernetes.io/docs/tasks/run-application/configure-pdb/
#   description: 'Kubernetes, Specifying a Disruption Budget'
# custom:
#   rule: policy/disruption-budget
#   kinds: [Deployment, PodDisruptionBudget, StatefulSet]
#   input: target
#   bundles: {default: notice, practice: warning}
package sluice.disruption_budget

import data.sluice.selectors

deny contains {"msg": msg, "path": "spec.replicas", "index": i} if {
	some i, document in input
	workload := document.contents
	workload.kind in {"Deployment", "StatefulSet"}
	is_number(workload.spec.replicas)
	workload.spec.replicas > 1
	not i in budgeted
	msg := sprintf("%v replicas, but no PodDisruptionBudget selects them: add one", [workload.spec.replicas])
}

budgeted contains i if {
	some document in input
	budget := document.contents
	budget.kind == "PodDisruptionBudget"
	some i in selectors.selected(selectors.namespace(budget), budget.spec.selector)
}
