package sluice.windows_host_process_test

import data.sluice.fixtures
import data.sluice.windows_host_process

test_pod_and_container if {
	fixtures.paths(windows_host_process.deny) == {"spec.securityContext.windowsOptions.hostProcess", "spec.containers[name=c].securityContext.windowsOptions.hostProcess"} with input as object.union(fixtures.context({"windowsOptions": {"hostProcess": true}}), {"spec": {"securityContext": {"windowsOptions": {"hostProcess": true}}}})
}

test_false_passes if {
	count(windows_host_process.deny) == 0 with input as fixtures.context({"windowsOptions": {"hostProcess": false}})
}
