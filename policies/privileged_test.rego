package sluice.privileged_test

import data.sluice.privileged

pod(list, context) := {
	"apiVersion": "v1",
	"kind": "Pod",
	"metadata": {"name": "p"},
	"spec": {list: [{"name": "c", "securityContext": context}]},
}

test_each_kind_of_container if {
	some list in ["containers", "initContainers", "ephemeralContainers"]
	some result in privileged.deny with input as pod(list, {"privileged": true})
	result.path == sprintf("spec.%s[name=c].securityContext.privileged", [list])
}

test_unset_and_false_pass if {
	count(privileged.deny) == 0 with input as pod("containers", {})
	count(privileged.deny) == 0 with input as pod("containers", {"privileged": false})
}
