package render

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sluice-dev/sluice/internal/plan"
)

// Pool renders targets in worker processes. A worker serves one tree only: what has come over it while it rendered one
// side of a change must not speak for the other. The methods are safe for concurrent use.
type Pool struct {
	options Options
	close   sync.Once
	logged  sync.Once // what confines the workers
	ctx     context.Context
	cancel  context.CancelFunc
	done    sync.WaitGroup // warm starts

	mu      sync.Mutex
	idle    []*process     // the last one used is the first one used again: it remembers most
	busy    int            // workers that render or start: Workers at most
	live    int            // workers that are idle or busy: see most
	serving map[string]int // live workers by the tree that they serve
	changed chan struct{}  // closed, and made anew, when a worker becomes idle or ends
}

// NewPool makes a pool. Its workers start when they are first needed, or with [Pool.Warm], and are killed when the
// context ends or the pool is closed.
func NewPool(ctx context.Context, options Options) *Pool {
	if options.Workers <= 0 {
		options.Workers = runtime.NumCPU()
	}
	if options.Timeout <= 0 {
		options.Timeout = DefaultTimeout
	}
	if options.Memory <= 0 {
		options.Memory = DefaultMemory
	}
	if options.MaxOutput <= 0 {
		options.MaxOutput = DefaultMaxOutput
	}
	if options.Log == nil {
		options.Log = slog.New(slog.DiscardHandler)
	}
	p := &Pool{options: options, serving: make(map[string]int), changed: make(chan struct{})}
	p.ctx, p.cancel = context.WithCancel(ctx)
	return p
}

// Warm starts workers in the background until there are n, so that they are ready when the first target comes.
func (p *Pool) Warm(n int) {
	for range min(n, p.options.Workers) {
		p.done.Go(func() {
			if !p.reserve(n) {
				return
			}
			if worker, err := p.start(); err == nil { // else the first target will say why
				p.release(worker)
			}
		})
	}
}

// reserve counts one more busy worker, unless there are enough.
func (p *Pool) reserve(enough int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.live >= min(enough, p.options.Workers) || p.busy >= p.options.Workers {
		return false
	}
	p.live++
	p.busy++
	return true
}

// Close ends all workers and waits for them. Targets that are being rendered fail with the context's error.
func (p *Pool) Close() error {
	p.close.Do(func() {
		p.cancel()
		p.done.Wait()
		p.mu.Lock()
		defer p.mu.Unlock()
		for p.busy > 0 {
			changed := p.changed
			p.mu.Unlock()
			<-changed
			p.mu.Lock()
		}
		for _, w := range p.idle {
			w.stop()
		}
		p.idle = nil
	})
	return nil
}

// Render renders one target of a tree. The error is of the machinery (a worker that cannot be started, a tree that
// cannot be read) or of the context; everything else, limits and crashes included, is a finding of the result.
func (p *Pool) Render(ctx context.Context, tree Tree, target plan.Target) (Result, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(p.ctx, func() { cancel(context.Cause(p.ctx)) })()
	worker, err := p.acquire(ctx, treeIdentity(tree))
	if ctx.Err() != nil && err != nil {
		return Result{}, context.Cause(ctx)
	}
	if err != nil {
		return Result{}, fmt.Errorf("render %s: %w", target.ID, err)
	}
	result, reusable, err := worker.render(ctx, tree, target)
	if reusable {
		p.release(worker)
	} else {
		p.discard(worker)
	}
	if ctx.Err() != nil {
		return Result{}, context.Cause(ctx)
	}
	if err != nil {
		return Result{}, fmt.Errorf("render %s: %w", target.ID, err)
	}
	return result, nil
}

// treeIdentity tells trees apart. Those without an object id count as one.
func treeIdentity(tree Tree) string {
	oid, _ := tree.OID(".")
	return "tree " + oid
}

// patience is how long a target waits for a busy worker of its tree, though there is room for one more: to start one costs more
// than several targets.
const patience = 200 * time.Millisecond

// acquire waits until there is room for a busy worker, and gives an idle one that has served the same tree, or none yet.
// It starts one where the tree has none, or none that becomes idle soon.
func (p *Pool) acquire(ctx context.Context, tree string) (*process, error) {
	var tired <-chan time.Time // set while there is room, and no worker
	var late bool
	for {
		p.mu.Lock()
		worker, room := p.take(tree)
		start := worker == nil && room && (p.serving[tree] == 0 || late)
		if start {
			p.busy++
			p.serving[tree]++
		}
		changed := p.changed
		p.mu.Unlock()
		switch {
		case worker != nil:
			return worker, nil
		case start:
			return p.startFor(tree)
		case !room:
			tired, late = nil, false
		case tired == nil:
			tired = time.After(patience)
		}
		select {
		case <-changed:
		case <-tired:
			late = true
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// take gives an idle worker that can serve a tree, nil where there is none. room says whether one more may be busy.
func (p *Pool) take(tree string) (worker *process, room bool) {
	if p.busy >= p.options.Workers {
		return nil, false
	}
	for _, want := range []string{tree, ""} {
		for i := len(p.idle) - 1; i >= 0; i-- {
			if worker := p.idle[i]; worker.tree == want {
				p.idle = slices.Delete(p.idle, i, i+1)
				p.busy++
				if want == "" {
					p.serving[tree]++
				}
				worker.tree = tree
				return worker, true
			}
		}
	}
	return nil, true
}

// startFor starts a worker that is counted as busy, and ends an idle one of another tree where there would be too many.
func (p *Pool) startFor(tree string) (*process, error) {
	p.mu.Lock()
	var old *process
	if p.live >= p.most() && len(p.idle) > 0 {
		old, p.idle = p.idle[0], p.idle[1:]
		p.serving[old.tree]--
	} else {
		p.live++
	}
	p.mu.Unlock()
	if old != nil {
		old.stop()
	}
	worker, err := p.start()
	if err != nil {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.serving[tree]--
		return nil, err
	}
	worker.tree = tree
	return worker, nil
}

// most is how many workers there may be: as many as may be busy, and one for each side of a change. An idle one holds memory and
// gains little.
func (p *Pool) most() int { return max(2, p.options.Workers) }

// start starts a worker that is counted already, as live and as busy.
func (p *Pool) start() (worker *process, err error) {
	defer func() {
		if err != nil {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.live--
			p.free()
		}
	}()
	if p.ctx.Err() != nil {
		return nil, context.Cause(p.ctx)
	}
	program := p.options.Program
	if len(program) == 0 {
		self, err := os.Executable()
		if err != nil {
			return nil, err
		}
		program = []string{self, marker}
	}
	if worker, err = startProcess(program, p.options); err != nil {
		return nil, err
	}
	p.logged.Do(func() {
		active := append([]string{"empty environment", "no network transport", "deadline"}, worker.protections...)
		p.options.Log.Info("rendering in confined processes", slog.String("active", strings.Join(active, ", ")))
	})
	return worker, nil
}

// release keeps a worker for the next target.
func (p *Pool) release(worker *process) {
	if p.ctx.Err() != nil {
		p.discard(worker)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.idle = append(p.idle, worker)
	p.free()
}

func (p *Pool) discard(worker *process) {
	worker.stop()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.live--
	p.serving[worker.tree]--
	p.free()
}

// free says that one worker less is busy. The lock is held.
func (p *Pool) free() {
	p.busy--
	close(p.changed)
	p.changed = make(chan struct{})
}
