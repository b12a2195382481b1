package main

deny contains msg if {
	input.kind in {"Numbers", "ConfigMap"}
	some key, value in object.union(object.get(input, "spec", {}), object.get(input, "data", {}))
	msg := sprintf("%s %v %s", [key, value, type_name(value)])
}

warn contains msg if {
	some key, value in input.metadata.annotations
	msg := sprintf("%s=%s <&> \u00e9", [key, value])
}

warn contains json.marshal(input.spec.template.spec.containers[0].resources)

warn contains sprintf("%v", [input.spec.int + 1])

warn contains sprintf("%v", [input.spec.float * 2])
