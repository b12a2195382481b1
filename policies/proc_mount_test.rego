package sluice.proc_mount_test

import data.sluice.fixtures
import data.sluice.proc_mount

test_unmasked if {
	fixtures.paths(proc_mount.deny) == {"spec.containers[name=c].securityContext.procMount"} with input as fixtures.context({"procMount": "Unmasked"})
}

test_default_passes if {
	count(proc_mount.deny) == 0 with input as fixtures.context({"procMount": "Default"})
}

test_user_namespace_passes if {
	count(proc_mount.deny) == 0 with input as object.union(fixtures.context({"procMount": "Unmasked"}), {"spec": {"hostUsers": false}})
}

test_user_namespace_on_older_kubernetes if {
	fixtures.paths(proc_mount.deny) == {"spec.containers[name=c].securityContext.procMount"} with input as object.union(fixtures.context({"procMount": "Unmasked"}), {"spec": {"hostUsers": false}}) with data.kubernetes.minor as 34
}
