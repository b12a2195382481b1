package main

import data.lib.k8s

deny contains msg if {
	some c in k8s.containers
	c.securityContext.privileged
	msg := sprintf("%s is privileged", [c.name])
}
