package main

deny contains msg if {
	input.spec.replicas > data.limits.replicas
	msg := sprintf("at most %d", [data.limits.replicas])
}

deny contains msg if {
	input.kind in data.kinds
	msg := sprintf("%s is not allowed by %v", [input.kind, data.more])
}
