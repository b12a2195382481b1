package sluice.readiness_probe_test

import data.sluice.fixtures
import data.sluice.readiness_probe

test_port_without_probe if {
	fixtures.paths(readiness_probe.deny) == {"spec.template.spec.containers[name=c].readinessProbe"} with input as fixtures.server({"ports": [{"containerPort": 80}]})
}

test_probe_passes if {
	count(readiness_probe.deny) == 0 with input as fixtures.server({"ports": [{"containerPort": 80}], "readinessProbe": {"httpGet": {"path": "/"}}})
}

test_worker_passes if {
	count(readiness_probe.deny) == 0 with input as fixtures.server({})
}

test_pod_passes if {
	count(readiness_probe.deny) == 0 with input as fixtures.one({"ports": [{"containerPort": 80}]})
}

test_sidecar if {
	fixtures.paths(readiness_probe.deny) == {"spec.template.spec.initContainers[name=s].readinessProbe"} with input as fixtures.deployment({"initContainers": [{"name": "s", "restartPolicy": "Always", "ports": [{"containerPort": 80}]}, {"name": "i", "ports": [{"containerPort": 81}]}]})
}
