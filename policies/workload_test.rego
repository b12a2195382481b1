package sluice.workload_test

import data.sluice.fixtures
import data.sluice.privileged

spec := {
	"containers": [{"name": "a", "securityContext": {"privileged": true}}, {"securityContext": {"privileged": true}}],
	"initContainers": [{"name": "b", "securityContext": {"privileged": true}}],
	"ephemeralContainers": [{"name": "c", "securityContext": {"privileged": true}}],
}

expected(prefix) := {sprintf("%s.%s.securityContext.privileged", [prefix, c]) |
	some c in ["containers[name=a]", "containers[1]", "initContainers[name=b]", "ephemeralContainers[name=c]"]
}

test_pod if fixtures.paths(privileged.deny) == expected("spec") with input as fixtures.pod(spec)

test_templates if {
	every case in [
		["apps/v1", "Deployment"], ["apps/v1", "StatefulSet"], ["apps/v1", "DaemonSet"], ["apps/v1", "ReplicaSet"],
		["apps/v1beta1", "Deployment"], ["batch/v1", "Job"], ["v1", "ReplicationController"],
	] {
		fixtures.paths(privileged.deny) == expected("spec.template.spec") with input as {"apiVersion": case[0], "kind": case[1], "spec": {"template": {"spec": spec}}}
	}
}

test_cron_job if {
	fixtures.paths(privileged.deny) == expected("spec.jobTemplate.spec.template.spec") with input as {"apiVersion": "batch/v1", "kind": "CronJob", "spec": {"jobTemplate": {"spec": {"template": {"spec": spec}}}}}
}

test_pod_template if {
	fixtures.paths(privileged.deny) == expected("template.spec") with input as {"apiVersion": "v1", "kind": "PodTemplate", "template": {"spec": spec}}
}

test_kinds_of_others_are_not_workloads if {
	every case in [["batch.volcano.sh/v1alpha1", "Job"], ["apps.example.com/v1", "Deployment"], ["v1", "ConfigMap"]] {
		count(privileged.deny) == 0 with input as {"apiVersion": case[0], "kind": case[1], "spec": {"template": {"spec": spec}}}
	}
}
