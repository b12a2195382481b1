package sluice.drop_capabilities_test

import data.sluice.fixtures
import data.sluice.drop_capabilities

test_unset if {
	fixtures.paths(drop_capabilities.deny) == {"spec.containers[name=c].securityContext.capabilities.drop"} with input as fixtures.one({})
}

test_all_passes if {
	count(drop_capabilities.deny) == 0 with input as fixtures.context({"capabilities": {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}})
}

test_added_back if {
	fixtures.paths(drop_capabilities.deny) == {"spec.containers[name=c].securityContext.capabilities.add[0]"} with input as fixtures.context({"capabilities": {"drop": ["ALL"], "add": ["CHOWN"]}})
}
