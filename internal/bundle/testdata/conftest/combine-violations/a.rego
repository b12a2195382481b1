package shop.network

# With --combine the input is a list: its documents have their number, a path and contents.
violation contains {"msg": msg, "index": i} if {
	some i, document in input
	document.contents.spec.type == "LoadBalancer"
	msg := sprintf("%s is open to the world", [document.contents.metadata.name])
}

warn contains msg if {
	names := {document.contents.metadata.name | some document in input}
	msg := sprintf("%d documents, %d names", [count(input), count(names)])
}

deny_latest contains msg if {
	some document in input
	some container in document.contents.spec.template.spec.containers
	endswith(container.image, ":latest")
	msg := sprintf("%s is the latest", [container.name])
}

deny_paths contains msg if {
	some i, document in input
	not document.path
	msg := sprintf("document %d has no path", [i])
}

exception contains rules if {
	some document in input
	document.contents.kind == "Deployment"
	rules := ["latest"]
}
