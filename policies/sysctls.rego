# METADATA
# title: Only safe sysctls
# description: >-
#   A sysctl that is not separate for each pod changes the kernel for all pods of the node.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline
#   description: 'Pod Security Standards, baseline: Sysctls'
# custom:
#   rule: policy/sysctls
#   kinds: workloads
#   bundles: {default: warning, baseline: error, restricted: error}
package sluice.sysctls

import data.sluice.workload

since := {
	"kernel.shm_rmid_forced": 0,
	"net.ipv4.ip_local_port_range": 0,
	"net.ipv4.ip_local_reserved_ports": 27,
	"net.ipv4.ip_unprivileged_port_start": 0,
	"net.ipv4.ping_group_range": 0,
	"net.ipv4.tcp_fin_timeout": 29,
	"net.ipv4.tcp_keepalive_intvl": 29,
	"net.ipv4.tcp_keepalive_probes": 29,
	"net.ipv4.tcp_keepalive_time": 29,
	"net.ipv4.tcp_notsent_lowat": 37,
	"net.ipv4.tcp_rmem": 32,
	"net.ipv4.tcp_slow_start_after_idle": 37,
	"net.ipv4.tcp_syncookies": 0,
	"net.ipv4.tcp_wmem": 32,
}

safe contains name if {
	some name, minor in since
	minor <= workload.kubernetes
}

deny contains {"msg": msg, "path": path} if {
	some i, sysctl in workload.spec.securityContext.sysctls
	is_object(sysctl)
	name := object.get(sysctl, "name", "")
	not name in safe
	path := workload.at([], sprintf("securityContext.sysctls%s", [workload.key(i, sysctl)]))
	msg := sprintf("the sysctl %q is not among those that are safe for the other pods of the node: remove it", [name])
}
