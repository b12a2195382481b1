package sluice.selects_nothing_test

import data.sluice.fixtures
import data.sluice.selects_nothing

test_budget if {
	{r.index | some r in selects_nothing.deny} == {1} with input as fixtures.target([fixtures.workload("a", {"app": "a", "tier": "web"}), fixtures.of_kind("PodDisruptionBudget", "n", {"selector": {"matchLabels": {"app": "b"}}})])
}

test_network_policy if {
	{r.index | some r in selects_nothing.deny} == {1} with input as fixtures.target([fixtures.workload("a", {"app": "a", "tier": "web"}), fixtures.of_kind("NetworkPolicy", "n", {"podSelector": {"matchLabels": {"app": "b"}}})])
}

test_all_pods_pass if {
	{r.index | some r in selects_nothing.deny} == set() with input as fixtures.target([fixtures.workload("a", {"app": "a", "tier": "web"}), fixtures.of_kind("NetworkPolicy", "n", {"podSelector": {}})])
}

test_match_passes if {
	{r.index | some r in selects_nothing.deny} == set() with input as fixtures.target([fixtures.workload("a", {"app": "a", "tier": "web"}), fixtures.of_kind("NetworkPolicy", "n", {"podSelector": {"matchLabels": {"tier": "web"}}}), fixtures.of_kind("PodDisruptionBudget", "n", {"selector": {"matchLabels": {"app": "a"}}})])
}
