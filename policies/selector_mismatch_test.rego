package sluice.selector_mismatch_test

import data.sluice.fixtures
import data.sluice.selector_mismatch

test_another_label if {
	fixtures.paths(selector_mismatch.deny) == {"spec.selector"} with input as {"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"selector": {"matchLabels": {"app": "b"}}, "template": {"metadata": {"labels": {"app": "a", "tier": "web"}}}}}
}

test_no_labels if {
	fixtures.paths(selector_mismatch.deny) == {"spec.selector"} with input as {"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"selector": {"matchLabels": {"app": "b"}}, "template": {"metadata": {"labels": null}}}}
}

test_expression if {
	fixtures.paths(selector_mismatch.deny) == {"spec.selector"} with input as {"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"selector": {"matchExpressions": [{"key": "tier", "operator": "DoesNotExist"}]}, "template": {"metadata": {"labels": {"app": "a", "tier": "web"}}}}}
}

test_not_in if {
	fixtures.paths(selector_mismatch.deny) == {"spec.selector"} with input as {"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"selector": {"matchExpressions": [{"key": "tier", "operator": "NotIn", "values": ["web"]}]}, "template": {"metadata": {"labels": {"app": "a", "tier": "web"}}}}}
}

test_subset_passes if {
	count(selector_mismatch.deny) == 0 with input as {"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"selector": {"matchLabels": {"app": "a"}}, "template": {"metadata": {"labels": {"app": "a", "tier": "web"}}}}}
}

test_expressions_passes if {
	count(selector_mismatch.deny) == 0 with input as {"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"selector": {"matchLabels": null, "matchExpressions": [{"key": "tier", "operator": "In", "values": ["web"]}, {"key": "x", "operator": "NotIn", "values": ["y"]}, {"key": "app", "operator": "Exists"}, {"key": "y", "operator": "DoesNotExist"}]}, "template": {"metadata": {"labels": {"app": "a", "tier": "web"}}}}}
}
