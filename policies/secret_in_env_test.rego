package sluice.secret_in_env_test

import data.sluice.fixtures
import data.sluice.secret_in_env

test_literal if {
	fixtures.paths(secret_in_env.deny) == {"spec.containers[name=c].env[name=DB_PASSWORD].value"} with input as fixtures.one({"env": [{"name": "DB_PASSWORD", "value": "hunter2x"}, {"name": "LEVEL", "value": "debug"}]})
}

test_reference_passes if {
	count(secret_in_env.deny) == 0 with input as fixtures.one({"env": [{"name": "DB_PASSWORD", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}, {"name": "TOKEN", "value": null}]})
}
