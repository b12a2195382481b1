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

# containers are all containers of the pod: ordinary, init and ephemeral ones.
containers contains {"name": name(c), "list": list, "spec": c, "path": sprintf("%s.%s%s", [path, list, key(i, c)])} if {
	some list in ["containers", "initContainers", "ephemeralContainers"]
	some i, c in spec[list]
	is_object(c)
}

# lasting are the containers that run for the pod's whole life: the ordinary ones, and init containers that are
# restarted (sidecars).
lasting contains c if {
	some c in containers
	c.list == "containers"
}

lasting contains c if {
	some c in containers
	c.list == "initContainers"
	c.spec.restartPolicy == "Always"
}

# contexts are the security contexts of the pod and of its containers.
contexts contains {"who": "the pod", "spec": spec.securityContext, "path": sprintf("%s.securityContext", [path])} if is_object(spec.securityContext)

contexts contains {"who": sprintf("container %q", [c.name]), "spec": c.spec.securityContext, "path": sprintf("%s.securityContext", [c.path])} if {
	some c in containers
	is_object(c.spec.securityContext)
}

volumes contains {"name": name(v), "spec": v, "path": sprintf("%s.volumes%s", [path, key(i, v)])} if {
	some i, v in spec.volumes
	is_object(v)
}

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
