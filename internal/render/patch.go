package render

import (
	"path"

	"go.yaml.in/yaml/v3"

	"github.com/sluice-dev/sluice/internal/finding"
	"github.com/sluice-dev/sluice/internal/manifest"
)

// patch is one patch that a kustomization applies, to find it again in kustomize's messages.
type patch struct {
	id    manifest.ID // whom it names; the zero ID for one with a target selector only
	paths []string    // of a JSON patch's operations
	pos   finding.Pos // where the kustomization asks for it
}

// patch follows one entry of patches or patchesJson6902.
func (in *inspection) patch(k *kustomization, n *yaml.Node) {
	pos := k.at(n)
	if at := field(n, "path"); at != nil {
		if ok := in.file(k, at, text(at)); ok {
			in.patchFile(path.Join(k.dir, text(at)), k.at(at))
		}
		return
	}
	if inline := text(field(n, "patch")); inline != "" {
		in.patchDocuments(parseSource([]byte(inline)), pos)
	}
}

// legacyPatch follows one entry of patchesStrategicMerge: a file, or else the patch itself.
func (in *inspection) legacyPatch(k *kustomization, ref *yaml.Node) {
	value := text(ref)
	if inline := parseSource([]byte(value)); inline.problem == "" && len(inline.documents) > 0 &&
		inline.documents[0].Kind == yaml.MappingNode {
		in.patchDocuments(inline, k.at(ref))
		return
	}
	if ok := in.file(k, ref, value); ok {
		in.patchFile(path.Join(k.dir, value), k.at(ref))
	}
}

func (in *inspection) patchFile(file string, pos finding.Pos) {
	_, src, err := in.source(file)
	if err != nil {
		return
	}
	if src.problem != "" {
		in.suspect("render/yaml", finding.Pos{File: file, Line: src.line, Column: src.column}, "this is not valid YAML: %s", src.problem)
	}
	if src.bomb {
		in.refuse("render/too-large", finding.Pos{File: file}, "this file stands for more than %d values once its aliases are expanded", maxValues)
	}
	in.patchDocuments(src, pos)
}

func (in *inspection) patchDocuments(src *source, pos finding.Pos) {
	in.images = append(in.images, src.imagesOf()...)
	for _, document := range src.documents {
		id, _, _ := identity(document)
		p := patch{id: id, pos: pos}
		for _, operation := range items(document) {
			if at := text(field(operation, "path")); at != "" {
				p.paths = append(p.paths, at)
				if at == "/metadata/name" || at == "/metadata" || at == "/kind" || at == "/apiVersion" {
					in.hidden++
				}
			}
		}
		in.patches = append(in.patches, p)
	}
}
