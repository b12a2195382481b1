package render

import (
	"path"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice/internal/finding"
)

// contains reports whether the directory outer is dir or holds it.
func contains(outer, dir string) bool {
	return outer == "." || outer == dir || strings.HasPrefix(dir, outer+"/")
}

// escapes reports whether a path that is relative to a directory of the repository leaves it.
func escapes(dir, value string) bool {
	if path.IsAbs(value) {
		return true
	}
	if below, ok := strings.CutPrefix(dir, remoteMounts); ok {
		_, dir, _ = strings.Cut(below, "/")
		dir = path.Clean(dir)
	}
	depth := 0
	if dir != "." {
		depth = strings.Count(dir, "/") + 1
	}
	for _, part := range strings.Split(path.Clean(value), "/") {
		if part != ".." {
			break
		}
		depth--
	}
	return depth < 0
}

// beyondRoot follows the name of a file in what is said of it.
const beyondRoot = " is not in or below"

// restrictedAt gives the place that names a file which [inspection.restricted] noted, else the target's.
func (in *inspection) restrictedAt(target finding.Pos, file string) finding.Pos {
	for _, f := range in.beyond {
		if strings.HasPrefix(f.Message, file+beyondRoot) {
			return f.Pos
		}
	}
	return target
}

// restricted notes a file that kustomize's default load restrictor would refuse: one that is not, after links, in or
// below the directory of the kustomization that names it.
func (in *inspection) restricted(k *kustomization, pos finding.Pos, file string) {
	if found, err := in.repo.find(file); err != nil || contains(k.dir, found.path) {
		return
	}
	warning := problem("render/root-only", pos, "%s"+beyondRoot+" this kustomization's directory: kustomize reads it only with --load-restrictor LoadRestrictionsNone, and so does Argo CD (kustomize.buildOptions). "+
		"Move the file, or set render.load-restrictor to root-only to forbid this", file)
	warning.Severity = finding.Warning
	if !slices.ContainsFunc(in.beyond, func(f finding.Finding) bool { return finding.Compare(f, warning) == 0 }) {
		in.beyond = append(in.beyond, warning)
	}
}
