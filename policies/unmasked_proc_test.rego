package sluice.unmasked_proc_test

import data.sluice.fixtures
import data.sluice.unmasked_proc

test_unmasked_in_a_user_namespace if {
	fixtures.paths(unmasked_proc.deny) == {"spec.containers[name=c].securityContext.procMount"} with input as object.union(fixtures.context({"procMount": "Unmasked"}), {"spec": {"hostUsers": false}})
}

test_default_passes if {
	count(unmasked_proc.deny) == 0 with input as object.union(fixtures.context({"procMount": "Default"}), {"spec": {"hostUsers": false}})
}
