package render

import (
	"runtime"
	"syscall"
	"time"
)

// Cost is what a target's rendering has taken.
type Cost struct {
	Wall   time.Duration // in the worker, and its questions; the wait for a worker is none of it
	CPU    time.Duration // of the worker's process; 0 where that is not known
	Memory int64         // bytes that the worker's process has held at most, all targets so far included; 0 where not known
}

// spent is what this process has used so far.
func spent() (cpu time.Duration, memory int64) {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0, 0
	}
	memory = usage.Maxrss
	if runtime.GOOS == "linux" {
		memory <<= 10 // Linux counts in KiB, others in bytes
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano()), memory
}
