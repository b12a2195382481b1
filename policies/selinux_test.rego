package sluice.selinux_test

import data.sluice.fixtures
import data.sluice.selinux

test_type_user_role if {
	fixtures.paths(selinux.deny) == {"spec.containers[name=c].securityContext.seLinuxOptions.type", "spec.containers[name=c].securityContext.seLinuxOptions.user", "spec.containers[name=c].securityContext.seLinuxOptions.role"} with input as fixtures.context({"seLinuxOptions": {"type": "spc_t", "user": "u", "role": "r"}})
}

test_container_types_passes if {
	count(selinux.deny) == 0 with input as fixtures.context({"seLinuxOptions": {"type": "container_engine_t", "user": "", "level": "s0:c1"}})
}

test_engine_type_on_older_kubernetes if {
	fixtures.paths(selinux.deny) == {"spec.containers[name=c].securityContext.seLinuxOptions.type"} with input as fixtures.context({"seLinuxOptions": {"type": "container_engine_t"}}) with data.kubernetes.minor as 30
}
