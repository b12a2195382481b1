package policy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/topdown"

	"github.com/sluice-dev/sluice/internal/finding"
	"github.com/sluice-dev/sluice/internal/manifest"
)

// Result is what the policies say about the objects of one target.
type Result struct {
	Findings   finding.List
	Evaluated  int         // rules
	Exceptions []Exception // rules that the repository's policies excepted an object from
	// Incomplete says that a policy could not be evaluated for some object; a finding with the rule
	// "policy/evaluation" or "policy/limit" says which. Such a run must not be called green.
	Incomplete bool
}

// Exception is one object that a repository's own policies except from one of their rules.
type Exception struct {
	Rule   string
	Object string
}

// maxStopped is how often, in the life of an engine, rules may pass a limit before they are no longer tried.
const maxStopped = 3

// maxMessage bounds a message that Rego made, in bytes.
const maxMessage = 4_000

// Check evaluates every rule for the objects of one target. It stops early, with the context's error, only when ctx
// ends; everything else is in the result.
func (e *Engine) Check(ctx context.Context, objects []*manifest.Object) (Result, error) {
	c := check{engine: e, evaluator: evaluator{limits: e.limits}, result: Result{Evaluated: len(e.rules)}}
	defer c.evaluator.close()
	var all []subject
	for _, object := range objects {
		value := object.Value()
		if value == nil {
			c.incomplete(subject{object: object}, "policy/evaluation", finding.Pos{}, "policies could not be evaluated: the object is not valid YAML")
			continue
		}
		input, err := ast.InterfaceToValue(value)
		if err != nil {
			return Result{}, fmt.Errorf("convert %s: %w", object.ID, err)
		}
		all = append(all, subject{object: object, input: input})
	}
	for _, s := range e.stages {
		for _, about := range s.subjects(all) {
			if s.stopped.Load() >= maxStopped {
				c.incomplete(subject{}, "policy/limit", finding.Pos{}, fmt.Sprintf("%s had to be stopped several times and are no longer evaluated: %s and what follows it is not checked", s.set.title(), about))
				break
			}
			if err := c.evaluate(ctx, s, about); err != nil {
				return Result{}, err
			}
		}
	}
	c.result.Findings.Sort()
	return c.result, nil
}

// subject is what a stage is evaluated for: one object, or all objects of the target that the stage looks at.
type subject struct {
	object *manifest.Object // nil for all
	all    []*manifest.Object
	input  ast.Value
}

// String names the subject in messages.
func (s subject) String() string {
	if s.object == nil {
		return "this target"
	}
	return s.object.ID.String()
}

// subjects gives what the stage is to be evaluated for.
func (s *stage) subjects(all []subject) []subject {
	wanted := make([]subject, 0, len(all))
	for _, one := range all {
		if len(s.kinds) == 0 || slices.Contains(s.kinds, one.object.ID.Kind) {
			wanted = append(wanted, one)
		}
	}
	if !s.rules[0].target || len(wanted) == 0 {
		return wanted
	}
	combined := subject{}
	documents := make([]*ast.Term, len(wanted))
	for i, one := range wanted {
		combined.all = append(combined.all, one.object)
		documents[i] = ast.ObjectTerm(
			[2]*ast.Term{ast.StringTerm("path"), ast.StringTerm(one.object.Origin.File)},
			[2]*ast.Term{ast.StringTerm("contents"), ast.NewTerm(one.input)},
		)
	}
	combined.input = ast.NewArray(documents...)
	return []subject{combined}
}

type check struct {
	engine    *Engine
	evaluator evaluator
	result    Result
}

