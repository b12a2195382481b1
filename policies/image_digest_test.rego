package sluice.image_digest_test

import data.sluice.fixtures
import data.sluice.image_digest

test_tag if {
	fixtures.paths(image_digest.deny) == {"spec.containers[name=c].image"} with input as fixtures.one({"image": "a:1"})
}

test_digest_passes if {
	count(image_digest.deny) == 0 with input as fixtures.one({"image": "a:1@sha256:abc"})
}

test_variable_passes if {
	count(image_digest.deny) == 0 with input as fixtures.one({"image": "${IMAGE}"})
}
