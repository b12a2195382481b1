package sluice.seccomp_profile_test

import data.sluice.fixtures
import data.sluice.seccomp_profile

test_unset if {
	fixtures.paths(seccomp_profile.deny) == {"spec.containers[name=c].securityContext.seccompProfile"} with input as fixtures.one({})
}

test_pod_passes if {
	count(seccomp_profile.deny) == 0 with input as fixtures.pod({"securityContext": {"seccompProfile": {"type": "RuntimeDefault"}}, "containers": [{"name": "c"}]})
}

test_windows_passes if {
	count(seccomp_profile.deny) == 0 with input as fixtures.pod({"os": {"name": "windows"}, "containers": [{"name": "c"}]})
}
