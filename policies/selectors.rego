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

# selected are the pods, as indexes of the objects that have them, that a selector selects in a namespace. A target
# may have thousands of objects, so pods are found by their labels, never by comparing everything with everything.
selected(namespace_, selector) := {i |
	some i in candidates(namespace_, part(selector, "matchLabels"))
	every expression in part(selector, "matchExpressions") {
		holds(expression, pod_labels[i])
	}
}

candidates(namespace_, match_labels) := intersection({with_label(namespace_, key, value) |
	some key, value in match_labels
}) if {
	count(match_labels) > 0
} else := pods_in[namespace_]

with_label(namespace_, key, value) := found if found := labelled[[namespace_, key, value]]

else := set()

labelled[id] contains i if {
	some i, labels_ in pod_labels
	some key, value in labels_
	id := [namespace(input[i].contents), key, value]
}

pods_in[namespace_] contains i if {
	some i, _ in pod_labels
	namespace_ := namespace(input[i].contents)
}

# pod_labels are the labels of the pods of all workloads of the target, by the index of the object that has them.
pod_labels[i] := labels(template) if {
	some i, document in input
	template := pod(document.contents)
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
