# METADATA
# title: Only the volume types of applications
# description: >-
#   Storage comes through claims and CSI. Inline volumes of other types carry details of the storage into the pod.
#   (A hostPath has a rule of its own.)
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
#   description: 'Pod Security Standards, restricted: Volume Types'
# custom:
#   rule: policy/volume-types
#   kinds: workloads
#   bundles: {restricted: error}
package sluice.volume_types

import data.sluice.workload

allowed := {
	"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image", "persistentVolumeClaim", "projected", "secret",
	"hostPath", # the rule policy/host-path
}

deny contains {"msg": msg, "path": path} if {
	some i, volume in workload.spec.volumes
	is_object(volume)
	types := {type | some type, value in volume; type != "name"; value != null}
	count(types) > 0 # a volume without a type is an emptyDir
	count(types & allowed) == 0
	path := trim_suffix(workload.at(["volumes", i], ""), ".")
	msg := sprintf("volume %q is of the type %s: use a persistentVolumeClaim", [workload.name(volume), concat(", ", types)])
}
