# METADATA
# title: What the rules about selectors share
# description: Label selectors, and the pods of a target. The input is all objects of a target.
package sluice.selectors

# matches holds where a label selector selects pods with these labels, an object.
matches(selector, labels_) if {
	every key, value in part(selector, "matchLabels") {
		labels_[key] == value
	}
	every expression in part(selector, "matchExpressions") {
		holds(expression, labels_)
	}
}

part(selector, field) := selector[field] if selector[field] != null

else := {}

holds(expression, labels_) if {
	expression.operator == "In"
	labels_[expression.key] in expression.values
}

holds(expression, labels_) if {
	expression.operator == "NotIn"
	value := object.get(labels_, expression.key, null)
	not value in expression.values
}

holds(expression, labels_) if {
	expression.operator == "Exists"
	labels_[expression.key]
}

holds(expression, labels_) if {
	expression.operator == "DoesNotExist"
	not labels_[expression.key]
}

# pods are the pods of all workloads of the target, by the index of the object that has them.
pods[i] := {"labels": labels(template), "owner": owner} if {
	some i, document in input
	owner := document.contents
	template := pod(owner)
}

pod(owner) := owner if owner.kind == "Pod"

pod(owner) := owner.spec.template if {
	owner.kind in {"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Job"}
}

pod(owner) := owner.spec.jobTemplate.spec.template if owner.kind == "CronJob"

# labels are those of a pod or pod template.
labels(template) := template.metadata.labels if is_object(template.metadata.labels)

else := {}

namespace(object_) := object.get(object_, ["metadata", "namespace"], "")

same_namespace(a, b) if namespace(a) == namespace(b)
