package sluice.host_path_test

import data.sluice.fixtures
import data.sluice.host_path

test_host_path if {
	fixtures.paths(host_path.deny) == {"spec.volumes[name=v].hostPath"} with input as fixtures.pod({"volumes": [{"name": "v", "hostPath": {"path": "/etc"}}]})
}

test_empty_host_path if {
	fixtures.paths(host_path.deny) == {"spec.volumes[name=v].hostPath"} with input as fixtures.pod({"volumes": [{"name": "v", "hostPath": {}}]})
}

test_claim_passes if {
	count(host_path.deny) == 0 with input as fixtures.pod({"volumes": [{"name": "v", "hostPath": null, "persistentVolumeClaim": {"claimName": "x"}}]})
}