// evaluate evaluates the rules of a stage for one subject.
func (c *check) evaluate(ctx context.Context, s *stage, about subject) error {
	out := c.evaluator.run(ctx, s.query, about.input)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(out.err, errLimit):
		s.stopped.Add(1)
		c.incomplete(about, "policy/limit", finding.Pos{}, fmt.Sprintf("%s passed the %v for %s and were stopped: simplify them", s.set.title(), out.err, about))
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

// title names the set in messages.
func (s *Set) title() string {
	if s.root == "" {
		return "the built-in policies"
	}
	return "the repository's policies"
}

// oneByOne evaluates each rule by itself after their common query failed: an error in one rule must not hide what
// the others find.
func (c *check) oneByOne(ctx context.Context, s *stage, about subject) error {
	for _, r := range s.rules {
		query, err := s.set.prepare(ctx, []rule{r})
		if err != nil {
			return fmt.Errorf("prepare policy %s: %w", r.ID, err)
		}
		out := c.evaluator.run(ctx, query, about.input)
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

// clean removes the directory that the policies were loaded from.
func (s *Set) clean(message string) string {
	if s.root != "" {
		message = strings.ReplaceAll(message, s.root, "")
	}
	return shorten(message)
}

// rule turns the value of one rule into findings: result is the array that [Set.prepare] describes.
func (c *check) rule(r rule, about subject, result any) {
	pair := result.([]any)
	for _, name := range pair[1].([]any) {
		if name == r.name {
			c.result.Exceptions = append(c.result.Exceptions, Exception{Rule: r.ID, Object: about.String()})
			return
		}
	}
	for _, value := range pair[0].([]any) {
		found, shape := c.results(r, about, value)
		c.result.Findings = append(c.result.Findings, found...)
		if shape != "" {
			c.incomplete(about, "policy/evaluation", r.Pos, fmt.Sprintf("%s %s for %s", r.ID, shape, about))
		}
	}
}

// results reads the value of a rule: a collection of messages, or of objects with a msg. What it cannot read it says
// in shape.
func (c *check) results(r rule, about subject, value any) (found finding.List, shape string) {
	values, ok := value.([]any)
	if !ok {
		if value == false {
			return nil, ""
		}
		return nil, "gives no collection of messages (write `" + lastPart(r.ref) + " contains msg if { … }`)"
	}
	if limit := c.engine.limits.Results; len(values) > limit {
		shape = fmt.Sprintf("gives %d results; only the first %d are shown", len(values), limit)
		values = values[:limit]
	}
	for _, value := range values {
		f := finding.Finding{Rule: r.ID, Severity: r.Severity}
		object := about.object
		switch value := value.(type) {
		case string:
			f.Message = value
		case map[string]any:
			if f.Message, ok = value["msg"].(string); !ok {
				shape = "gives an object without a text msg"
				continue
			}
			f.Path, _ = value["path"].(string)
			if i, ok := index(value["index"]); ok && i < len(about.all) {
				object = about.all[i]
			}
		default:
			shape = fmt.Sprintf("gives a result that is neither a text nor an object with a msg (%v)", value)
			continue
		}
		if object != nil {
			f.Object, f.File = object.ID.String(), object.Origin.File
		}
		if f.Message = shorten(f.Message); f.Message != "" { // conftest: an empty message passes
			found = append(found, f)
		}
	}
	return found, shape
}

// index reads the number of the object, of all those of a target, that a result is about.
func index(value any) (int, bool) {
	number, ok := value.(json.Number)
	if !ok {
		return 0, false
	}
	i, err := strconv.Atoi(number.String())
	return i, err == nil && i >= 0
}

func (c *check) incomplete(about subject, ruleID string, pos finding.Pos, message string) {
	f := finding.Finding{Rule: ruleID, Severity: finding.Error, Message: shorten(message), Pos: pos}
	if about.object != nil {
		f.Object = about.object.ID.String()
		if pos.File == "" {
			f.File = about.object.Origin.File
		}
	}
	c.result.Findings = append(c.result.Findings, f)
	c.result.Incomplete = true
}

func shorten(message string) string {
	message = strings.TrimRight(message, "\n")
	if len(message) <= maxMessage {
		return message
	}
	cut := maxMessage
	for cut > 0 && !utf8.RuneStart(message[cut]) {
		cut--
	}
	return message[:cut] + "…"
}
