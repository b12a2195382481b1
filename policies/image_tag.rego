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
#   kinds: workloads
#   bundles: {default: warning, practice: warning}
package sluice.image_tag

import data.sluice.workload

deny contains {"msg": msg, "path": path} if {
	some id, c in workload.containers
	is_string(c.image)
	regex.match(floating, c.image)
	not regex.match(`[$][({]|[{]{2}`, c.image) # something fills it in later
	path := workload.at(id, "image")
	msg := sprintf("container %q uses the image %q, whose tag %s: give it a version, or a digest", [workload.name(c), c.image, problem(c.image)])
}

# floating is an image without digest, and without a tag or with the tag latest. A registry may have a port.
floating := `^(?:[^@]*/)?[^/@:]+(?::latest)?$`

problem(image) := "latest moves" if endswith(image, ":latest")

else := "is missing and so means latest"
