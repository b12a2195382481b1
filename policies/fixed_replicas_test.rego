package sluice.fixed_replicas_test

import data.sluice.fixtures
import data.sluice.fixed_replicas

test_both if {
	{r.index | some r in fixed_replicas.deny} == {1} with input as fixtures.target([fixtures.of_kind("HorizontalPodAutoscaler", "n", {"scaleTargetRef": {"kind": "Deployment", "name": "a"}}), fixtures.workload("a", {"app": "a", "tier": "web"})])
}

test_another_target_passes if {
	{r.index | some r in fixed_replicas.deny} == set() with input as fixtures.target([fixtures.of_kind("HorizontalPodAutoscaler", "n", {"scaleTargetRef": {"kind": "Deployment", "name": "b"}}), fixtures.workload("a", {"app": "a", "tier": "web"})])
}

test_no_replicas_passes if {
	{r.index | some r in fixed_replicas.deny} == set() with input as fixtures.target([fixtures.of_kind("HorizontalPodAutoscaler", "n", {"scaleTargetRef": {"kind": "Deployment", "name": "x"}}), fixtures.of_kind("Deployment", "n", {"paused": false})])
}
