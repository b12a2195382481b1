package sluice.service_without_pods_test

import data.sluice.fixtures
import data.sluice.service_without_pods

test_wrong_label if {
	{r.index | some r in service_without_pods.deny} == {1} with input as fixtures.target([fixtures.workload("a", {"app": "a", "tier": "web"}), fixtures.of_kind("Service", "n", {"selector": {"app": "b"}})])
}

test_right_label_passes if {
	{r.index | some r in service_without_pods.deny} == set() with input as fixtures.target([fixtures.workload("a", {"app": "a", "tier": "web"}), fixtures.of_kind("Service", "n", {"selector": {"app": "a"}})])
}

test_no_workload_here_passes if {
	{r.index | some r in service_without_pods.deny} == set() with input as fixtures.target([fixtures.workload("a", {"app": "a", "tier": "web"}), fixtures.of_kind("Service", "m", {"selector": {"app": "b"}})])
}

test_no_selector_passes if {
	{r.index | some r in service_without_pods.deny} == set() with input as fixtures.target([fixtures.workload("a", {"app": "a", "tier": "web"}), fixtures.of_kind("Service", "n", {"ports": []})])
}

test_cron_job_passes if {
	{r.index | some r in service_without_pods.deny} == set() with input as fixtures.target([fixtures.of_kind("CronJob", "n", {"jobTemplate": {"spec": {"template": {"metadata": {"labels": {"app": "c"}}}}}}), fixtures.of_kind("Service", "n", {"selector": {"app": "c"}})])
}
