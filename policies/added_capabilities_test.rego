package sluice.added_capabilities_test

import data.sluice.fixtures
import data.sluice.added_capabilities

test_beyond_the_default if {
	fixtures.paths(added_capabilities.deny) == {"spec.containers[name=c].securityContext.capabilities.add[1]", "spec.containers[name=c].securityContext.capabilities.add[2]"} with input as fixtures.context({"capabilities": {"add": ["CHOWN", "SYS_ADMIN", "NET_RAW"]}})
}

test_default_set_passes if {
	count(added_capabilities.deny) == 0 with input as fixtures.context({"capabilities": {"add": ["CHOWN"], "drop": ["ALL"]}})
}
