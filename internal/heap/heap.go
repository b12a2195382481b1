// Package heap tunes the garbage collector of the program and of its workers for runs that are over in less than a second.
//
// It has no dependencies of its own, so that it is initialised among the first packages: before those libraries that fill the heap
// with tables while the program starts.
package heap

import (
	"os"
	"runtime"
	"runtime/debug"
	"sync"
)

// lazy is the percentage at which the first collection waits until the heap has 32 MiB, where it would come at four
// (runtime/debug.SetGCPercent): most runs are over by then.
const lazy = 800

var (
	mu      sync.Mutex
	percent = 100 // 0 where GOGC says it
	begun   bool  // the first collection is over
)

func init() {
	if os.Getenv("GOGC") != "" { // who sets it is obeyed
		percent = 0
		return
	}
	debug.SetGCPercent(lazy)
	type sentinel struct{ _ [16]byte }
	runtime.SetFinalizer(&sentinel{}, func(*sentinel) {
		mu.Lock()
		defer mu.Unlock()
		begun = true
		debug.SetGCPercent(percent)
	})
}

// Settle says how lazy the collector is from its first collection on: the heap grows by this percentage of what lives before
// the next one.
func Settle(to int) {
	mu.Lock()
	defer mu.Unlock()
	if percent == 0 {
		return
	}
	if percent = to; begun {
		debug.SetGCPercent(percent)
	}
}
