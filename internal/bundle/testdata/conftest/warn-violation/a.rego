package main

warn contains "a service" if input.kind == "Service"

warn_node_port contains msg if {
	some p in input.spec.ports
	msg := sprintf("node port %v", [p.nodePort])
}

violation contains {"msg": "load balancer", "details": {"type": input.spec.type}} if input.spec.type == "LoadBalancer"

violation_x1_y2 contains {"msg": "x"} if input.kind == "ConfigMap"

warning contains "no rule" if true

denies contains "no rule" if true

deny_ contains "no rule" if true

deny__x contains "no rule" if true
