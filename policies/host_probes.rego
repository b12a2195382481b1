# METADATA
# title: No probes of other hosts
# description: >-
#   The kubelet sends probes and lifecycle requests from the node's network. A host other than the pod turns them
#   into requests to places that the pod's author chooses. Kubernetes 1.34 and newer.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline
#   description: 'Pod Security Standards, baseline: Host Probes / Lifecycle Hooks'
# custom:
#   rule: policy/host-probes
#   kinds: workloads
#   bundles: {default: warning, baseline: error, restricted: error}
package sluice.host_probes

import data.sluice.workload

deny contains {"msg": msg, "path": path} if {
	workload.kubernetes >= 34
	some id, c in workload.containers
	some field in ["livenessProbe", "readinessProbe", "startupProbe"]
	some action in ["httpGet", "tcpSocket"]
	host := c[field][action].host
	not host in {"", null}
	path := workload.at(id, sprintf("%s.%s.host", [field, action]))
	msg := message(c, host)
}

deny contains {"msg": msg, "path": path} if {
	workload.kubernetes >= 34
	some id, c in workload.containers
	some hook in ["postStart", "preStop"]
	some action in ["httpGet", "tcpSocket"]
	host := c.lifecycle[hook][action].host
	not host in {"", null}
	path := workload.at(id, sprintf("lifecycle.%s.%s.host", [hook, action]))
	msg := message(c, host)
}

message(c, host) := sprintf("container %q has its node call %v: remove host, so that the pod itself is called", [workload.name(c), host])
