# METADATA
# title: Ingresses have TLS
# description: >-
#   Without TLS, what users send to a host can be read and changed on its way. An Ingress whose annotations name a
#   certificate is left alone.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/services-networking/ingress/#tls
#   description: 'Kubernetes, Ingress: TLS'
# custom:
#   rule: policy/ingress-tls
#   kinds: [Ingress]
#   bundles: {default: warning, practice: warning}
package sluice.ingress_tls

deny contains {"msg": msg, "path": path} if {
	not certificate_elsewhere
	some i, entry in input.spec.rules
	is_string(entry.host)
	not covered(entry.host)
	path := sprintf("spec.rules[%d].host", [i])
	msg := sprintf("the host %q is served without TLS: list it under spec.tls", [entry.host])
}

covered(host) if {
	some tls in input.spec.tls
	some name in hosts(tls, host)
	name in {host, concat(".", ["*", concat(".", array.slice(split(host, "."), 1, 100))])}
}

# hosts are those that a TLS entry is for: all, where it names none.
hosts(tls, host) := tls.hosts if tls.hosts != null

else := [host]

certificate_elsewhere if {
	some key, _ in input.metadata.annotations
	is_string(key)
	regex.match(`certificate|pre-shared-cert|ssl-cert`, key)
}
