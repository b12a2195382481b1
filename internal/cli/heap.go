package cli

import (
	"runtime"
	"runtime/debug"
)

// startLazily has the garbage collector wait until the heap has 32 MiB, where it would begin at four: most runs are over by then.
// From the first collection on it works as it always does. Who sets GOGC is obeyed.
func (c *Command) startLazily() {
	if c.Getenv("GOGC") != "" {
		return
	}
	debug.SetGCPercent(800)
	type sentinel struct{ _ [16]byte }
	runtime.SetFinalizer(&sentinel{}, func(*sentinel) { debug.SetGCPercent(100) })
}
