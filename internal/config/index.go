package config

import (
	"bytes"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice/internal/finding"
)

// References is what the layout needs to know of the dependency graph; plan.Graph has it. Directories are named as
// in [Target.Dir].
type References interface {
	Kustomizations() []string    // every directory that holds a kustomization file, sorted
	Component(dir string) bool   // its kustomization is a component
	Template(dir string) bool    // its kustomization is a template: full of placeholders, and no YAML
	UsedBy(name string) []string // the directories of the kustomizations that name a path, sorted
	Bases(dir string) []string   // the directories its kustomization builds upon
}

// index holds the directories of a tree.
type index struct {
	tree  fs.FS
	refs  References
	dirs  map[string]*directory
	order []string        // every directory, sorted: one stands before what is below it
	has   map[string]bool // a kustomization
}

type directory struct {
	subdirs  []string // names
	files    []string // names of YAML and JSON files
	chart    bool     // of Helm
	occupied bool     // holds a kustomization, YAML or JSON, itself or below
}

// newIndex lists a tree. A directory that cannot be listed is a finding, and missing.
func newIndex(tree fs.FS, refs References) (*index, finding.List) {
	x := &index{tree: tree, refs: refs, dirs: make(map[string]*directory), has: make(map[string]bool)}
	var findings finding.List
	_ = fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			findings = append(findings, finding.Finding{
				Rule: "layout/unreadable", Severity: finding.Error, Pos: finding.Pos{File: name},
				Message: fmt.Sprintf("this directory cannot be read: %v", err),
			})
			return nil
		}
		if entry.IsDir() {
			if path.Base(name) == ".git" {
				return fs.SkipDir
			}
			x.dirs[name] = &directory{}
			x.order = append(x.order, name)
			if parent := x.dirs[path.Dir(name)]; name != "." && parent != nil {
				parent.subdirs = append(parent.subdirs, path.Base(name))
			}
			return nil
		}
		if parent := x.dirs[path.Dir(name)]; parent != nil && entry.Type().IsRegular() {
			parent.add(path.Base(name))
		}
		return nil
	})
	slices.Sort(x.order)
	for _, dir := range refs.Kustomizations() {
		x.has[dir] = true
		if d := x.dirs[dir]; d != nil {
			d.occupied = true
		}
	}
	for _, dir := range slices.Backward(x.order) {
		if x.dirs[dir].occupied && dir != "." {
			x.dirs[path.Dir(dir)].occupied = true
		}
	}
	return x, findings
}

func (d *directory) add(file string) {
	switch path.Ext(file) {
	case ".yaml", ".yml", ".json":
		d.files = append(d.files, file)
		d.occupied = true
		d.chart = d.chart || file == "Chart.yaml"
	}
}

// holdsManifests reports whether a directory is one of plain manifests: it has no kustomization, no kustomization
// names it or a file of it, and it holds Kubernetes objects.
func (x *index) holdsManifests(dir string) bool {
	d := x.dirs[dir]
	if d == nil || d.chart || x.has[dir] || len(x.refs.UsedBy(dir)) > 0 {
		return false
	}
	found := false
	for _, file := range d.files {
		name := path.Join(dir, file)
		if len(x.refs.UsedBy(name)) > 0 {
			return false
		}
		found = found || x.isManifest(name)
	}
	return found
}

var (
	// A field begins a line, or stands in a mapping of one line: {apiVersion: v1, kind: Service, …}.
	apiVersionLine = regexp.MustCompile(`(?m)^[ \t]*(?:- )?(?:\{(?:.*[,{])?[ \t]*)?"?apiVersion"?:[ \t]*["']?([^\s"',}]+)`)
	kindLine       = regexp.MustCompile(`(?m)^[ \t]*(?:\{(?:.*[,{])?[ \t]*)?"?kind"?:[ \t]*["']?[A-Z]`)
	notManifests   = []string{"kustomize.config.k8s.io/", "config.kubernetes.io/", "skaffold/", "kind.x-k8s.io/", "kubeadm.k8s.io/"}
)

// isManifest reports whether a file holds Kubernetes objects that can be applied as they are. It looks at the text
// only: a file with a mistake in it is still one.
func (x *index) isManifest(name string) bool {
	data, err := fs.ReadFile(x.tree, name)
	if err != nil || !kindLine.Match(data) || bytes.Contains(data, []byte("{{")) {
		return false
	}
	m := apiVersionLine.FindSubmatch(data)
	return m != nil && !slices.ContainsFunc(notManifests, func(prefix string) bool {
		return strings.HasPrefix(string(m[1]), prefix)
	})
}

// below reports whether a directory lies in another one.
func below(dir, other string) bool {
	return other == "." && dir != "." || strings.HasPrefix(dir, other+"/")
}
