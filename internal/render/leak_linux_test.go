package render

import (
	"os"
	"syscall"
	"testing"
)

// leak lets children inherit a file, as a careless parent process would.
func leak(t *testing.T, f *os.File) {
	t.Helper()
	if _, _, errno := syscall.Syscall(syscall.SYS_FCNTL, f.Fd(), syscall.F_SETFD, 0); errno != 0 {
		t.Fatal(errno)
	}
}
