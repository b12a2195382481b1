package sluice.host_namespaces_test

import data.sluice.fixtures
import data.sluice.host_namespaces

test_all_three if {
	fixtures.paths(host_namespaces.deny) == {"spec.hostNetwork", "spec.hostPID", "spec.hostIPC"} with input as fixtures.pod({"hostNetwork": true, "hostPID": true, "hostIPC": true})
}

test_false_passes if {
	count(host_namespaces.deny) == 0 with input as fixtures.pod({"hostNetwork": false, "hostPID": null})
}
