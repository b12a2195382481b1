package sluice.seccomp_test

import data.sluice.fixtures
import data.sluice.seccomp

test_unconfined if {
	fixtures.paths(seccomp.deny) == {"spec.containers[name=c].securityContext.seccompProfile.type", "spec.securityContext.seccompProfile.type"} with input as object.union(fixtures.context({"seccompProfile": {"type": "Unconfined"}}), {"spec": {"securityContext": {"seccompProfile": {}}}})
}

test_runtime_default_passes if {
	count(seccomp.deny) == 0 with input as fixtures.context({"seccompProfile": {"type": "RuntimeDefault"}})
}

test_unset_passes if {
	count(seccomp.deny) == 0 with input as fixtures.context({})
}
