// Package policy turns objects into findings by Rego: the built-in policies, and a repository's own with the semantics
// of conftest (deny, violation, warn, exception). Rego is treated as hostile: it reaches no network, process or
// environment, its time is bounded, and what it could not decide is a finding, never "no match".
package policy

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage/inmem"

	"github.com/sluice-dev/sluice/internal/finding"
)

// Engine evaluates rules. It is safe for concurrent use.
type Engine struct {
	sets   []*Set
	rules  []Rule
	limits Limits

	perObject, perTarget []*stage
	verdicts             sync.Map // verdict → Result
}

// stage is the rules of one set that have the same input: they are evaluated by one query, so that what they share
// (the containers of a pod) is computed once per object.
type stage struct {
	set     *Set
	rules   []rule
	kinds   []string // of the objects to evaluate; nil is all
	shared  bool     // only objects that other targets deploy, too
	query   rego.PreparedEvalQuery
	stopped atomic.Int32 // how often its rules passed a limit, over all calls of Check
}

// New prepares the rules that the options choose from the sets. The findings name what in the options matches no
// rule. An error is a defect of ours: a set that compiled can be prepared.
func New(ctx context.Context, opts Options, sets ...*Set) (*Engine, finding.List, error) {
	e := &Engine{sets: sets, limits: opts.Limits.orDefault()}
	var ids, namespaces []string
	for _, set := range sets {
		if set.root == "" {
			set = set.forKubernetes(opts.Kubernetes)
		}
		var chosen []rule
		for _, r := range set.rules {
			ids = append(ids, r.ID)
			if !r.Builtin {
				namespaces = append(namespaces, r.namespace())
			}
			r.target = r.target || opts.Combine && !r.Builtin
			if opts.choose(&r) {
				chosen = append(chosen, r)
				e.rules = append(e.rules, r.Rule)
			}
		}
		for _, group := range byInput(chosen) {
			query, err := set.prepare(ctx, group)
			if err != nil {
				return nil, nil, fmt.Errorf("prepare policies: %w", err)
			}
			made := &stage{set: set, rules: group, kinds: kindsOf(group), shared: group[0].shared, query: query}
			if group[0].target {
				e.perTarget = append(e.perTarget, made)
			} else {
				e.perObject = append(e.perObject, made)
			}
		}
	}
	slices.SortFunc(e.rules, func(a, b Rule) int { return strings.Compare(a.ID, b.ID) })
	return e, opts.check(ids, namespaces), nil
}

// With gives an engine over the same sets with other options: those of another environment.
func (e *Engine) With(ctx context.Context, opts Options) (*Engine, finding.List, error) {
	return New(ctx, opts, e.sets...)
}

// kindsOf gives the kinds of objects that any of the rules looks at; nil is all.
func kindsOf(rules []rule) []string {
	var all []string
	for _, r := range rules {
		if r.kinds == "" {
			return nil
		}
		all = append(all, strings.Fields(r.kinds)...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// byInput groups rules that are evaluated together, in a fixed order: those that look at objects of the same kinds one by one, and
// those that look at all objects of a target, whatever their kinds. These share the index of labels, and pick out their kinds themselves.
func byInput(rules []rule) [][]rule {
	type input struct {
		target, shared bool
		kinds          string
	}
	index := make(map[input]int)
	var groups [][]rule
	for _, r := range rules {
		in := input{r.target, r.shared, r.kinds}
		if r.target {
			in.kinds = ""
		}
		i, seen := index[in]
		if !seen {
			i = len(groups)
			index[in] = i
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], r)
	}
	return groups
}

// Rules gives the rules that are evaluated, sorted by id.
func (e *Engine) Rules() []Rule { return slices.Clone(e.rules) }

// Knows reports whether there is a rule of this name, chosen or not.
func (e *Engine) Knows(id string) bool {
	return slices.ContainsFunc(e.sets, func(s *Set) bool {
		return slices.ContainsFunc(s.rules, func(r rule) bool { return r.ID == id })
	})
}

// Unsteady reports whether a rule of the repository's own may say something else from run to run: it asks for the time, or for chance.
func (e *Engine) Unsteady() bool {
	return slices.ContainsFunc(e.sets, func(s *Set) bool {
		return s.root != "" && slices.ContainsFunc(s.compiler.Required.Builtins, func(b *ast.Builtin) bool {
			known := ast.BuiltinMap[b.Name]
			return known == nil || known.IsNondeterministic()
		})
	})
}

// forKubernetes gives the built-in set with the version that its rules ask for.
func (s *Set) forKubernetes(version string) *Set {
	major, rest, _ := strings.Cut(version, ".")
	text, _, _ := strings.Cut(rest, ".")
	minor, err := strconv.Atoi(text)
	if err != nil || major != "1" {
		return s // the rules' own default
	}
	versioned := *s
	versioned.store = inmem.NewFromObject(map[string]any{"kubernetes": map[string]any{"minor": minor}})
	return &versioned
}

func (r rule) namespace() string {
	id := strings.TrimPrefix(r.ID, "policy/")
	return id[:strings.LastIndexByte(id, '/')]
}

// choose reports whether the options want the rule, and sets its severity.
func (o Options) choose(r *rule) bool {
	if r.Builtin {
		chosen, wanted := o.Bundles, false
		if chosen == nil {
			chosen = bundles[:1]
		}
		r.Severity = finding.Notice
		for _, name := range chosen {
			if severity, has := r.Bundles[name]; has {
				wanted = true
				r.Severity = max(r.Severity, severity)
			}
		}
		if !wanted {
			return false
		}
	} else if o.Namespaces != nil && !matchesAny(o.Namespaces, r.namespace()) {
		return false
	}
	r.Severity = o.severity(r.ID, r.Severity)
	return !matchesAny(o.Disable, r.ID)
}

// prepare compiles one query for all of the rules. It gives, for each, an array of two: an array that holds the rule's
// value, or is empty where it has none, and the names that exceptions give.
func (s *Set) prepare(ctx context.Context, rules []rule) (rego.PreparedEvalQuery, error) {
	var b strings.Builder
	b.WriteString("results := [")
	for _, r := range rules {
		exceptions := "[]"
		if r.exception != "" {
			exceptions = fmt.Sprintf("[e | e := %s[_][_]]", r.exception)
		}
		fmt.Fprintf(&b, "[[v | v := %s], %s],", r.ref, exceptions)
	}
	b.WriteString("]")
	return rego.New(rego.Query(b.String()), rego.Compiler(s.compiler), rego.Store(s.store)).PrepareForEval(ctx)
}
