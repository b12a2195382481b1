# METADATA
# title: No secrets in ConfigMaps
# description: >-
#   Everyone who can read the repository, or ConfigMaps in the cluster, reads a password that stands there. Values
#   that only refer to a secret are left alone.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/configuration/configmap/
#   description: 'Kubernetes, ConfigMaps: does not provide secrecy or encryption'
# - ref: https://kubernetes.io/docs/concepts/security/secrets-good-practices/
#   description: 'Kubernetes, Good practices for Secrets'
# custom:
#   rule: policy/secret-in-configmap
#   kinds: [ConfigMap]
#   bundles: {default: error, practice: error}
package sluice.secret_in_configmap

import data.sluice.secrets

deny contains {"msg": msg, "path": path} if {
	input.kind == "ConfigMap"
	input.apiVersion == "v1"
	some key, value in input.data
	what := secrets.kind(key, value)
	path := sprintf("data[%q]", [key])
	msg := sprintf("%q holds %s in a ConfigMap: move it to a Secret that is encrypted or comes from a secret store, and replace it, since it is in the history", [key, what])
}
