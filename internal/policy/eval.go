package policy

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/topdown"
)

// Limits bound what Rego may use. Zero fields have defaults.
type Limits struct {
	Time    time.Duration // for one object (one target, for rules over all objects of a target); default 5 s
	Results int           // of one rule for one object; default 1,000
	Now     time.Time     // what time.now_ns gives, so that a run can be repeated; default: the clock
}

func (l Limits) orDefault() Limits {
	if l.Time <= 0 {
		l.Time = 5 * time.Second
	}
	if l.Results <= 0 {
		l.Results = 1_000
	}
	return l
}

// grace is how long a cancelled query may take to stop. Rego stops at its next step; a builtin may not.
const grace = time.Second

var errTimeout = errors.New("took too long")

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
func (e *evaluator) run(ctx context.Context, query rego.PreparedEvalQuery, input ast.Value) outcome {
	if e.jobs == nil {
		e.jobs = make(chan job)
		go work(e.jobs, e.limits)
	}
	j := job{ctx: ctx, query: query, input: input, cancel: topdown.NewCancel(), done: make(chan outcome, 1)}
	e.jobs <- j
	timer := time.NewTimer(e.limits.Time)
	defer timer.Stop()
	cause := errTimeout
	select {
	case out := <-j.done:
		return out
	case <-timer.C:
	case <-ctx.Done():
		cause = ctx.Err()
	}
	j.cancel.Cancel()
	timer.Reset(grace)
	select {
	case <-j.done:
	case <-timer.C:
		e.close()
	}
	return outcome{err: cause}
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
