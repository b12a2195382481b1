# METADATA
# title: Namespaces have a network policy
# description: >-
#   Without a NetworkPolicy every pod of the cluster may talk to every other. The policy may be that of any target of the
#   environment. Said once for each namespace of a target, at its first workload.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/services-networking/network-policies/#default-policies
#   description: 'Kubernetes, Network Policies: default policies'
# custom:
#   rule: policy/network-policy
#   kinds: [CronJob, DaemonSet, Deployment, Job, NetworkPolicy, Pod, ReplicaSet, ReplicationController, StatefulSet]
#   input: target
#   bundles: {practice: warning}
package sluice.network_policy

import data.sluice.selectors

deny contains {"msg": msg, "index": min(pods)} if {
	some namespace, pods in selectors.pods_in
	not namespace in protected
	msg := "no NetworkPolicy of this environment is in the namespace of this workload: add one that denies by default"
}

protected contains selectors.namespace(document.contents) if {
	some document in input
	document.contents.kind == "NetworkPolicy"
}
