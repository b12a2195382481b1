# METADATA
# title: No volumes from the node's disk
# description: >-
#   A hostPath volume reads or writes files of the node, its credentials and sockets among them, and differs from
#   node to node.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline
#   description: 'Pod Security Standards, baseline: HostPath Volumes'
# custom:
#   rule: policy/host-path
#   kinds: workloads
#   bundles: {default: error, baseline: error, restricted: error}
package sluice.host_path

import data.sluice.workload

deny contains {"msg": msg, "path": path} if {
	some i, volume in workload.spec.volumes
	is_object(volume)
	not object.get(volume, "hostPath", null) == null
	path := workload.at(["volumes", i], "hostPath")
	msg := sprintf("volume %q mounts %v of the node: use a persistentVolumeClaim, emptyDir or configMap", [workload.name(volume), object.get(volume, ["hostPath", "path"], "a path")])
}
