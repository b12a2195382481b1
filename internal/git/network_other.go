//go:build !unix

package git

import "os/exec"

// inOwnGroup does nothing here: a helper of git may outlive its context.
func inOwnGroup(*exec.Cmd) {}
