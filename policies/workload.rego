# METADATA
# title: What the rules about pods share
# description: Finds the pod of any workload kind and its containers, with their field paths.
package sluice.workload

# template is the pod, or the pod template of a workload; path is where it stands, with a final dot.
template := {"pod": input, "path": ""} if {
	input.kind == "Pod"
	input.apiVersion == "v1"
}

template := {"pod": input.spec.template, "path": "spec.template."} if {
	input.kind in {"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"}
	startswith(input.apiVersion, "apps/")
}

template := {"pod": input.spec.template, "path": "spec.template."} if {
	input.kind == "Job"
	startswith(input.apiVersion, "batch/")
}

template := {"pod": input.spec.template, "path": "spec.template."} if {
	input.kind == "ReplicationController"
	input.apiVersion == "v1"
}

template := {"pod": input.spec.jobTemplate.spec.template, "path": "spec.jobTemplate.spec.template."} if {
	input.kind == "CronJob"
	startswith(input.apiVersion, "batch/")
}

template := {"pod": input.template, "path": "template."} if {
	input.kind == "PodTemplate"
	input.apiVersion == "v1"
}

# spec is the specification of the pod.
spec := template.pod.spec if is_object(template.pod.spec)

# path is where the specification stands: "spec.template.spec".
path := sprintf("%sspec", [template.path])

# containers are all containers of the pod, by list and index: ordinary, init and ephemeral ones.
containers[[list, i]] := c if {
	some list in ["containers", "initContainers", "ephemeralContainers"]
	some i, c in spec[list]
	is_object(c)
}

# lasting are the containers that run for the pod's whole life: the ordinary ones, and init containers that are
# restarted (sidecars).
lasting[id] := c if {
	some id, c in containers
	id[0] == "containers"
}

lasting[id] := c if {
	some id, c in containers
	id[0] == "initContainers"
	c.restartPolicy == "Always"
}

# contexts are the security contexts of the pod, under [], and of its containers, by list and index.
contexts[id] := spec.securityContext if {
	id := []
	is_object(spec.securityContext)
}

contexts[id] := c.securityContext if {
	some id, c in containers
	is_object(c.securityContext)
}

# at is the path of a field below the pod's specification, a container, or another item of one of its lists.
at([], field) := sprintf("%s.%s", [path, field])

at([list, i], field) := sprintf("%s.%s%s.%s", [path, list, key(i, spec[list][i]), field])

# who names the owner of a security context.
who([]) := "the pod"

who([list, i]) := sprintf("container %q", [name(spec[list][i])])

# serves holds for workloads that are meant to run until they are stopped.
serves if input.kind in {"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController"}

# windows holds for pods that say that they run on Windows.
windows if spec.os.name == "windows"

# user_namespace holds for pods whose users are not those of the node.
user_namespace if spec.hostUsers == false

# kubernetes is the minor version of Kubernetes 1 that the rules are for.
default kubernetes := 37

kubernetes := data.kubernetes.minor

# key is how an item of a list is named in a path: by its name, or else by its index.
key(i, item) := sprintf("[name=%s]", [item.name]) if is_string(item.name)

else := sprintf("[%d]", [i])

name(item) := item.name if is_string(item.name)

else := "(without a name)"
