# METADATA
# title: No secrets in environment variables
# description: >-
#   A value written into a pod is read by everyone who can read the repository or the pod. Take it from a Secret
#   with valueFrom.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/security/secrets-good-practices/
#   description: 'Kubernetes, Good practices for Secrets'
# custom:
#   rule: policy/secret-in-env
#   kinds: workloads
#   bundles: {default: warning, practice: warning}
package sluice.secret_in_env

import data.sluice.secrets
import data.sluice.workload

deny contains {"msg": msg, "path": path} if {
	some id, c in workload.containers
	some i, variable in c.env
	what := secrets.kind(variable.name, variable.value)
	path := workload.at(id, sprintf("env%s.value", [workload.key(i, variable)]))
	msg := sprintf("the variable %q of container %q holds %s: take it from a Secret with valueFrom.secretKeyRef, and replace it, since it is in the history", [variable.name, workload.name(c), what])
}
