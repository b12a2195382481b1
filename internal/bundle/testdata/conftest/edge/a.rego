package main

deny := ["array", "of", "two"] if input.kind == "Service"

warn := {"set"} if input.kind == "Service"

violation := [] if input.kind == "Service"

deny_false := false

deny_undefined := x if {
	x := input.nothing
}

warn_print contains "printed" if {
	print("hello", input.kind)
	input.kind == "Service"
}
