//go:build unix

package rehearse

import (
	"errors"
	"os"
	"syscall"
)

// tryLock locks a file for this process; ok is false where another one has it.
func tryLock(file *os.File) (ok bool, err error) {
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return false, nil
	}
	return err == nil, err
}
