package sluice.run_as_user_test

import data.sluice.fixtures
import data.sluice.run_as_user

test_root if {
	fixtures.paths(run_as_user.deny) == {"spec.containers[name=c].securityContext.runAsUser"} with input as fixtures.context({"runAsUser": 0})
}

test_another_passes if {
	count(run_as_user.deny) == 0 with input as fixtures.context({"runAsUser": 1000})
}

test_unset_passes if {
	count(run_as_user.deny) == 0 with input as fixtures.context({})
}
