# METADATA
# title: A rule
# description: About something
# custom:
#   x: 1
package main

# METADATA
# title: Its rule
deny contains msg if {
	m := rego.metadata.rule()
	msg := sprintf("%s %s", [m.title, input.kind])
}
