# METADATA
# title: Images are pinned by digest
# description: >-
#   A tag can be moved to another image; a digest cannot.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/containers/images/#image-names
#   description: 'Kubernetes, Images'
# custom:
#   rule: policy/image-digest
#   kinds: workloads
#   bundles: {practice: warning}
package sluice.image_digest

import data.sluice.workload

deny contains {"msg": msg, "path": path} if {
	some id, c in workload.containers
	is_string(c.image)
	regex.match(`^[^@]+$`, c.image)
	not regex.match(`[$][({]|[{]{2}`, c.image) # something fills it in later
	path := workload.at(id, "image")
	msg := sprintf("container %q uses the image %q without a digest: add @sha256:…", [workload.name(c), c.image])
}
