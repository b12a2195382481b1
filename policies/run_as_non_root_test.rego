package sluice.run_as_non_root_test

import data.sluice.fixtures
import data.sluice.run_as_non_root

test_unset if {
	fixtures.paths(run_as_non_root.deny) == {"spec.containers[name=c].securityContext.runAsNonRoot"} with input as fixtures.one({})
}

test_false if {
	fixtures.paths(run_as_non_root.deny) == {"spec.containers[name=c].securityContext.runAsNonRoot"} with input as fixtures.context({"runAsNonRoot": false})
}

test_container_passes if {
	count(run_as_non_root.deny) == 0 with input as fixtures.context({"runAsNonRoot": true})
}

test_pod_passes if {
	count(run_as_non_root.deny) == 0 with input as fixtures.pod({"securityContext": {"runAsNonRoot": true}, "containers": [{"name": "c"}]})
}

test_pod_true_container_false if {
	fixtures.paths(run_as_non_root.deny) == {"spec.containers[name=c].securityContext.runAsNonRoot"} with input as fixtures.pod({"securityContext": {"runAsNonRoot": true}, "containers": [{"name": "c", "securityContext": {"runAsNonRoot": false}}]})
}

test_pod_false if {
	fixtures.paths(run_as_non_root.deny) == {"spec.securityContext.runAsNonRoot"} with input as fixtures.pod({"securityContext": {"runAsNonRoot": false}, "containers": [{"name": "c"}]})
}

test_user_namespace_passes if {
	count(run_as_non_root.deny) == 0 with input as fixtures.pod({"hostUsers": false, "containers": [{"name": "c"}]})
}

test_user_namespace_on_older_kubernetes if {
	fixtures.paths(run_as_non_root.deny) == {"spec.containers[name=c].securityContext.runAsNonRoot"} with input as fixtures.pod({"hostUsers": false, "containers": [{"name": "c"}]}) with data.kubernetes.minor as 34
}
