package policy

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/topdown"

	"github.com/sluice-dev/sluice/internal/finding"
	"github.com/sluice-dev/sluice/internal/manifest"
)

// Result is what the policies say about the objects of one target.
type Result struct {
	Findings   finding.List
	Evaluated  int         // rules
	Exceptions []Exception // rules that the repository's policies except an object from, whether they find something in it or not
	// Incomplete says that a policy could not be evaluated for some object; a finding with the rule
	// "policy/evaluation" or "policy/limit" says which. Such a run must not be called green.
	Incomplete bool
}

// Exception is one object that a repository's own policies except from one of their rules.
type Exception struct {
	Rule   string
	Object string
}

// Neighbour is an object of another target of the same environment.
type Neighbour struct {
	Target string // that deploys it
	Object *manifest.Object
	Same   bool // the target that is checked deploys an object of this identity, too
}

// maxStopped is how often, in the life of an engine, rules may pass a limit before they are no longer tried.
const maxStopped = 3

// Check evaluates every rule for the objects of one target. It stops early, with the context's error, only when ctx
// ends; everything else is in the result.
//
// Rules that look at all objects of a target see, behind those, the objects of its environment's other targets that may matter to it.
// Nothing is said about these.
func (e *Engine) Check(ctx context.Context, objects []*manifest.Object, neighbours ...Neighbour) (Result, error) {
	c := check{
		engine: e, evaluator: &evaluator{limits: e.limits}, result: Result{Evaluated: len(e.rules)},
		givenUp: make(map[*stage]bool), inputs: make(map[*manifest.Object]ast.Value),
	}
	defer c.evaluator.close()
	for _, object := range objects {
		if err := c.object(ctx, object); err != nil {
			return Result{}, err
		}
	}
	for _, s := range e.perTarget {
		if err := c.target(ctx, s, objects, neighbours); err != nil {
			return Result{}, err
		}
	}
	c.result.Findings.Sort()
	return c.result, nil
}

type check struct {
	engine    *Engine
	evaluator *evaluator
	result    Result
	givenUp   map[*stage]bool // said already
	inputs    map[*manifest.Object]ast.Value
}

// verdict is what the verdict about an object depends on.
type verdict struct {
	text [sha256.Size]byte
	id   manifest.ID
}

// object evaluates the rules about single objects. What they say depends on the object's text alone, so it is
// remembered: most objects are the same on base and on head.
func (c *check) object(ctx context.Context, object *manifest.Object) error {
	e, key := c.engine, verdict{sha256.Sum256(object.Text), object.ID}
	if known, ok := e.verdicts.Load(key); ok {
		c.result.add(known.(Result), object)
		return nil
	}
	one := check{engine: e, evaluator: c.evaluator, givenUp: c.givenUp, inputs: c.inputs}
	about := subject{object: object}
	for _, s := range e.perObject {
		if !s.wants(object) {
			continue
		}
		if about.input == nil {
			var err error
			if about.input, err = c.input(object); err != nil {
				one.incomplete(about, "policy/evaluation", finding.Pos{}, fmt.Sprintf("policies could not be evaluated: %v", err))
				break
			}
		}
		if err := one.evaluate(ctx, s, about); err != nil {
			return err
		}
	}
	if !one.result.Incomplete {
		e.verdicts.Store(key, one.result)
	}
	c.result.add(one.result, object)
	return nil
}

// add takes over what was found in an object with the same text as object.
func (r *Result) add(other Result, object *manifest.Object) {
	for _, f := range other.Findings {
		if f.Line == 0 { // about the object, not about a place in Rego
			f.File = object.Origin.File
		}
		r.Findings = append(r.Findings, f)
	}
	r.Exceptions = append(r.Exceptions, other.Exceptions...)
	r.Incomplete = r.Incomplete || other.Incomplete
}

// target evaluates rules that look at all objects of the target together.
func (c *check) target(ctx context.Context, s *stage, objects []*manifest.Object, neighbours []Neighbour) error {
	var about subject
	var documents []*ast.Term
	for _, object := range objects {
		if !s.wants(object) || s.shared && !hasSame(neighbours, object.ID) {
			continue
		}
		input, err := c.input(object)
		if err != nil {
			c.incomplete(subject{object: object}, "policy/evaluation", finding.Pos{}, fmt.Sprintf("policies could not be evaluated: %v", err))
			continue
		}
		about.all = append(about.all, object)
		documents = append(documents, ast.ObjectTerm(
			[2]*ast.Term{ast.StringTerm("path"), ast.StringTerm(object.Origin.File)},
			[2]*ast.Term{ast.StringTerm("contents"), ast.NewTerm(input)},
		))
	}
	if len(documents) == 0 {
		return nil
	}
	for _, n := range neighbours {
		if !s.rules[0].Builtin || !s.wants(n.Object) || s.shared && !n.Same {
			continue
		}
		if input, err := c.input(n.Object); err == nil { // else its own target says so
			documents = append(documents, ast.ObjectTerm(
				[2]*ast.Term{ast.StringTerm("path"), ast.StringTerm(n.Object.Origin.File)},
				[2]*ast.Term{ast.StringTerm("contents"), ast.NewTerm(input)},
				[2]*ast.Term{ast.StringTerm("elsewhere"), ast.StringTerm(n.Target)},
			))
			about.others++
		}
	}
	about.input = ast.NewArray(documents...)
	return c.evaluate(ctx, s, about)
}

