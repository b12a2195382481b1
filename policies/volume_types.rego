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
#   bundles: {restricted: error}
package sluice.volume_types

import data.sluice.workload

allowed := {
	"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image", "persistentVolumeClaim", "projected", "secret",
	"hostPath", # the rule policy/host-path
}

deny contains {"msg": msg, "path": volume.path} if {
	some volume in workload.volumes
	types := {type | some type, value in volume.spec; type != "name"; value != null}
	count(types & allowed) == 0
	msg := sprintf("volume %q is of the type %s: use a persistentVolumeClaim", [volume.name, concat(", ", types)])
}
