package sluice.privileged_test

import data.sluice.fixtures
import data.sluice.privileged

test_privileged if {
	fixtures.paths(privileged.deny) == {"spec.containers[name=c].securityContext.privileged"} with input as fixtures.context({"privileged": true})
}

test_false_passes if {
	count(privileged.deny) == 0 with input as fixtures.context({"privileged": false})
}

test_unset_passes if {
	count(privileged.deny) == 0 with input as fixtures.one({})
}

test_null_passes if {
	count(privileged.deny) == 0 with input as fixtures.one({"securityContext": null})
}
