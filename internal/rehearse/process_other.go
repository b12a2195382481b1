//go:build !linux

package rehearse

import "syscall"

// ownProcess is the default here: a child outlives this process where that is killed.
func ownProcess() *syscall.SysProcAttr { return nil }
