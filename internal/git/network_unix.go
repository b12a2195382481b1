//go:build unix

package git

import (
	"os/exec"
	"syscall"
)

// inOwnGroup has a command and the helpers that it starts end together, when its context does: git-remote-https waits for its server
// however long after git is gone.
func inOwnGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
