package pipeline

import (
	"bytes"
	"context"
	"crypto/sha256"
	"slices"
	"strings"
	"sync"

	"github.com/sluice-dev/sluice/internal/manifest"
	"github.com/sluice-dev/sluice/internal/plan"
	"github.com/sluice-dev/sluice/internal/schema"
)

// clusters knows the admission policies of each environment, whatever the change reaches: those that its targets
// render. Only targets with a file that holds one are rendered for them.
type clusters struct {
	judge *judge
	scene *scene

	mu    sync.Mutex
	known map[clusterKey]*cluster
}

type clusterKey struct {
	environment string
	head        bool
}

// cluster is what the targets with policies of one environment render, on one side.
type cluster struct {
	once    sync.Once
	objects []*manifest.Object
	err     error
	compile sync.Once
	bound   *schema.Admission
}

// admission gives the policies that bind a target's objects on a side: for head those of base, and those that head adds or changes.
func (c *clusters) admission(ctx context.Context, target plan.Target, head bool) (*schema.Admission, error) {
	if c == nil {
		return nil, nil
	}
	at, objects, err := c.objects(ctx, target.Environment, head)
	if err != nil {
		return nil, err
	}
	if head && c.judge.check.Base.Tree != nil {
		_, base, err := c.objects(ctx, target.Environment, false)
		if err != nil {
			return nil, err
		}
		objects = joined(base, objects)
	}
	at.compile.Do(func() { at.bound = schema.NewAdmission(objects) })
	return at.bound, nil
}

// joined gives the policies and bindings of base, those of head that base does not have so, and all other objects of head.
func joined(base, head []*manifest.Object) []*manifest.Object {
	var all []*manifest.Object
	texts := make(map[string]bool)
	for _, o := range base {
		if schema.IsAdmission(o) {
			all = append(all, o)
			texts[string(o.Text)] = true
		}
	}
	for _, o := range head {
		if !schema.IsAdmission(o) || !texts[string(o.Text)] {
			all = append(all, o)
		}
	}
	return all
}

func (c *clusters) objects(ctx context.Context, environment string, head bool) (*cluster, []*manifest.Object, error) {
	key := clusterKey{environment, head}
	c.mu.Lock()
	at := c.known[key]
	if at == nil {
		at = &cluster{}
		c.known[key] = at
	}
	c.mu.Unlock()
	at.once.Do(func() { at.objects, at.err = c.render(ctx, key) })
	return at, at.objects, at.err
}

func (c *clusters) render(ctx context.Context, key clusterKey) ([]*manifest.Object, error) {
	tree, side := c.judge.check.Base.Tree, c.scene.base
	if key.head {
		tree, side = c.judge.check.Head.Tree, c.scene.head
	}
	if tree == nil {
		return nil, nil
	}
	files := c.judge.facts.policies(key.head)
	var all []*manifest.Object
	for _, target := range side.Layout.Targets {
		if target.Environment != key.environment || !readsAny(side.Graph.TargetClosure(target), files) {
			continue
		}
		rendering, err := c.judge.renderer.Render(ctx, tree, target)
		if err != nil {
			return nil, err
		}
		all = append(all, rendering.Objects...) // one that fails says so as a target
	}
	return all, nil
}

// readsAny reports whether one of the files is among the inputs of a target.
func readsAny(inputs []plan.Input, files []string) bool {
	if len(files) == 0 {
		return false
	}
	for _, input := range inputs {
		for _, file := range files {
			if input.Path == file || input.Kind == plan.Subtree && strings.HasPrefix(file, input.Path+"/") {
				return true
			}
		}
	}
	return false
}

// policies gives the files of a side that hold admission policies or bindings of them.
func (f *facts) policies(head bool) []string {
	f.scan.Do(func() {
		if f.check.Base.Tree == nil {
			f.headPolicies = policyFiles(f.check.Head.Tree)
			return
		}
		f.basePolicies = f.basePolicyFiles()
		f.headPolicies = f.headPolicyFiles()
	})
	if head {
		return f.headPolicies
	}
	return f.basePolicies
}

// basePolicyFiles looks through base, unless the memory knows: base stays the same from run to run.
func (f *facts) basePolicyFiles() []string {
	tree, memory := f.check.Base.Tree, f.check.Memory
	oid, identified := tree.OID(".")
	if memory == nil || !identified {
		return policyFiles(tree)
	}
	key := sha256.Sum256([]byte("files with admission policies of both kinds\n" + oid))
	var files []string
	if remembered(memory, key, &files) {
		return files
	}
	files = policyFiles(tree)
	remember(memory, key, files)
	return files
}

// headPolicyFiles gives the files of base that head has too, and those that the change brings.
func (f *facts) headPolicyFiles() []string {
	changed := make(map[string]bool)
	var files []string
	for _, file := range f.check.Changed {
		changed[file] = true
		if isYAML(file) && holdsPolicy(f.check.Head.Tree, file) {
			files = append(files, file)
		}
	}
	for _, file := range f.basePolicies {
		if !changed[file] {
			files = append(files, file)
		}
	}
	slices.Sort(files)
	return files
}

func policyFiles(tree Tree) (files []string) {
	prefetchYAML(tree)
	eachYAML(tree, func(file string) bool {
		if holdsPolicy(tree, file) {
			files = append(files, file)
		}
		return true
	})
	return files
}

func holdsPolicy(tree Tree, file string) bool {
	data, err := tree.ReadFile(file)
	return err == nil && (bytes.Contains(data, []byte("ValidatingAdmissionPolicy")) || bytes.Contains(data, []byte("MutatingAdmissionPolicy")))
}