func hasSame(neighbours []Neighbour, id manifest.ID) bool {
	return slices.ContainsFunc(neighbours, func(n Neighbour) bool { return n.Same && n.Object.ID == id })
}

// wants reports whether the stage looks at the object.
func (s *stage) wants(object *manifest.Object) bool {
	return len(s.kinds) == 0 || slices.Contains(s.kinds, object.ID.Kind)
}

// input is what rules see of an object: never what a Secret holds, which a rule could tell.
func (c *check) input(object *manifest.Object) (ast.Value, error) {
	if known, ok := c.inputs[object]; ok {
		return known, nil
	}
	value := object.Concealed(nil)
	if value == nil {
		return nil, errors.New("the object is not valid YAML")
	}
	input, err := ast.InterfaceToValue(value)
	if err == nil {
		c.inputs[object] = input
	}
	return input, err
}

// subject is what a stage is evaluated for: one object, or all objects of the target that the stage looks at.
type subject struct {
	object *manifest.Object   // nil for all
	all    []*manifest.Object // the target's that the input lists
	others int                // how many of other targets it lists behind them
	input  ast.Value
}

// String names the subject in messages.
func (s subject) String() string {
	if s.object == nil {
		return "this target"
	}
	return s.object.ID.String()
}

// evaluate evaluates the rules of a stage for one subject.
func (c *check) evaluate(ctx context.Context, s *stage, about subject) error {
	if s.stopped.Load() >= maxStopped {
		c.result.Incomplete = true
		if !c.givenUp[s] {
			c.givenUp[s] = true
			c.incomplete(subject{}, "policy/limit", finding.Pos{}, fmt.Sprintf("%s had to be stopped several times and are no longer evaluated: %s and what follows it is not checked", s.title(), about))
		}
		return nil
	}
	out := c.evaluator.run(ctx, s.query, about.input, c.time(about))
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(out.err, errLimit):
		s.stopped.Add(1)
		c.incomplete(about, "policy/limit", finding.Pos{}, fmt.Sprintf("%s passed the %v for %s and were stopped: simplify them", s.title(), out.err, about))
	case out.err != nil:
		return c.oneByOne(ctx, s, about)
	default:
		c.builtinErrors(s, about, out.builtins)
		for i, r := range s.rules {
			c.rule(r, about, out.results[i])
		}
	}
	return nil
}

// title names the stage in messages, by its rules where they are few: they are evaluated together, so nobody knows which of them it was.
func (s *stage) title() string {
	if s.set.root == "" || len(s.rules) > 3 {
		return s.set.title()
	}
	var names []string
	for _, r := range s.rules {
		names = append(names, r.ID)
	}
	return fmt.Sprintf("%s (%s)", s.set.title(), strings.Join(names, ", "))
}

// time is how long an evaluation may take.
func (c *check) time(about subject) time.Duration {
	return c.engine.limits.Time * time.Duration(1+len(about.all)/1_000)
}

// oneByOne evaluates each rule by itself after their common query failed: an error in one rule must not hide what
// the others find.
func (c *check) oneByOne(ctx context.Context, s *stage, about subject) error {
	for _, r := range s.rules {
		query, err := s.set.prepare(ctx, []rule{r})
		if err != nil {
			return fmt.Errorf("prepare policy %s: %w", r.ID, err)
		}
		out := c.evaluator.run(ctx, query, about.input, c.time(about))
		if ctx.Err() != nil {
			return ctx.Err()
		}
		c.builtinErrors(s, about, out.builtins)
		if out.err == nil {
			c.rule(r, about, out.results[0])
			continue
		}
		pos := r.Pos
		var failed *topdown.Error
		message := out.err.Error()
		if errors.As(out.err, &failed) {
			message = failed.Message
			if failed.Location != nil {
				pos = s.set.pos(failed.Location)
			}
		}
		c.incomplete(about, "policy/evaluation", pos, fmt.Sprintf("%s could not be evaluated for %s: %s", r.ID, about, s.set.clean(message)))
	}
	return nil
}

func (c *check) builtinErrors(s *stage, about subject, errs []topdown.Error) {
	type place struct {
		finding.Pos
		message string
	}
	seen := make(map[place]bool)
	for _, err := range errs {
		at := place{s.set.pos(err.Location), s.set.clean(err.Message)}
		if seen[at] {
			continue
		}
		seen[at] = true
		c.incomplete(about, "policy/evaluation", at.Pos, fmt.Sprintf("this expression fails for %s, so the rule it stands in decides nothing: %s", about, at.message))
	}
}
