package sluice.secret_in_configmap_test

import data.sluice.fixtures
import data.sluice.secret_in_configmap

found := {r.path | some r in secret_in_configmap.deny}

# The values are made up, and cut in two so that scanners of this repository pass over them.
test_shapes if {
	every value in [
		concat("", ["-----BEGIN RSA ", "PRIVATE KEY-----\nMIIE\n"]),
		concat("", ["prefix\n-----BEGIN ", "PRIVATE KEY-----\nMIIE\n"]),
		concat("", ["aws = AKIA", "ABCDEFGHIJKLMNOP"]),
		concat("", ["ghp", "_0123456789abcdefghijklmnopqrstuvwxyz"]),
		concat("", ["xoxb", "-012345678901-abcdefghijkl"]),
		concat("", ["postgres://shop:", "hunter2@db:5432/shop"]),
	] {
		found == {`data["some.file"]`} with input as fixtures.config_map({"some.file": value})
	}
}

test_names if {
	every key in [
		"password", "DB_PASSWORD", "dbPassword", "db.password", "api-key", "apiKey", "APIKEY", "TOKEN", "github_token",
		"clientSecret", "AWS_SECRET_ACCESS_KEY", "spring.datasource.password",
	] {
		found == {sprintf("data[%q]", [key])} with input as fixtures.config_map({key: "hunter2x"})
	}
}

test_other_names_pass if {
	every key in [
		"PASSWORD_FILE", "TOKEN_TTL", "SECRET_NAME", "existingSecret", "secret", "keyboard", "password-policy",
		"token_url", "max_tokens", "PUBLIC_KEY", "tokenizer",
	] {
		found == set() with input as fixtures.config_map({key: "hunter2x"})
	}
}

test_references_pass if {
	every value in [
		"", "  ", "$(DB_PASSWORD)", "${DB_PASSWORD}", "{{ .Values.password }}", "/run/secrets/password", "<password>",
		"vault:secret/data/shop#password", "arn:aws:secretsmanager:eu-west-1:1:secret:x", "https://tokens.example.com/",
		"xxxxxxxx", "*****", "true", "3600s", "ENC[AES256_GCM,data:x]", "a sentence about passwords",
	] {
		found == set() with input as fixtures.config_map({"password": value})
	}
}

test_addresses_without_a_password_pass if {
	every value in ["postgres://db:5432/shop", "postgres://shop@db/shop", "postgres://shop:$(PASSWORD)@db/shop", "https://a:b", "mailto:a@b"] {
		found == set() with input as fixtures.config_map({"url": value})
	}
}

test_secret_is_another_rule if {
	found == set() with input as {"apiVersion": "v1", "kind": "Secret", "data": {"password": "aHVudGVyMg=="}}
}

test_the_value_is_never_told if {
	every value in ["hunter2x", concat("", ["postgres://shop:", "hunter2x@db:5432/shop"])] {
		some result in secret_in_configmap.deny with input as fixtures.config_map({"password": value})
		not contains(result.msg, "hunter2x")
	}
}
