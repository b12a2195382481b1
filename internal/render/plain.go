package render

import (
	"fmt"
	"path"
	"strings"

	"go.yaml.in/yaml/v3"
	"sigs.k8s.io/kustomize/api/konfig"

	"github.com/sluice-dev/sluice/internal/finding"
)

// maxDirectories bounds the recursion into a directory of plain manifests.
const maxDirectories = 5_000

// synthesize gives a directory of plain manifests the kustomization that Flux' kustomize-controller would generate
// for it: every YAML file, and every directory with a kustomization of its own in place of what is in it. JSON files
// are taken as well, as Argo CD does; a file without any object (Helm values, say) is passed over with a warning,
// where Flux would fail. A directory that has a kustomization after all keeps it.
func synthesize(repo *repository, dir string) finding.List {
	root, err := repo.find(dir)
	if err != nil || root.mode != modeDirectory {
		return nil
	}
	g := &generation{in: inspection{repo: repo}, left: maxDirectories}
	if g.kustomization(root.path) != "" {
		return nil
	}
	g.scan(root.path, ".")
	if len(g.resources) == 0 {
		g.notes = append(g.notes, finding.Finding{
			Rule: "render/empty", Severity: finding.Warning, Pos: finding.Pos{File: root.path},
			Message: "there is no Kubernetes object in this directory: nothing would be deployed",
		})
	}
	content, err := yaml.Marshal(map[string]any{
		"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", "resources": g.resources,
	})
	if err == nil {
		repo.synthesized = path.Join(root.path, konfig.DefaultKustomizationFileName())
		repo.overlay[repo.synthesized] = content
	}
	return g.notes
}

type generation struct {
	in        inspection
	resources []string
	notes     finding.List
	left      int
}

// kustomization gives the kind of the kustomization in a directory, "" where there is none.
func (g *generation) kustomization(dir string) string {
	for _, name := range konfig.RecognizedKustomizationFileNames() {
		if _, src, err := g.in.source(path.Join(dir, name)); err == nil {
			if len(src.documents) > 0 && text(field(src.documents[0], "kind")) == "Component" {
				return "Component"
			}
			return "Kustomization"
		}
	}
	return ""
}

// scan takes in a directory; relative is its path from the target's.
func (g *generation) scan(dir, relative string) {
	if g.left--; g.left < 0 {
		return
	}
	entries, err := g.in.repo.list(dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name, ".") {
			continue
		}
		full, below := path.Join(dir, e.Name), path.Join(relative, e.Name)
		if found, err := g.in.repo.find(full); err == nil && found.mode == modeDirectory && e.Mode == modeDirectory {
			switch g.kustomization(full) {
			case "":
				g.scan(full, below)
			case "Kustomization":
				g.resources = append(g.resources, below)
			}
			continue
		}
		if isYAML(e.Name) && g.holdsObjects(full) {
			g.resources = append(g.resources, below)
		}
	}
}

// holdsObjects reports whether a file is a resource: it holds an object, or is broken, which kustomize shall say.
func (g *generation) holdsObjects(file string) bool {
	_, src, err := g.in.source(file)
	if err != nil || src.problem != "" {
		return true
	}
	for _, document := range src.documents {
		if _, _, ok := identity(document); ok {
			return true
		}
	}
	if len(src.documents) > 0 {
		g.notes = append(g.notes, finding.Finding{
			Rule: "render/not-an-object", Severity: finding.Warning, Pos: finding.Pos{File: file, Line: src.documents[0].Line},
			Message: fmt.Sprintf("%s holds no Kubernetes object (nothing with apiVersion and kind) and is passed over: Argo CD does the same, Flux fails", path.Base(file)),
		})
	}
	return false
}
