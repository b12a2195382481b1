package oci

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/tools/txtar"
	"oras.land/oras-go/v2/content/file"
)

// Bounds of an artifact.
const (
	maxManifest = 4 << 20  // bytes: what registries take
	maxLayers   = 4_000    // files
	maxFiles    = 32 << 20 // bytes of all files together
)

// dataType is the media type of data files. Source: conftest, internal/commands/push.go.
const dataType = "application/vnd.cncf.openpolicyagent.data.layer.v1+json"

// layer is one file of an artifact.
type layer struct {
	ocispec.Descriptor
	title string // its path, which is one inside of the artifact
}

// readManifest gives the layers of an artifact, within the bounds.
func readManifest(text []byte) ([]layer, error) {
	var manifest struct {
		ocispec.Manifest
		Manifests []json.RawMessage `json:"manifests"` // of an index
	}
	if err := json.Unmarshal(text, &manifest); err != nil {
		return nil, err
	}
	switch {
	case manifest.Manifests != nil:
		return nil, errors.New("it is an index of several artifacts: name one of them by its own digest")
	case len(manifest.Layers) == 0:
		return nil, errors.New("the artifact holds no files")
	case len(manifest.Layers) > maxLayers:
		return nil, fmt.Errorf("the artifact holds more than %d files", maxLayers)
	}
	var layers []layer
	left := int64(maxFiles)
	for i, desc := range manifest.Layers {
		title := desc.Annotations[ocispec.AnnotationTitle]
		switch {
		case title == "":
			return nil, fmt.Errorf("layer %d has no name (%s): push the policies as files, as conftest push does", i, ocispec.AnnotationTitle)
		case desc.Annotations[file.AnnotationUnpack] == "true":
			return nil, fmt.Errorf("%q is a packed directory: push the policies as files, as conftest push does", title)
		case !fs.ValidPath(title) || title == "." || strings.ContainsAny(title, "\\:\x00"):
			return nil, fmt.Errorf("%q is no path inside of the artifact", title)
		case desc.Size < 0 || desc.Size > left:
			return nil, fmt.Errorf("the artifact holds more than %d MB", maxFiles>>20)
		}
		if err := desc.Digest.Validate(); err != nil {
			return nil, fmt.Errorf("%q: %w", title, err)
		}
		left -= desc.Size
		layers = append(layers, layer{desc, title})
	}
	slices.SortFunc(layers, func(a, b layer) int { return strings.Compare(a.title, b.title) })
	return layers, nil
}

// assemble makes an artifact of layers and their content.
func assemble(layers []layer, texts [][]byte) (*Artifact, error) {
	var archive txtar.Archive
	a := &Artifact{Root: path.Dir(layers[0].title)}
	for i, l := range layers {
		archive.Files = append(archive.Files, txtar.File{Name: l.title, Data: texts[i]})
		if l.MediaType == dataType {
			a.Data = append(a.Data, l.title)
		}
		for a.Root != "." && !strings.HasPrefix(l.title, a.Root+"/") {
			a.Root = path.Dir(a.Root)
		}
	}
	var err error
	if a.Files, err = txtar.FS(&archive); err != nil {
		return nil, fmt.Errorf("two files of the artifact have one name: %w", err)
	}
	return a, nil
}
