package pipeline

import (
	"bytes"
	"cmp"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"github.com/sluice-dev/sluice/internal/config"
	"github.com/sluice-dev/sluice/internal/finding"
	"github.com/sluice-dev/sluice/internal/manifest"
	"github.com/sluice-dev/sluice/internal/plan"
	"github.com/sluice-dev/sluice/internal/schema"
)

// facts are what the validation of one target must know of the whole repository, whatever the change reaches.
//
// They are read from the text of the repository's files, not from renderings: to render hundreds of targets for the
// definitions in a few of them would cost more than it tells, since overlays patch the annotations of a definition and hardly
// ever its schema. Those that may do that are rendered, see [neighbours.amended]. What a target renders itself comes first, patches included.
//
// Reading every file of both sides takes longer than to check a small change, so it is done when a rendering first needs it.
type facts struct {
	check    *Check
	schemas  *schema.Set
	external schema.External    // JSON schemas that the configuration names; nil without any
	dirs     []config.Directory // whose definitions bind
	touched  bool               // the change may differ in a definition or an admission policy

	once    sync.Once
	binding []located // from the configured directories on base
	base    []located
	head    []located

	scan                       sync.Once // for the files with admission policies
	basePolicies, headPolicies []string
}

// located is a CustomResourceDefinition and the file it stands in.
type located struct {
	file       string
	definition *schema.Definition
	object     *manifest.Object
}

func (l located) kind() kind { return kind{l.definition.Group, l.definition.Kind} }

// maxDefinitions bounds the CustomResourceDefinitions of one side.
const maxDefinitions = 5_000

// gather prepares the facts of both sides. Findings are mistakes in what the configuration names.
func (c *Check) gather(cfg *config.Config, schemas *schema.Set) (*facts, finding.List, error) {
	f := c.newFacts(cfg, schemas)
	binding := c.bindingTree()
	var problems finding.List
	for i, dir := range f.dirs {
		f.once.Do(f.read)
		if !slices.ContainsFunc(f.binding, func(l located) bool { return l.in(dir) }) {
			problems = append(problems, noDefinitions(cfg, binding, i))
		}
	}
	if len(cfg.Validation.Schemas) == 0 {
		return f, problems, nil
	}
	external, found, err := c.Workshop.Schemas(binding, cfg)
	f.external = external
	return f, append(problems, found...), err
}

func (c *Check) newFacts(cfg *config.Config, schemas *schema.Set) *facts {
	return &facts{check: c, schemas: schemas, dirs: cfg.Validation.CRDs, touched: slices.ContainsFunc(c.Changed, c.holdsDefinition)}
}

// read reads the definitions of both sides.
func (f *facts) read() {
	read := definitionReader{schemas: f.schemas, memo: make(map[string][]*manifest.Object)}
	f.head = read.all(f.check.Head.Tree)
	binding := f.head
	if f.check.Base.Tree != nil {
		f.base = read.all(f.check.Base.Tree)
		binding = f.base
	}
	for _, dir := range f.dirs {
		for _, l := range binding {
			if l.in(dir) {
				f.binding = append(f.binding, l)
			}
		}
	}
}

func (l located) in(dir config.Directory) bool { return strings.HasPrefix(l.file, string(dir)+"/") }

// holdsDefinition reports whether a file of either side may hold a CustomResourceDefinition, or an admission policy.
func (c *Check) holdsDefinition(file string) bool {
	for _, tree := range []Tree{c.Base.Tree, c.Head.Tree} {
		if tree == nil || !isYAML(file) {
			continue
		}
		data, err := tree.ReadFile(file)
		if err == nil && (bytes.Contains(data, []byte("CustomResourceDefinition")) || bytes.Contains(data, []byte("ValidatingAdmissionPolicy"))) {
			return true
		}
	}
	return false
}

func noDefinitions(cfg *config.Config, tree Tree, i int) finding.Finding {
	dir := cfg.Validation.CRDs[i]
	what := "holds no CustomResourceDefinition"
	if _, err := tree.Lstat(string(dir)); err != nil {
		what = "does not exist"
	}
	return finding.Finding{
		Rule: "config/crds", Severity: finding.Error, Pos: cfg.Pos("validation", "crds", i),
		Message: fmt.Sprintf("the directory %s of validation.crds %s", dir, what),
	}
}

