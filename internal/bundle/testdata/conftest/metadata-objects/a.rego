package main

deny contains {"msg": msg, "path": "spec.replicas", "severity": "low", "_loc": {"file": "x", "line": 3}} if {
	input.spec.replicas
	msg := "an object"
}

deny contains {"msg": ""} if true

deny contains "" if true

warn contains {"msg": "same"} if input.kind == "Service"

warn contains "same" if input.kind == "Service"
