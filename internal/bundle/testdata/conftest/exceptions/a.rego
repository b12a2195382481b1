package main

deny_root contains "root" if input.kind == "Deployment"

warn_root contains "root" if input.kind == "Deployment"

deny contains "plain" if true

violation_other contains {"msg": "other"} if true

exception contains rules if {
	input.kind == "Deployment"
	rules := ["root", "nothing"]
}

exception contains rules if {
	input.kind == "ConfigMap"
	rules := [""]
}

exception contains rules if {
	input.metadata.name == "web"
	rules := {"other"}
}
