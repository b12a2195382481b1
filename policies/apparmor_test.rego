package sluice.apparmor_test

import data.sluice.fixtures
import data.sluice.apparmor

test_unconfined if {
	fixtures.paths(apparmor.deny) == {"spec.containers[name=c].securityContext.appArmorProfile.type"} with input as fixtures.context({"appArmorProfile": {"type": "Unconfined"}})
}

test_annotation if {
	fixtures.paths(apparmor.deny) == {"metadata.annotations[container.apparmor.security.beta.kubernetes.io/c]"} with input as object.union(fixtures.one({}), {"metadata": {"annotations": {"container.apparmor.security.beta.kubernetes.io/c": "unconfined"}}})
}

test_annotation_of_a_profile_passes if {
	count(apparmor.deny) == 0 with input as object.union(fixtures.one({}), {"metadata": {"annotations": {"container.apparmor.security.beta.kubernetes.io/c": "localhost/mine", "other": "unconfined"}}})
}

test_localhost_passes if {
	count(apparmor.deny) == 0 with input as fixtures.context({"appArmorProfile": {"type": "Localhost"}})
}
