// Package crew spreads work over goroutines, as errgroup does, and brings a panic in one of them home to who waits for it. A panic of a
// goroutine ends the program on the spot, with nothing said on the pull request; one of the caller's can be told there.
package crew

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"

	"golang.org/x/sync/errgroup"
)

// Crew runs functions at the same time. The zero value is ready, and bounds and cancels nothing.
type Crew struct {
	group errgroup.Group
	bound *errgroup.Group // of WithContext; nil: group

	once     sync.Once
	panicked *Panic
}

// Panic is what a function of a crew panicked with.
type Panic struct {
	Value any
	Stack []byte // of the goroutine
}

// String is for the log: the value and where it came from.
func (p *Panic) String() string { return fmt.Sprintf("%v\n%s", p.Value, p.Stack) }

// WithContext gives a crew, and a context that ends when one of its functions fails or panics, or when all are done.
func WithContext(ctx context.Context) (*Crew, context.Context) {
	group, ctx := errgroup.WithContext(ctx)
	return &Crew{bound: group}, ctx
}

func (c *Crew) errgroup() *errgroup.Group {
	if c.bound != nil {
		return c.bound
	}
	return &c.group
}

// SetLimit bounds how many functions run at the same time. Call it before Go.
func (c *Crew) SetLimit(n int) { c.errgroup().SetLimit(n) }

// Go runs f in a goroutine, after waiting for a place where there is a limit.
func (c *Crew) Go(f func() error) {
	c.errgroup().Go(func() (err error) {
		defer func() {
			if value := recover(); value != nil {
				p := &Panic{value, debug.Stack()}
				c.once.Do(func() { c.panicked = p })
				err = fmt.Errorf("panic: %v", value) // ends the context; Wait does not return it
			}
		}()
		return f()
	})
}

// Wait waits for all functions and gives the first error. Where one panicked, it panics with a [*Panic].
func (c *Crew) Wait() error {
	err := c.errgroup().Wait()
	if c.panicked != nil {
		panic(c.panicked)
	}
	return err
}
