// Package policies holds the built-in policies: Rego, embedded in the binary. README.md says how one is written;
// docs/policies.md lists them.
package policies

import "embed"

// Files holds every Rego file of the built-in set, tests (*_test.rego) included.
//
//go:embed *.rego
var Files embed.FS
