package policy

import (
	"context"
	"errors"
	"fmt"
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
	// "policy/evaluation" or "policy/timeout" says which. Such a run must not be called green.
	Incomplete bool
}

// Exception is one object that a repository's own policies except from one of their rules.
type Exception struct {
	Rule   string
	Object string
}

// maxTimeouts is how often, in the life of an engine, a set may take too long before it is no longer tried.
const maxTimeouts = 3

// maxMessage bounds a message that Rego made, in bytes.
const maxMessage = 4_000

// Check evaluates every rule for the objects of one target. It stops early, with the context's error, only when ctx
// ends; everything else is in the result.
func (e *Engine) Check(ctx context.Context, objects []*manifest.Object) (Result, error) {
	c := check{engine: e, evaluator: evaluator{limits: e.limits}, result: Result{Evaluated: len(e.rules)}}
	defer c.evaluator.close()
	inputs := make([]ast.Value, len(objects))
	for i, object := range objects {
		var err error
		if inputs[i], err = input(object); err != nil {
			c.incomplete(object, "policy/evaluation", finding.Pos{}, fmt.Sprintf("policies could not be evaluated: %v", err))
		}
	}
	for _, s := range e.stages {
		if err := c.stage(ctx, s, objects, inputs); err != nil {
			return Result{}, err
		}
	}
	c.result.Findings.Sort()
	return c.result, nil
}

func input(object *manifest.Object) (ast.Value, error) {
	value := object.Value()
	if value == nil {
		return nil, errors.New("the object is not valid YAML")
	}
	return ast.InterfaceToValue(value)
}

type check struct {
	engine    *Engine
	evaluator evaluator
	result    Result
}

func (c *check) stage(ctx context.Context, s *stage, objects []*manifest.Object, inputs []ast.Value) error {
	for i, object := range objects {
		if inputs[i] == nil || !s.wants(object) {
			continue
		}
		if s.timeouts.Load() >= maxTimeouts {
			c.incomplete(nil, "policy/timeout", finding.Pos{}, fmt.Sprintf("%s took more than %s for several objects and are no longer evaluated: %s and what follows it in this target is not checked",
				s.set.title(), c.engine.limits.Time, object.ID))
			return nil
		}
		out := c.evaluator.run(ctx, s.query, inputs[i])
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(out.err, errTimeout):
			s.timeouts.Add(1)
			c.incomplete(object, "policy/timeout", finding.Pos{}, fmt.Sprintf("%s took more than %s for this object: simplify them, or raise the limit", s.set.title(), c.engine.limits.Time))
		case out.err != nil:
			if err := c.oneByOne(ctx, s, object, inputs[i]); err != nil {
				return err
			}
		default:
			c.builtinErrors(s, object, out.builtins)
			for j, r := range s.rules {
				c.rule(s, r, object, out.results[j])
			}
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
func (c *check) oneByOne(ctx context.Context, s *stage, object *manifest.Object, in ast.Value) error {
	for _, r := range s.rules {
		query, err := s.set.prepare(ctx, []rule{r})
		if err != nil {
			return fmt.Errorf("prepare policy %s: %w", r.ID, err)
		}
		out := c.evaluator.run(ctx, query, in)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		c.builtinErrors(s, object, out.builtins)
		if out.err == nil {
			c.rule(s, r, object, out.results[0])
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
		c.incomplete(object, "policy/evaluation", pos, fmt.Sprintf("%s could not be evaluated for %s: %s", r.ID, object.ID, s.set.clean(message)))
	}
	return nil
}

func (c *check) builtinErrors(s *stage, object *manifest.Object, errs []topdown.Error) {
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
		c.incomplete(object, "policy/evaluation", at.Pos, fmt.Sprintf("this expression fails for %s, so the rule it stands in decides nothing: %s", object.ID, at.message))
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
func (c *check) rule(s *stage, r rule, object *manifest.Object, result any) {
	pair := result.([]any)
	for _, name := range pair[1].([]any) {
		if name == r.name {
			c.result.Exceptions = append(c.result.Exceptions, Exception{Rule: r.ID, Object: object.ID.String()})
			return
		}
	}
	for _, value := range pair[0].([]any) {
		found, shape := c.results(r, object, value)
		c.result.Findings = append(c.result.Findings, found...)
		if shape != "" {
			c.incomplete(object, "policy/evaluation", r.Pos, fmt.Sprintf("%s %s for %s", r.ID, shape, object.ID))
		}
	}
}

// results reads the value of a rule: a collection of messages, or of objects with a msg. What it cannot read it says
// in shape.
func (c *check) results(r rule, object *manifest.Object, value any) (found finding.List, shape string) {
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
		f := finding.Finding{Rule: r.ID, Severity: r.Severity, Object: object.ID.String(), Pos: finding.Pos{File: object.Origin.File}}
		switch value := value.(type) {
		case string:
			f.Message = value
		case map[string]any:
			if f.Message, ok = value["msg"].(string); !ok {
				shape = "gives an object without a text msg"
				continue
			}
			f.Path, _ = value["path"].(string)
		default:
			shape = fmt.Sprintf("gives a result that is neither a text nor an object with a msg (%v)", value)
			continue
		}
		if f.Message = shorten(f.Message); f.Message != "" { // conftest: an empty message passes
			found = append(found, f)
		}
	}
	return found, shape
}

func (c *check) incomplete(object *manifest.Object, ruleID string, pos finding.Pos, message string) {
	f := finding.Finding{Rule: ruleID, Severity: finding.Error, Message: message, Pos: pos}
	if object != nil {
		f.Object = object.ID.String()
		if pos.File == "" {
			f.File = object.Origin.File
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
