# METADATA
# title: Images have a fixed tag
# description: >-
#   The tag latest, or none, means another image tomorrow: what was reviewed is not what runs, and a rollback does
#   not roll back.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/containers/images/#image-names
#   description: 'Kubernetes, Images: do not use the latest tag in production'
# custom:
#   rule: policy/image-tag
#   bundles: {default: warning}
package sluice.image_tag

import data.sluice.workload

deny contains {"msg": msg, "path": path} if {
	some c in workload.containers
	image := c.spec.image
	is_concrete(image)
	not contains(image, "@")
	problem := floating(image)
	path := sprintf("%s.image", [c.path])
	msg := sprintf("container %q uses the image %q, %s: give it a version, or a digest", [c.name, image, problem])
}

# is_concrete is false for an image that something fills in later: an empty one, $(IMAGE), ${IMAGE}, {{ image }}.
is_concrete(image) if {
	is_string(image)
	image != ""
	not regex.match(`[$][({]|[{]{2}`, image)
}

floating(image) := "which has no tag and so means latest" if not contains(last_part(image), ":")

floating(image) := "whose tag latest moves" if endswith(last_part(image), ":latest")

# last_part is what follows the registry, which may have a port: host:5000/team/app:1.
last_part(image) := parts[count(parts) - 1] if parts := split(image, "/")
