# METADATA
# title: Objects are deployed by one target
# description: >-
#   Two targets of one environment that deploy the same object overwrite each other, and with pruning delete each other's.
#   Objects without a namespace of their own, and other targets of the same application, which are taken for other clusters,
#   are left alone; so is a Namespace that both describe in the same way.
# related_resources:
# - ref: https://argo-cd.readthedocs.io/en/stable/user-guide/sync-options/#fail-the-sync-if-a-shared-resource-is-found
#   description: 'Argo CD, Fail the sync if a shared resource is found'
# custom:
#   rule: policy/duplicate-object
#   input: shared
#   bundles: {default: warning, practice: warning}
package sluice.duplicate_object

deny contains {"msg": msg, "index": i} if {
	some i, document in input
	not document.elsewhere
	targets := {other.elsewhere |
		some other in input
		id(other.contents) == id(document.contents)
		not harmless(document.contents, other.contents)
	}
	count(targets) > 0
	msg := sprintf("also deployed by %s: leave it to one target", [concat(", ", targets)])
}

id(object_) := [group(object_.apiVersion), object_.kind, object.get(object_, ["metadata", "namespace"], ""), object_.metadata.name]

group(version) := split(version, "/")[0] if contains(version, "/")

else := ""

harmless(one, other) if {
	one.kind == "Namespace"
	one == other
}
