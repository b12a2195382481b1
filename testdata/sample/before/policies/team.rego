# METADATA
# title: Every workload says which team owns it
package main

import rego.v1

deny contains msg if {
	input.kind == "Deployment"
	not input.metadata.labels.team
	msg := sprintf("Deployment %s has no label team: say who owns it", [input.metadata.name])
}
