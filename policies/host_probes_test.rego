package sluice.host_probes_test

import data.sluice.fixtures
import data.sluice.host_probes

test_probes_and_hooks if {
	fixtures.paths(host_probes.deny) == {"spec.containers[name=c].livenessProbe.httpGet.host", "spec.containers[name=c].readinessProbe.tcpSocket.host", "spec.containers[name=c].startupProbe.httpGet.host", "spec.containers[name=c].lifecycle.preStop.httpGet.host", "spec.containers[name=c].lifecycle.postStart.tcpSocket.host"} with input as fixtures.one({"livenessProbe": {"httpGet": {"host": "10.0.0.1"}}, "readinessProbe": {"tcpSocket": {"host": "x"}}, "startupProbe": {"httpGet": {"host": "x"}}, "lifecycle": {"preStop": {"httpGet": {"host": "x"}}, "postStart": {"tcpSocket": {"host": "x"}}}})
}

test_own_pod_passes if {
	count(host_probes.deny) == 0 with input as fixtures.one({"livenessProbe": {"httpGet": {"path": "/", "host": ""}}})
}

test_older_kubernetes_passes if {
	count(host_probes.deny) == 0 with input as fixtures.one({"livenessProbe": {"httpGet": {"host": "x"}}}) with data.kubernetes.minor as 33
}
