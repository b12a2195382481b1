package cli

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// progress is one line on a terminal that says how far a run has come. Elsewhere, and in workflows, it is silent. A nil progress is too.
type progress struct {
	mu    sync.Mutex
	w     io.Writer
	last  time.Time
	shown bool
}

func (c *Command) newProgress() *progress {
	// Some runners of workflows give a terminal. What stands on it before a workflow command makes that no command.
	if !isTerminal(c.Stderr) || c.inActions() {
		return nil
	}
	return &progress{w: c.Stderr}
}

// update shows that done of total targets have been looked at, at most ten times a second.
func (p *progress) update(done, total int) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if now := time.Now(); now.Sub(p.last) > 100*time.Millisecond {
		fmt.Fprintf(p.w, "\r\x1b[Kchecking targets: %d of %d", done, total)
		p.last, p.shown = now, true
	}
}

// end removes the line.
func (p *progress) end() {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shown {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}
