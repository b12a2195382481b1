package sluice.network_policy_test

import data.sluice.fixtures
import data.sluice.network_policy

test_none if {
	{r.index | some r in network_policy.deny} == {1} with input as fixtures.target([fixtures.of_kind("Service", "n", {"selector": {"app": "a"}}), fixtures.workload("a", {"app": "a", "tier": "web"}), fixtures.workload("a", {"app": "a", "tier": "web"})])
}

test_one_passes if {
	{r.index | some r in network_policy.deny} == set() with input as fixtures.target([fixtures.workload("a", {"app": "a", "tier": "web"}), fixtures.of_kind("NetworkPolicy", "n", {"podSelector": {}})])
}

test_of_another_namespace if {
	{r.index | some r in network_policy.deny} == {0} with input as fixtures.target([fixtures.workload("a", {"app": "a", "tier": "web"}), fixtures.of_kind("NetworkPolicy", "m", {"podSelector": {}})])
}
