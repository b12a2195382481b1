package main

deny contains msg if {
	input.kind == "Deployment"
	some c in input.spec.template.spec.containers
	endswith(c.image, ":latest")
	msg := sprintf("%s uses latest", [c.name])
}

deny contains msg if {
	input.kind == "Deployment"
	not input.spec.template.spec.securityContext.runAsNonRoot
	msg := "may run as root"
}

deny_replicas contains sprintf("%d replicas", [input.spec.replicas]) if input.spec.replicas > 2
