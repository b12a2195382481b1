package rehearse

import "syscall"

// ownProcess has a child end with this process, however that ends, and not by a signal that is meant for this one.
func ownProcess() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
