package main

deny contains msg if {
	kinds := [d.contents.kind | some d in input]
	msg := concat(",", kinds)
}

warn_services contains msg if {
	some d in input
	d.contents.kind == "Service"
	not deployment(d.contents.metadata.name, "nowhere")
	msg := sprintf("%s has no deployment", [d.contents.metadata.name])
}

deployment(name, namespace) if {
	some d in input
	d.contents.kind == "Deployment"
	d.contents.metadata.name == name
	d.contents.metadata.namespace == namespace
}
