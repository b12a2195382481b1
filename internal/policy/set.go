package policy

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"

	"github.com/sluice-dev/sluice/internal/finding"
	"github.com/sluice-dev/sluice/policies"
)

// Set is compiled Rego: the built-in policies, or those of a repository. Sets are evaluated apart from one another,
// so that a repository's packages and data cannot clash with ours.
type Set struct {
	compiler *ast.Compiler
	store    storage.Store
	root     string // of the file names that Rego was loaded from: "" or a directory with a final slash
	place    func(finding.Pos) finding.Pos
	rules    []rule
}

// rule is a rule that can be evaluated.
type rule struct {
	Rule
	ref          string // "data.main.deny_latest"
	exception    string // "data.main.exception", or "" where the package has none
	exceptionPos finding.Pos
	name         string // by which an exception names the rule: "latest"
	kinds        string // of the objects that it looks at: a list, joined by spaces; "" is all
	target       bool   // the input is all objects of a target, as conftest --combine gives it
	shared       bool   // and of these, only those that other targets deploy, too
}

// The rules that count, as in conftest: https://www.conftest.dev/#evaluating-policies
var (
	failureRule = regexp.MustCompile(`^(?:deny|violation)(?:_[a-zA-Z0-9]+)*$`)
	warningRule = regexp.MustCompile(`^warn(?:_[a-zA-Z0-9]+)*$`)
)

// Compiled is a repository's Rego as conftest's loader gives it.
type Compiled struct {
	Compiler *ast.Compiler
	Store    storage.Store // data files
	Root     string        // directory that the files were loaded from; removed from the file names of findings
	// Place gives the place to tell of in the repository for one in a file below Root; nil where all of these are the repository's.
	Place func(finding.Pos) finding.Pos
}

// NewSet makes a set of a repository's own policies: every deny, violation and warn rule of every package.
func NewSet(c Compiled) *Set {
	s := &Set{compiler: c.Compiler, store: c.Store, place: c.Place}
	if c.Root != "" {
		s.root = strings.TrimSuffix(c.Root, "/") + "/"
	}
	if s.store == nil {
		s.store = inmem.New()
	}
	seen := make(map[string]bool)
	for _, file := range slices.Sorted(mapKeys(c.Compiler.Modules)) {
		module := c.Compiler.Modules[file]
		for _, r := range module.Rules {
			name := r.Head.Name.String()
			ref := module.Package.Path.String() + "." + name
			severity, ok := severityOf(name)
			if !ok || seen[ref] {
				continue
			}
			seen[ref] = true
			s.rules = append(s.rules, rule{
				Rule: Rule{
					ID:       "policy/" + namespace(module.Package) + "/" + name,
					Severity: severity,
					Pos:      s.pos(r.Head.Location),
				},
				ref: ref, name: exceptionName(name),
			})
			describe(&s.rules[len(s.rules)-1].Rule, annotations(c.Compiler, module, r))
		}
	}
	for i, r := range s.rules {
		exception := strings.TrimSuffix(r.ref, lastPart(r.ref)) + "exception"
		if found := rulesAt(c.Compiler, exception); len(found) > 0 {
			s.rules[i].exception, s.rules[i].exceptionPos = exception, s.pos(found[0].Head.Location)
		}
	}
	slices.SortFunc(s.rules, func(a, b rule) int { return cmp.Compare(a.ID, b.ID) })
	return s
}

func mapKeys(modules map[string]*ast.Module) func(func(string) bool) {
	return func(yield func(string) bool) {
		for name := range modules {
			if !yield(name) {
				return
			}
		}
	}
}

func lastPart(ref string) string { return ref[strings.LastIndexByte(ref, '.')+1:] }

func rulesAt(c *ast.Compiler, ref string) []*ast.Rule {
	parsed, err := ast.ParseRef(ref)
	if err != nil {
		return nil
	}
	return c.GetRules(parsed)
}

// severityOf gives the severity of a conftest rule; ok is false for a rule that is a helper.
func severityOf(name string) (severity finding.Severity, ok bool) {
	switch {
	case failureRule.MatchString(name):
		return finding.Error, true
	case warningRule.MatchString(name):
		return finding.Warning, true
	default:
		return 0, false
	}
}

// exceptionName is what an exception calls a rule by: the name without its prefix, as conftest cuts it.
func exceptionName(rule string) string {
	if rule == "deny" || rule == "violation" || rule == "warn" {
		return ""
	}
	for _, prefix := range []string{"violation_", "deny_", "warn_"} {
		rule = strings.TrimPrefix(rule, prefix)
	}
	return rule
}

// namespace gives a package as people write it: "kubernetes.images".
func namespace(p *ast.Package) string {
	var parts []string
	for _, term := range p.Path[1:] {
		if s, ok := term.Value.(ast.String); ok {
			parts = append(parts, string(s))
		}
	}
	return strings.Join(parts, ".")
}

// annotations gives the METADATA that speaks about a rule: its own, else its document's, else its package's.
func annotations(c *ast.Compiler, module *ast.Module, r *ast.Rule) *ast.Annotations {
	all := c.GetAnnotationSet()
	if own := all.GetRuleScope(r); len(own) > 0 {
		return own[0]
	}
	if document := all.GetDocumentScope(r.Ref().GroundPrefix()); document != nil {
		return document
	}
	return all.GetPackageScope(module.Package)
}

