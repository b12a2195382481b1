# METADATA
# title: Hosts are served once
# description: >-
#   Where two Ingresses or HTTPRoutes of one environment serve the same path of the same host, in the same class or by the
#   same gateways, it is undecided which of them answers. The applications of the environment are looked at together; other
#   targets of the same application are taken for other clusters.
# related_resources:
# - ref: https://kubernetes.github.io/ingress-nginx/how-it-works/#building-the-nginx-model
#   description: 'Ingress NGINX, building the model: the oldest rule wins'
# - ref: https://gateway-api.sigs.k8s.io/reference/1.5/spec/#httproutespec
#   description: 'Gateway API, HTTPRoute: precedence of matches'
# custom:
#   rule: policy/unique-host
#   kinds: [HTTPRoute, Ingress]
#   input: target
#   bundles: {default: warning, practice: warning}
package sluice.unique_host

deny contains {"msg": msg, "path": place.path, "index": place.index} if {
	some id, places in served
	count({p.index | some p in places}) > 1
	some place in places
	other := [p | some p in places; p.index != place.index][0]
	msg := sprintf("the host %q with the path %q is also served by %s: change one of them", [id[2], id[3], named(input[other.index])])
}

# served are the places that serve a path of a host, by kind, class, host and path.
served[["Ingress", class(route), rule.host, object.get(route_path, "path", "/")]] contains {"index": i, "path": sprintf("spec.rules[%d].host", [at])} if {
	some i, document in input
	route := document.contents
	route.kind == "Ingress"
	object.get(annotations(route), "nginx.ingress.kubernetes.io/canary", "false") != "true"
	some at, rule in route.spec.rules
	is_string(rule.host)
	some route_path in paths(rule)
}

served[["HTTPRoute", gateways(route), host, value]] contains {"index": i, "path": sprintf("spec.hostnames[%d]", [at])} if {
	some i, document in input
	route := document.contents
	route.kind == "HTTPRoute"
	some at, host in route.spec.hostnames
	is_string(host)
	some value in plain_matches(route)
}

# plain_matches are the paths that a route serves whatever else the request says.
plain_matches(route) := {object.get(match, ["path", "value"], "/") |
	some rule in route.spec.rules
	some match in object.get(rule, "matches", [{}])
	count(object.keys(match) - {"path"}) == 0
}

paths(rule) := rule.http.paths if count(rule.http.paths) > 0

else := [{}]

class(route) := route.spec.ingressClassName if route.spec.ingressClassName != null

else := object.get(annotations(route), "kubernetes.io/ingress.class", "")

gateways(route) := concat(" ", sort([sprintf("%v/%v/%v", [object.get(parent, "namespace", ""), parent.name, object.get(parent, "sectionName", "")]) |
	some parent in object.get(route.spec, "parentRefs", [])
]))

annotations(route) := route.metadata.annotations if is_object(route.metadata.annotations)

else := {}

named(document) := sprintf("%s %s of %s", [document.contents.kind, document.contents.metadata.name, document.elsewhere]) if document.elsewhere

else := sprintf("%s %s", [document.contents.kind, document.contents.metadata.name])
