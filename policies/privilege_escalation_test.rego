package sluice.privilege_escalation_test

import data.sluice.fixtures
import data.sluice.privilege_escalation

test_unset if {
	fixtures.paths(privilege_escalation.deny) == {"spec.containers[name=c].securityContext.allowPrivilegeEscalation"} with input as fixtures.one({})
}

test_true if {
	fixtures.paths(privilege_escalation.deny) == {"spec.containers[name=c].securityContext.allowPrivilegeEscalation"} with input as fixtures.context({"allowPrivilegeEscalation": true})
}

test_false_passes if {
	count(privilege_escalation.deny) == 0 with input as fixtures.context({"allowPrivilegeEscalation": false})
}

test_windows_passes if {
	count(privilege_escalation.deny) == 0 with input as fixtures.pod({"os": {"name": "windows"}, "containers": [{"name": "c"}]})
}