func describe(r *Rule, a *ast.Annotations) {
	if a == nil {
		return
	}
	r.Title, r.Description = a.Title, strings.TrimSpace(a.Description)
	for _, resource := range a.RelatedResources {
		r.Sources = append(r.Sources, Source{Title: resource.Description, URL: resource.Ref.String()})
	}
}

// pos gives a place in Rego as a place in the repository; nothing for the built-in policies.
func (s *Set) pos(l *ast.Location) finding.Pos {
	if l == nil || s.root == "" {
		return finding.Pos{}
	}
	pos := finding.Pos{File: strings.TrimPrefix(l.File, s.root), Line: l.Row, Column: l.Col}
	if s.place != nil {
		pos = s.place(pos)
	}
	return pos
}

// title names the set in messages.
func (s *Set) title() string {
	if s.root == "" {
		return "the built-in policies"
	}
	return "the repository's policies"
}

// clean removes the directory that the policies were loaded from.
func (s *Set) clean(message string) string {
	if s.root != "" {
		message = strings.ReplaceAll(message, s.root, "")
	}
	return shorten(message)
}

// Builtin gives the built-in policies, compiled once.
var Builtin = sync.OnceValues(builtin)

func builtin() (*Set, error) {
	names, err := fs.Glob(policies.Files, "*.rego")
	if err != nil {
		return nil, err
	}
	modules := make(map[string]*ast.Module)
	for _, name := range names {
		if strings.HasSuffix(name, "_test.rego") {
			continue
		}
		text, err := fs.ReadFile(policies.Files, name)
		if err != nil {
			return nil, err
		}
		modules[name], err = ast.ParseModuleWithOpts(name, string(text), ast.ParserOptions{ProcessAnnotation: true, RegoVersion: ast.RegoV1})
		if err != nil {
			return nil, fmt.Errorf("built-in policies: %w", err)
		}
	}
	compiler := ast.NewCompiler().WithCapabilities(Capabilities()).WithStrict(true)
	if compiler.Compile(modules); compiler.Failed() {
		return nil, fmt.Errorf("built-in policies: %w", compiler.Errors)
	}
	s := &Set{compiler: compiler, store: inmem.New()}
	for _, name := range names {
		module := compiler.Modules[name]
		if module == nil || len(rulesAt(compiler, module.Package.Path.String()+".deny")) == 0 {
			continue // a test, or what rules share
		}
		r, err := builtinRule(compiler, module)
		if err != nil {
			return nil, fmt.Errorf("built-in policies: %s: %w", name, err)
		}
		s.rules = append(s.rules, r)
	}
	slices.SortFunc(s.rules, func(a, b rule) int { return cmp.Compare(a.ID, b.ID) })
	return s, nil
}

// workloads are the kinds that have a pod: those of policies/workload.rego.
const workloads = "CronJob DaemonSet Deployment Job Pod PodTemplate ReplicaSet ReplicationController StatefulSet"

// kinds reads custom.kinds: the word workloads, or a list of kinds. Rules that say it are not evaluated for other
// objects, which is most of the time of a run.
func kinds(value any) (string, error) {
	switch value := value.(type) {
	case nil:
		return "", nil
	case string:
		if value == "workloads" {
			return workloads, nil
		}
	case []any:
		names := make([]string, len(value))
		for i, name := range value {
			names[i] = fmt.Sprint(name)
		}
		slices.Sort(names)
		return strings.Join(names, " "), nil
	}
	return "", fmt.Errorf("custom.kinds is %v: it must be the word workloads or a list of kinds", value)
}

// builtinRule reads the METADATA of a built-in rule's package; policies/README.md says what it must hold.
func builtinRule(c *ast.Compiler, module *ast.Module) (rule, error) {
	metadata := c.GetAnnotationSet().GetPackageScope(module.Package)
	if metadata == nil {
		return rule{}, errors.New("has no METADATA of its package")
	}
	r := rule{
		Rule: Rule{Builtin: true, Bundles: make(map[string]finding.Severity)},
		ref:  module.Package.Path.String() + ".deny",
	}
	describe(&r.Rule, metadata)
	custom := metadata.Custom
	r.ID, _ = custom["rule"].(string)
	var err error
	if r.kinds, err = kinds(custom["kinds"]); err != nil {
		return rule{}, err
	}
	switch custom["input"] {
	case nil, "object":
	case "target":
		r.target = true
	case "shared":
		r.target, r.shared = true, true
	default:
		return rule{}, fmt.Errorf("custom.input is %v: object, target and shared are known", custom["input"])
	}
	bundles, _ := custom["bundles"].(map[string]any)
	for name, value := range bundles {
		text, _ := value.(string)
		var severity finding.Severity
		if err := severity.UnmarshalText([]byte(text)); err != nil {
			return rule{}, fmt.Errorf("custom.bundles.%s: %w", name, err)
		}
		r.Bundles[name] = severity
	}
	if r.ID == "" || r.Title == "" || r.Description == "" || len(r.Sources) == 0 || len(r.Bundles) == 0 {
		return rule{}, errors.New("METADATA needs title, description, related_resources, custom.rule and custom.bundles")
	}
	return r, nil
}
