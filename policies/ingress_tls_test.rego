package sluice.ingress_tls_test

import data.sluice.fixtures
import data.sluice.ingress_tls

test_no_tls if {
	fixtures.paths(ingress_tls.deny) == {"spec.rules[0].host"} with input as {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"annotations": {}}, "spec": {"rules": [{"host": "a.example.com"}, {"http": {}}]}}
}

test_another_host if {
	fixtures.paths(ingress_tls.deny) == {"spec.rules[1].host"} with input as {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"annotations": {}}, "spec": {"tls": [{"hosts": ["b.example.com"]}], "rules": [{"host": "b.example.com"}, {"host": "a.example.com"}]}}
}

test_wildcard_passes if {
	count(ingress_tls.deny) == 0 with input as {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"annotations": {}}, "spec": {"tls": [{"hosts": ["*.example.com"]}], "rules": [{"host": "a.example.com"}]}}
}

test_tls_for_all_passes if {
	count(ingress_tls.deny) == 0 with input as {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"annotations": {}}, "spec": {"tls": [{"secretName": "x"}], "rules": [{"host": "a.example.com"}]}}
}

test_certificate_of_the_load_balancer_passes if {
	count(ingress_tls.deny) == 0 with input as {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"annotations": {"alb.ingress.kubernetes.io/certificate-arn": "arn:…"}}, "spec": {"rules": [{"host": "a.example.com"}]}}
}
