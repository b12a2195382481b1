package sluice.image_tag_test

import data.sluice.fixtures
import data.sluice.image_tag

test_latest if {
	fixtures.paths(image_tag.deny) == {"spec.containers[name=c].image"} with input as fixtures.one({"image": "nginx:latest"})
}

test_no_tag if {
	fixtures.paths(image_tag.deny) == {"spec.containers[name=c].image"} with input as fixtures.one({"image": "nginx"})
}

test_registry_with_a_port if {
	fixtures.paths(image_tag.deny) == {"spec.containers[name=c].image"} with input as fixtures.one({"image": "host:5000/team/app"})
}

test_latest_of_a_registry if {
	fixtures.paths(image_tag.deny) == {"spec.containers[name=c].image"} with input as fixtures.one({"image": "host:5000/team/app:latest"})
}

test_version_passes if {
	count(image_tag.deny) == 0 with input as fixtures.one({"image": "nginx:1.27"})
}

test_digest_passes if {
	count(image_tag.deny) == 0 with input as fixtures.one({"image": "nginx@sha256:abc"})
}

test_latest_with_digest_passes if {
	count(image_tag.deny) == 0 with input as fixtures.one({"image": "nginx:latest@sha256:abc"})
}

test_registry_and_version_passes if {
	count(image_tag.deny) == 0 with input as fixtures.one({"image": "host:5000/team/app:1"})
}

test_variable_passes if {
	count(image_tag.deny) == 0 with input as fixtures.one({"image": "${IMAGE}"})
}

test_template_passes if {
	count(image_tag.deny) == 0 with input as fixtures.one({"image": "{{ .Values.image }}"})
}

test_empty_passes if {
	count(image_tag.deny) == 0 with input as fixtures.one({"image": ""})
}

test_latest_in_the_name_passes if {
	count(image_tag.deny) == 0 with input as fixtures.one({"image": "latest:1"})
}

test_number_passes if {
	count(image_tag.deny) == 0 with input as fixtures.one({"image": 5})
}
