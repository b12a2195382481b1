package sluice.unique_host_test

import data.sluice.unique_host

ingress(name, spec) := {"kind": "Ingress", "metadata": {"name": name, "namespace": "shop"}, "spec": spec}

rules(host, path) := {"rules": [{"host": host, "http": {"paths": [{"path": path}]}}]}

one := {"contents": ingress("one", rules("a.example", "/"))}

test_once if count(unique_host.deny) == 0 with input as [one, {"contents": ingress("two", rules("b.example", "/"))}]

test_other_paths if count(unique_host.deny) == 0 with input as [one, {"contents": ingress("two", rules("a.example", "/api"))}]

test_other_class if {
	count(unique_host.deny) == 0 with input as [one, {"contents": ingress("two", object.union(rules("a.example", "/"), {"ingressClassName": "internal"}))}]
}

test_canary if {
	canary := object.union(ingress("two", rules("a.example", "/")), {"metadata": {"annotations": {"nginx.ingress.kubernetes.io/canary": "true"}}})
	count(unique_host.deny) == 0 with input as [one, {"contents": canary}]
}

test_twice if {
	found := unique_host.deny with input as [one, {"contents": ingress("two", {"rules": [{"host": "a.example"}]}), "elsewhere": "apps/b/prod"}]
	found == {
		{"msg": `the host "a.example" with the path "/" is also served by Ingress two of apps/b/prod: change one of them`, "path": "spec.rules[0].host", "index": 0},
		{"msg": `the host "a.example" with the path "/" is also served by Ingress one: change one of them`, "path": "spec.rules[0].host", "index": 1},
	}
}

test_twice_in_one if {
	count(unique_host.deny) == 0 with input as [{"contents": ingress("one", {"rules": [{"host": "a.example"}, {"host": "a.example"}]})}]
}

route(name, hostnames, parents, matches) := {
	"kind": "HTTPRoute", "metadata": {"name": name},
	"spec": {"hostnames": hostnames, "parentRefs": parents, "rules": [{"matches": matches}]},
}

test_routes if {
	found := unique_host.deny with input as [
		{"contents": route("one", ["x.example", "a.example"], [{"name": "public"}], [{"path": {"value": "/"}}])},
		{"contents": route("two", ["a.example"], [{"name": "public"}], [{}])},
	]
	{[f.path, f.index] | some f in found} == {["spec.hostnames[1]", 0], ["spec.hostnames[0]", 1]}
}

test_routes_apart if {
	count(unique_host.deny) == 0 with input as [
		{"contents": route("one", ["a.example"], [{"name": "public"}], [{}])},
		{"contents": route("two", ["a.example"], [{"name": "internal"}], [{}])},
		{"contents": route("three", ["a.example"], [{"name": "public"}], [{"headers": [{"name": "x", "value": "y"}]}])},
	]
}

test_strange if {
	count(unique_host.deny) == 0 with input as [
		{"contents": {"kind": "Ingress", "metadata": {"name": "a", "annotations": null}, "spec": {"rules": null}}},
		{"contents": {"kind": "Ingress", "metadata": {"name": "b"}, "spec": {"rules": [{"host": null, "http": null}]}}},
		{"contents": {"kind": "HTTPRoute", "metadata": {"name": "c"}}},
	]
}
