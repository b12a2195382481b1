package sluice.sysctls_test

import data.sluice.fixtures
import data.sluice.sysctls

test_unsafe if {
	fixtures.paths(sysctls.deny) == {"spec.securityContext.sysctls[name=kernel.msgmax]"} with input as fixtures.pod({"securityContext": {"sysctls": [{"name": "kernel.msgmax", "value": "1"}, {"name": "net.ipv4.tcp_rmem", "value": "1"}]}})
}

test_older_kubernetes if {
	fixtures.paths(sysctls.deny) == {"spec.securityContext.sysctls[name=kernel.msgmax]", "spec.securityContext.sysctls[name=net.ipv4.tcp_rmem]"} with input as fixtures.pod({"securityContext": {"sysctls": [{"name": "kernel.msgmax", "value": "1"}, {"name": "net.ipv4.tcp_rmem", "value": "1"}]}}) with data.kubernetes.minor as 31
}
