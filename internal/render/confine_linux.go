package render

import (
	"fmt"
	"os"
	"strconv"
	"syscall"

	"github.com/landlock-lsm/go-landlock/landlock"
)

// headroom is what a process may allocate beyond its memory limit before the kernel refuses: Go reserves memory in
// large steps, and the program itself has data.
const headroom = 192 << 20

// confine takes from this process, for good, what rendering does not need, as far as the kernel can: inherited
// descriptors, memory, core dumps, writing, new privileges, files and network. It says what is active.
func confine(memory int64) []string {
	var active []string
	note := func(name string, err error) {
		if err == nil {
			active = append(active, name)
		}
	}
	note("no inherited descriptors", dropDescriptors())
	limit := func(resource int, value uint64) error {
		return syscall.Setrlimit(resource, &syscall.Rlimit{Cur: value, Max: value})
	}
	note(fmt.Sprintf("%d MiB of data", (memory+headroom)>>20), limit(syscall.RLIMIT_DATA, uint64(memory+headroom)))
	note("no core dump", limit(syscall.RLIMIT_CORE, 0))
	note("no file growth", limit(syscall.RLIMIT_FSIZE, 0))
	// Without a rule nothing is allowed: no file can be opened or executed, no TCP socket bound or connected. It
	// also gives up new privileges.
	if err := landlock.V11.BestEffort().Restrict(); err == nil && !readable("/") {
		active = append(active, "landlock")
	}
	note("seccomp", refuseSystemCalls())
	return active
}

func readable(name string) bool {
	d, err := os.Open(name)
	if err != nil {
		return false
	}
	d.Close()
	return true
}

// dropDescriptors closes what this process was started with beyond the three standard descriptors. The runtime
// opens its own with close-on-exec, so those without it are inherited.
func dropDescriptors() error {
	listing, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return err
	}
	for _, e := range listing {
		fd, err := strconv.Atoi(e.Name())
		if err != nil || fd < 3 {
			continue
		}
		flags, _, errno := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_GETFD, 0)
		if errno == 0 && flags&syscall.FD_CLOEXEC == 0 {
			syscall.Close(fd)
		}
	}
	return nil
}
