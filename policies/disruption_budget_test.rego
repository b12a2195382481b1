package sluice.disruption_budget_test

import data.sluice.fixtures
import data.sluice.disruption_budget

test_no_budget if {
	{r.index | some r in disruption_budget.deny} == {0} with input as fixtures.target([fixtures.workload("a", {"app": "a", "tier": "web"})])
}

test_budget_passes if {
	{r.index | some r in disruption_budget.deny} == set() with input as fixtures.target([fixtures.of_kind("PodDisruptionBudget", "n", {"selector": {"matchLabels": {"app": "a"}}}), fixtures.workload("a", {"app": "a", "tier": "web"})])
}

test_budget_of_others if {
	{r.index | some r in disruption_budget.deny} == {1} with input as fixtures.target([fixtures.of_kind("PodDisruptionBudget", "n", {"selector": {"matchLabels": {"app": "b"}}}), fixtures.workload("a", {"app": "a", "tier": "web"})])
}

test_budget_of_another_namespace if {
	{r.index | some r in disruption_budget.deny} == {1} with input as fixtures.target([fixtures.of_kind("PodDisruptionBudget", "m", {"selector": {"matchLabels": {"app": "a"}}}), fixtures.workload("a", {"app": "a", "tier": "web"})])
}

test_one_replica_passes if {
	{r.index | some r in disruption_budget.deny} == set() with input as fixtures.target([fixtures.of_kind("Deployment", "n", {"replicas": 1})])
}
