package sluice.volume_types_test

import data.sluice.fixtures
import data.sluice.volume_types

test_nfs if {
	fixtures.paths(volume_types.deny) == {"spec.volumes[name=n]"} with input as fixtures.pod({"volumes": [{"name": "n", "nfs": {}}, {"name": "e"}, {"name": "h", "hostPath": {}}, {"name": "d", "emptyDir": {}}]})
}
