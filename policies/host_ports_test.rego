package sluice.host_ports_test

import data.sluice.fixtures
import data.sluice.host_ports

test_host_port if {
	fixtures.paths(host_ports.deny) == {"spec.containers[name=c].ports[0].hostPort", "spec.containers[name=c].ports[name=metrics].hostPort"} with input as fixtures.one({"ports": [{"containerPort": 80, "hostPort": 8080}, {"name": "metrics", "containerPort": 90, "hostPort": 9090}]})
}

test_zero_or_unset_passes if {
	count(host_ports.deny) == 0 with input as fixtures.one({"ports": [{"containerPort": 80, "hostPort": 0}, {"containerPort": 81}]})
}