// definitionReader finds the CustomResourceDefinitions of trees, and reads each file once.
type definitionReader struct {
	schemas *schema.Set
	memo    map[string][]*manifest.Object // object id of a file → the definitions in it
}

func (r definitionReader) all(tree Tree) []located {
	var found []located
	prefetchYAML(tree)
	eachYAML(tree, func(file string) bool {
		for _, o := range r.file(tree, file) {
			if d, err := r.schemas.Definition(o, file); err == nil {
				found = append(found, located{file, d, o})
			}
		}
		return len(found) < maxDefinitions
	})
	return found
}

func (r definitionReader) file(tree Tree, file string) []*manifest.Object {
	oid, ok := tree.OID(file)
	if objects, known := r.memo[oid]; ok && known {
		return objects
	}
	var definitions []*manifest.Object
	if data, err := tree.ReadFile(file); err == nil && bytes.Contains(data, []byte("CustomResourceDefinition")) {
		objects, _ := manifest.Parse(file, data) // a template, or a target whose rendering says what is wrong
		for _, o := range objects {
			if o.ID.Kind == "CustomResourceDefinition" {
				definitions = append(definitions, o)
			}
		}
	}
	if ok {
		r.memo[oid] = definitions
	}
	return definitions
}

// eachYAML calls f for the YAML and JSON files of a tree, in order, until it has enough.
func eachYAML(tree Tree, f func(file string) (more bool)) {
	_ = fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() || !isYAML(name) {
			return nil
		}
		if !f(name) {
			return fs.SkipAll
		}
		return nil
	})
}

// prefetchYAML reads the files that eachYAML will name, where a tree can do that at less cost than one by one.
func prefetchYAML(tree Tree) {
	prefetch(tree, func(add func(file string)) {
		eachYAML(tree, func(file string) bool {
			add(file)
			return true
		})
	})
}

// prefetch reads the files that each adds, where a tree can do that at less cost than one by one.
func prefetch(tree Tree, each func(add func(file string))) {
	fast, ok := tree.(interface{ Prefetch(names []string) })
	if !ok {
		return
	}
	var files []string
	each(func(file string) { files = append(files, file) })
	fast.Prefetch(files)
}

// of gives the definitions in the files of a side.
func (f *facts) of(head bool) []located {
	f.once.Do(f.read)
	if head {
		return f.head
	}
	return f.base
}

// before is what base's objects of a target are validated with. amended are the definitions that other targets change.
func (f *facts) before(base Rendering, target plan.Target, amended []located) schema.Context {
	f.once.Do(f.read)
	return schema.Context{Custom: f.custom(base, f.binding, amended, nearest(f.base, target)), Schemas: f.external}
}

// after is what head's objects of a target are validated with: the definitions that head will have deployed, those that base
// binds, and those that head no longer has though its objects still need them. amended are those that other targets change.
func (f *facts) after(base, head Rendering, target plan.Target, amended []located) schema.Context {
	f.once.Do(f.read)
	custom := f.custom(head, f.binding, amended, nearest(f.head, target), nearest(f.base, target))
	return schema.Context{Custom: custom, Schemas: f.external, Old: base.Objects}
}

// custom joins definitions: what a target renders itself first, then the lists in their order.
func (f *facts) custom(own Rendering, lists ...[]located) *schema.Custom {
	var all []*schema.Definition
	for _, o := range own.Objects {
		if o.ID.Kind != "CustomResourceDefinition" {
			continue
		}
		if d, err := f.schemas.Definition(o, cmp.Or(o.Origin.File, o.ID.String())); err == nil {
			all = append(all, d)
		}
	}
	for _, l := range slices.Concat(lists...) {
		all = append(all, l.definition)
	}
	return schema.NewCustom(all...)
}

// nearest orders definitions for a target: those of its own environment first, by a directory of that name, then those that
// share most of its path.
func nearest(definitions []located, target plan.Target) []located {
	sorted := slices.Clone(definitions)
	environment := func(l located) int {
		if target.Environment != "" && slices.Contains(strings.Split(l.file, "/"), target.Environment) {
			return 1
		}
		return 0
	}
	slices.SortStableFunc(sorted, func(a, b located) int {
		return cmp.Or(cmp.Compare(environment(b), environment(a)), cmp.Compare(shared(b.file, target.Dir), shared(a.file, target.Dir)))
	})
	return sorted
}
