package render

import "golang.org/x/sys/unix"

const seccompNative = unix.AUDIT_ARCH_AARCH64

// refusedHere are the older calls that only this machine has.
var refusedHere = []uint32{unix.SYS_RENAMEAT}
