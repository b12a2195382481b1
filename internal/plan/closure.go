package plan

import (
	"cmp"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice/internal/config"
)

// Closure gives everything that building a directory reads, follows or looks for, sorted by path: the files, the
// absent ones that would be read if they were there, the links on the way, and the directories whose content may be
// read as a whole. Nothing else can change what the build gives.
func (g *Graph) Closure(dir string) []Input {
	var inputs []Input
	g.visit(dir, func(visited string, _ []string) {
		if n := g.nodes[visited]; n != nil {
			inputs = append(append(inputs, n.own...), n.inputs...)
		}
	})
	return sortedInputs(inputs)
}

// TargetClosure is [Graph.Closure] for a target of any kind: one of plain manifests may read everything below its
// directory, and what links there lead to.
func (g *Graph) TargetClosure(target Target) []Input {
	if target.Kind == config.Manifests {
		return sortedInputs(g.subtree(target.Dir))
	}
	return g.Closure(target.Dir)
}

// subtree gives the inputs of a directory that is read as a whole. What cannot be listed adds nothing: the directory
// itself stands for it.
func (g *Graph) subtree(dir string) []Input {
	at, ok := g.locate(".", dir)
	if !ok {
		return nil
	}
	inputs := appendPlace(nil, at, Subtree)
	if !at.isDir() {
		return inputs
	}
	_ = fs.WalkDir(g.tree, at.path, func(name string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type()&fs.ModeSymlink != 0 {
			if linked, ok := g.locate(path.Dir(name), path.Base(name)); ok {
				inputs = appendPlace(inputs, linked, File)
			}
		}
		return nil
	})
	return inputs
}

// appendTree adds a directory that is read as a whole, and, as Helm does with a chart, all that links in it lead to.
func (g *Graph) appendTree(inputs []Input, at place) []Input {
	read := map[string]bool{}
	for queue := []place{at}; len(queue) > 0 && len(read) <= maxLinkedTrees; queue = queue[1:] {
		at := queue[0]
		inputs = appendPlace(inputs, at, Subtree)
		if !at.isDir() || read[at.path] {
			continue
		}
		read[at.path] = true
		_ = fs.WalkDir(g.tree, at.path, func(name string, entry fs.DirEntry, err error) error {
			if err == nil && entry.Type()&fs.ModeSymlink != 0 {
				linked, ok := g.locate(path.Dir(name), path.Base(name))
				if !ok {
					inputs = appendLinks(inputs, linked)
				} else {
					queue = append(queue, linked)
				}
			}
			return nil
		})
	}
	return inputs
}

// maxLinkedTrees bounds the directories that links in one chart lead to: rendering refuses such a chart for its size.
const maxLinkedTrees = 1000

// visit walks the directories that a directory is built from, itself first, nearest first, each once. via is the way
// to the visited one: its user, the user's user, and so on up to dir.
func (g *Graph) visit(dir string, each func(visited string, via []string)) {
	type step struct {
		dir string
		via []string
	}
	seen := map[string]bool{dir: true}
	for queue := []step{{dir: dir}}; len(queue) > 0; queue = queue[1:] {
		at := queue[0]
		each(at.dir, at.via)
		if g.nodes[at.dir] == nil {
			continue
		}
		for _, base := range g.nodes[at.dir].bases {
			if !seen[base] {
				seen[base] = true
				queue = append(queue, step{base, append([]string{at.dir}, at.via...)})
			}
		}
	}
}

func sortedInputs(inputs []Input) []Input {
	slices.SortFunc(inputs, func(a, b Input) int {
		return cmp.Or(strings.Compare(a.Path, b.Path), cmp.Compare(a.Kind, b.Kind))
	})
	return slices.Compact(inputs)
}
