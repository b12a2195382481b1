package policy

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/metrics"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/topdown"
)

// Limits bound what Rego may use. Zero fields have defaults.
type Limits struct {
	Time    time.Duration // for one object, or for each 1,000 objects of a target where rules look at all; default 5 s
	Memory  uint64        // bytes that the process may grow by during one evaluation; default 1 GB. A query is stopped soon after it passes this
	Results int           // of one rule, for each object that it looks at; default 1,000
	Now     time.Time     // what time.now_ns gives, so that a run can be repeated; default: the clock
}

func (l Limits) orDefault() Limits {
	if l.Time <= 0 {
		l.Time = 5 * time.Second
	}
	if l.Memory == 0 {
		l.Memory = 1 << 30
	}
	if l.Results <= 0 {
		l.Results = 1_000
	}
	return l
}

// grace is how long a cancelled query may take to stop. Rego stops at its next step; a builtin may not.
const grace = time.Second

// glance is how often the memory of a query that runs is looked at. Most are over before the first time.
const glance = 50 * time.Millisecond

// errLimit is wrapped by the errors of queries that were stopped because they took too much.
var errLimit = errors.New("limit")

// outcome is what a query gave.
type outcome struct {
	results  []any           // one per rule
	builtins []topdown.Error // calls of builtins that failed; Rego goes on with "undefined"
	err      error
}

// evaluator runs queries one after another on a goroutine of its own, whose stack stays as large as Rego needs it.
// The zero value with limits is ready; close ends the goroutine.
type evaluator struct {
	limits Limits
	jobs   chan job
}

type job struct {
	ctx    context.Context
	query  rego.PreparedEvalQuery
	input  ast.Value
	cancel topdown.Cancel
	done   chan outcome
}

// run evaluates a query within the limits. A query that does not stop when it is told to is left behind with its
// goroutine: a stuck policy must not hang the run.
func (e *evaluator) run(ctx context.Context, query rego.PreparedEvalQuery, input ast.Value, limit time.Duration) outcome {
	if e.jobs == nil {
		e.jobs = make(chan job)
		go work(e.jobs, e.limits)
	}
	j := job{ctx: ctx, query: query, input: input, cancel: topdown.NewCancel(), done: make(chan outcome, 1)}
	e.jobs <- j
	out, cause := e.wait(ctx, j.done, limit)
	if cause == nil {
		return out
	}
	j.cancel.Cancel()
	select {
	case <-j.done:
	case <-time.After(grace):
		e.close()
	}
	return outcome{err: cause}
}

// wait waits for the outcome of a query, or for the reason to stop it.
func (e *evaluator) wait(ctx context.Context, done <-chan outcome, limit time.Duration) (outcome, error) {
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	look := time.NewTicker(glance)
	defer look.Stop()
	var before uint64
	for {
		select {
		case out := <-done:
			return out, nil
		case <-deadline.C:
			return outcome{}, fmt.Errorf("%w of %s", errLimit, limit)
		case <-ctx.Done():
			return outcome{}, ctx.Err()
		case <-look.C:
			now := heap()
			if before == 0 {
				before = now
			}
			if now > before+e.limits.Memory {
				return outcome{}, fmt.Errorf("%w of %d MB", errLimit, e.limits.Memory>>20)
			}
		}
	}
}

// heap is the memory that the process has in use.
func heap() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

func (e *evaluator) close() {
	if e.jobs != nil {
		close(e.jobs)
		e.jobs = nil
	}
}

func work(jobs <-chan job, limits Limits) {
	for j := range jobs {
		j.done <- eval(j.ctx, j.query, j.input, limits, j.cancel)
	}
}

func eval(ctx context.Context, query rego.PreparedEvalQuery, input ast.Value, limits Limits, cancel topdown.Cancel) (out outcome) {
	defer func() {
		if p := recover(); p != nil {
			out = outcome{err: fmt.Errorf("the evaluation panicked: %v", p)}
		}
	}()
	opts := []rego.EvalOption{
		rego.EvalParsedInput(input),
		rego.EvalBuiltinErrorList(&out.builtins),
		rego.EvalExternalCancel(cancel),
		rego.EvalSeed(rand.NewChaCha8([32]byte{})), // no secret: runs must be equal
		rego.EvalSortSets(true),
	}
	if !limits.Now.IsZero() {
		opts = append(opts, rego.EvalTime(limits.Now))
	}
	rs, err := query.Eval(ctx, opts...)
	if err != nil {
		out.err = err
		return out
	}
	if len(rs) != 1 {
		out.err = fmt.Errorf("the query gave %d results instead of 1", len(rs))
		return out
	}
	out.results, _ = rs[0].Bindings["results"].([]any)
	return out
}
