# METADATA
# description: Objects for the tests of the rules.
package sluice.fixtures

pod(spec) := {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": spec}

# one is a pod with one container.
one(container) := pod({"containers": [object.union({"name": "c"}, container)]})

# context is a pod with one container that has a security context.
context(security_context) := one({"securityContext": security_context})

deployment(spec) := {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}, "spec": {"template": {"spec": spec}}}

# server is a Deployment with one container.
server(container) := deployment({"containers": [object.union({"name": "c"}, container)]})

config_map(data_) := {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m"}, "data": data_}

# target is all objects of a target, as a rule with input: target gets them.
target(objects) := [{"path": "", "contents": object_} | some object_ in objects]

of_kind(kind, namespace, spec) := {"apiVersion": "v1", "kind": kind, "metadata": {"name": "x", "namespace": namespace}, "spec": spec}

# workload is a Deployment of three replicas in the namespace n.
workload(name, labels) := {
	"apiVersion": "apps/v1",
	"kind": "Deployment",
	"metadata": {"name": name, "namespace": "n"},
	"spec": {"replicas": 3, "selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}}},
}

# paths are where the results of a rule point.
paths(results) := {result.path | some result in results}
