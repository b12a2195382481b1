package sluice.duplicate_object_test

import data.sluice.duplicate_object

config(name, value) := {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "shop"}, "data": {"key": value}}

test_one_target if count(duplicate_object.deny) == 0 with input as [{"contents": config("a", "1")}, {"contents": config("a", "1")}]

test_two_targets if {
	found := duplicate_object.deny with input as [
		{"contents": config("a", "1")}, {"contents": config("b", "1")},
		{"contents": config("b", "1"), "elsewhere": "apps/y"}, {"contents": config("b", "2"), "elsewhere": "apps/x"}, {"contents": config("c", "1"), "elsewhere": "apps/x"},
	]
	found == {{"msg": "also deployed by apps/x, apps/y: leave it to one target", "index": 1}}
}

namespace(labels) := {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop", "labels": labels}}

test_same_namespace if count(duplicate_object.deny) == 0 with input as [{"contents": namespace({})}, {"contents": namespace({}), "elsewhere": "apps/x"}]

test_other_namespace if count(duplicate_object.deny) == 1 with input as [{"contents": namespace({})}, {"contents": namespace({"a": "b"}), "elsewhere": "apps/x"}]

test_other_version if {
	deployment := {"kind": "Deployment", "metadata": {"name": "a", "namespace": "shop"}}
	count(duplicate_object.deny) == 1 with input as [
		{"contents": object.union(deployment, {"apiVersion": "apps/v1"})},
		{"contents": object.union(deployment, {"apiVersion": "apps/v1beta1"}), "elsewhere": "apps/x"},
	]
}
