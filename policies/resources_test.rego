package sluice.resources_test

import data.sluice.fixtures
import data.sluice.resources

test_none if {
	fixtures.paths(resources.deny) == {"spec.containers[name=c].resources"} with input as fixtures.one({})
}

test_no_memory_limit if {
	fixtures.paths(resources.deny) == {"spec.containers[name=c].resources"} with input as fixtures.one({"resources": {"requests": {"cpu": "1", "memory": "1Gi"}}})
}

test_limits_are_requests_passes if {
	count(resources.deny) == 0 with input as fixtures.one({"resources": {"limits": {"cpu": 1, "memory": "1Gi"}}})
}

test_usual_passes if {
	count(resources.deny) == 0 with input as fixtures.one({"resources": {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"memory": "1Gi"}}})
}

test_pod_level_passes if {
	count(resources.deny) == 0 with input as fixtures.pod({"resources": {"limits": {"cpu": 1, "memory": "1Gi"}}, "containers": [{"name": "c"}]})
}

test_ephemeral_passes if {
	count(resources.deny) == 0 with input as fixtures.pod({"ephemeralContainers": [{"name": "c"}]})
}

test_message_names_what_is_missing if {
	some result in resources.deny with input as fixtures.one({"resources": {"requests": {"cpu": "1"}}})
	result.msg == "container \"c\" has no limits.memory, requests.memory: set them under resources"
}
